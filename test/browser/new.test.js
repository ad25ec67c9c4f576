// Two people on the page of an application as roost new makes it.

import assert from "node:assert/strict"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { createInterface } from "node:readline"
import { promisify } from "node:util"
import { launch } from "./viewer.js"

const root = new URL("../..", import.meta.url).pathname
const artifacts = join(root, "artifacts")
const problems = []
let folder, app, browser, site

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roost-new-"))
  const go = (cwd, ...args) => promisify(execFile)("go", args, { cwd, env: { ...process.env, GOTOOLCHAIN: "auto" } })
  await go(root, "run", "./cmd/roost", "new", join(folder, "demo"))
  await go(join(folder, "demo"), "build", "-o", join(folder, "program"), ".")
  app = spawn(join(folder, "program"), ["-addr", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] })
  const [line] = await once(createInterface({ input: app.stdout }), "line")
  site = /^demo on (\S+)$/.exec(line)[1]
  browser = await launch()
  await mkdir(artifacts, { recursive: true })
})
after(async () => {
  await browser?.close()
  app?.kill("SIGKILL")
  await rm(folder, { recursive: true, force: true })
})

/** Opens the page in a browser of its own. */
async function open(name, colorScheme) {
  const page = await (await browser.newContext({ colorScheme, viewport: { width: 640, height: 420 } })).newPage()
  page.on("pageerror", (error) => problems.push(error.message))
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()))
  await page.goto(`${site}/?name=${name}`)
  await page.getByText(`Online as ${name}.`).waitFor()
  return page
}

test("what one writes the other sees at once", { timeout: 60_000 }, async () => {
  const ada = await open("Ada", "light")
  const bob = await open("Bob", "dark")
  await ada.getByLabel("Message").fill("Hello, Bob!")
  await ada.getByRole("button", { name: "Send" }).click()
  await bob.getByText("Ada Hello, Bob!").waitFor()
  await bob.getByLabel("Message").fill("<b>Hello</b>")
  await bob.getByLabel("Message").press("Enter")
  await ada.getByText("Bob <b>Hello</b>").waitFor()
  assert.equal(await ada.getByLabel("Message").inputValue(), "")
  await ada.screenshot({ path: join(artifacts, "new-ada.png") })
  await bob.screenshot({ path: join(artifacts, "new-bob-dark.png") })
  assert.deepEqual(problems, [])
})

test("it tells what has gone wrong, and ends in good order", { timeout: 60_000 }, async () => {
  const eve = await open("Eve", "light")
  await eve.getByLabel("Message").evaluate((input) => (input.required = false))
  await eve.getByRole("button", { name: "Send" }).click()
  await eve.getByText("Not sent: must have 1 to 1000 bytes.").waitFor()
  app.kill("SIGTERM")
  assert.deepEqual(await once(app, "exit"), [0, null])
  await eve.getByText("Offline.").waitFor()
})
