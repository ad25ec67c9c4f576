// What becomes of a page on Rumbl whose server is another one when it is back, which knows no history, in Chromium. The tests are
// chapters of one story, in order.

import assert from "node:assert/strict"
import { join } from "node:path"
import { after, before, test as nodeTest } from "node:test"
import { Cutter } from "../cutter.js"
import { Program } from "../program.js"
import { launch, Viewer } from "./viewer.js"

const test = (name, run) => nodeTest(name, { timeout: 60_000 }, run)

let rumbl, cutter, browser, ann, bob // who comes through the cutter

before(async () => {
  rumbl = await Program.build("examples/rumbl", /^Rumbl on http:\/\/(\S+)$/, (folder) => ["-db", join(folder, "rumbl.db")])
  await rumbl.start()
  cutter = await Cutter.open(rumbl.address)
  browser = await launch()
  ann = await Viewer.arrive(browser, `http://${rumbl.address}`, { username: "ann", name: "Ann", password: "battery staple" })
  bob = await Viewer.arrive(browser, `http://${cutter.address}`, { username: "bob", name: "Bob", password: "correct horse" })
  await Promise.all([ann.register(), bob.register()])
  await ann.addVideo("A clip", "/static/sample.webm")
  await ann.isLive()
  await bob.watch("A clip")
})
after(async () => {
  await browser?.close()
  cutter?.close()
  await rumbl?.close()
})

/** Puts another server in the place of the one that there is. */
async function restart() {
  await rumbl.stop()
  await Promise.all([ann.isOffline(), bob.isOffline()])
  await rumbl.start()
  await ann.isLive()
}

test("who saw the very first annotation, and was away when it was deleted, sees it no more", async () => {
  await ann.annotate("Oops")
  await bob.annotation("Oops").waitFor()
  cutter.budget = () => 0
  cutter.cutAll()
  await bob.isOffline()
  await restart()
  await ann.annotation("Oops").getByRole("button", { name: "Delete" }).click()
  await ann.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
  await ann.annotation("Oops").waitFor({ state: "detached" })
  cutter.budget = () => Infinity
  await bob.isLive()
  await bob.annotation("Oops").waitFor({ state: "detached" })
})

test("whose annotation was kept, but not answered, is not asked to send it again", async () => {
  await bob.page.routeWebSocket(/websocket/, (socket) => { // which lose the answer to a push
    const server = socket.connectToServer()
    server.onMessage((message) => {
      if (!message.includes("phx_reply") || !message.includes("Did that arrive?") || message.includes("annotations")) socket.send(message)
    })
  })
  await bob.page.reload()
  await bob.isLive()
  await bob.annotate("Did that arrive?")
  await ann.annotation("Did that arrive?").waitFor()
  await bob.pending("Did that arrive?").waitFor()
  await restart()
  await bob.isLive()
  await bob.annotation("Did that arrive?").waitFor()
  await bob.pending("Did that arrive?").waitFor({ state: "detached" })
  assert.deepEqual(await bob.annotations(), ["Did that arrive?"])
})

test("nothing went wrong on any page", () => {
  assert.deepEqual([ann, bob].flatMap(({ problems }) => problems), [])
})
