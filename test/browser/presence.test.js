// A page in Chromium on which 3,000 people are present, 100 of whom change in each second.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { after, before, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { Socket } from "phoenix"
import WebSocket from "ws"
import { Program } from "../program.js"
import { launch } from "./viewer.js"

const PEOPLE = 3000
const CHANGES_PER_SECOND = 100
const SECONDS = 10
const LIMIT = 0.1 // of a core

const repository = new URL("../../", import.meta.url)
const libraries = { client: "client/ts/dist/index.js", phoenix: "test/node_modules/phoenix/priv/static/phoenix.mjs" }

let server, browser, crowd

before(async () => {
  await promisify(execFile)("npm", ["run", "build"], { cwd: new URL("client/ts", repository) })
  server = await Program.build("internal/conformance/crowd", /^crowd on (\S+)$/, () => ["-files", repository.pathname])
  await server.start()
  browser = await launch()
  const socket = new Socket(`ws://${server.address}/socket`, { transport: WebSocket })
  socket.connect()
  crowd = socket.channel("crowd")
  await new Promise((resolve) => crowd.join().receive("ok", resolve))
  await new Promise((resolve) => crowd.push("gather", { People: PEOPLE }, 60_000).receive("ok", resolve))
})
after(async () => {
  crowd?.socket.disconnect()
  await browser?.close()
  await server?.close()
})

/** Changes one person after another, at a steady rate. */
async function stir(count) {
  const began = performance.now()
  for (let n = 0; n < count; n++) {
    await sleep(began + (n * 1000) / CHANGES_PER_SECOND - performance.now())
    crowd.push("change", { Number: (n * 7) % PEOPLE }, 1000)
  }
}

/** Opens a page that shows who is there, ten times a second while that changes, with one of the libraries. */
async function open(library) {
  const page = await browser.newPage()
  const problems = []
  page.on("pageerror", (error) => problems.push(error.message))
  await page.goto(`http://${server.address}/test/browser/presence.html`)
  await page.evaluate(async (path) => {
    const { Socket, Presence } = await import(path)
    const socket = new Socket("/socket")
    socket.connect()
    const channel = socket.channel("crowd")
    const presence = new Presence(channel)
    const seen = (window.seen = { diffs: 0, people: 0, changes: 0 })
    channel.on("presence_diff", ({ joins }) => {
      seen.diffs++
      seen.changes += Object.keys(joins).length
    })
    let waits = false // what has changed is shown soon, with what changes until then
    const show = () => {
      waits = false
      const people = presence.list((key, { metas }) => ({ key, name: metas[0].name, sessions: metas.length }))
      if (people.length === seen.people) return
      seen.people = people.length
      document.querySelector("#count").textContent = `${people.length} are here`
    }
    presence.onSync(() => {
      if (!waits) setTimeout(show, 100)
      waits = true
    })
    channel.join()
  }, `/${libraries[library]}`)
  await page.waitForFunction((people) => window.seen.people === people, PEOPLE)
  return { page, problems }
}

/** The milliseconds of its processor that the page has used, on its main thread. */
async function meter(page) {
  const devtools = await page.context().newCDPSession(page)
  // Time of the processor, and not of the clock: others may be using the machine.
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" })
  return async () => {
    const { metrics } = await devtools.send("Performance.getMetrics")
    const figure = (wanted) => metrics.find(({ name }) => name === wanted).value * 1000
    return { task: figure("TaskDuration"), script: figure("ScriptDuration") }
  }
}

/** What a change costs the page, in milliseconds. */
async function measure(t, library) {
  const { page, problems } = await open(library)
  const used = await meter(page)
  const seen = () => page.evaluate(() => ({ ...window.seen }))
  const [before, from] = [await seen(), await used()]
  const count = SECONDS * CHANGES_PER_SECOND
  await stir(count)
  await page.waitForFunction((changes) => window.seen.changes === changes, before.changes + count)
  const [after, to] = [await seen(), await used()]
  assert.equal(after.people, PEOPLE)
  assert.deepEqual(problems, [])
  await page.close()
  const diffs = after.diffs - before.diffs
  // What comes together on a busy machine is one diff.
  const [share, script] = ["task", "script"].map((part) => ((to[part] - from[part]) / diffs / 1000) * CHANGES_PER_SECOND)
  const percent = (part) => `${(part * 100).toFixed(1)} %`
  t.diagnostic(`${library}: ${PEOPLE} present and ${CHANGES_PER_SECOND} diffs a second, by ${diffs} of them: ${percent(share)} of a core, ${percent(script)} in scripts`)
  assert.ok(diffs > count / 2, `${diffs} diffs of ${count} changes`)
  return share
}

test("3,000 present and 100 diffs a second take less than a tenth of a core", { timeout: 120_000 }, async (t) => {
  const share = await measure(t, "client")
  assert.ok(share < LIMIT, `${(share * 100).toFixed(1)} % of a core`)
})

test("the stock client on the same stream, for comparison", { timeout: 120_000 }, async (t) => {
  await measure(t, "phoenix")
})
