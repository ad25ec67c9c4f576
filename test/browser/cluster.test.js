// Three people watch a video on a cluster of Rumbl, two of whose nodes are killed. The tests are chapters of one story, in order.

import assert from "node:assert/strict"
import { after, before, test as nodeTest } from "node:test"
import { Program } from "../program.js"
import { launch, Viewer } from "./viewer.js"

const test = (name, run) => nodeTest(name, { timeout: 90_000 }, run)

let rumbl, cluster, browser, ann, bob, cleo
const polled = new Set() // nodes that Cleo's polls have reached

before(async () => {
  rumbl = await Program.build("examples/rumbl")
  cluster = await Program.build("examples/rumbl/cluster", /^Rumbl on http:\/\/(\S+)$/, () => [rumbl.binary])
  ;[browser] = await Promise.all([launch(), cluster.start()])
})
after(async () => {
  await browser?.close()
  await cluster?.close()
  await rumbl?.close()
})

const everybody = () => [ann, bob, cleo]

/** Kills a node as a crash would, for the nth time. */
async function kill(node, nth = 1) {
  const [, pid] = await cluster.prints(new RegExp(`node ${node} is ready .* kill -9 (\\d+)$`), nth)
  process.kill(Number(pid), "SIGKILL")
}

async function sameForAll(text) {
  await Promise.all(everybody().map((viewer) => viewer.annotation(text).waitFor()))
  const [anns, bobs, cleos] = await Promise.all(everybody().map((viewer) => viewer.annotations()))
  assert.equal(new Set(anns).size, anns.length, "each is shown once")
  assert.deepEqual(bobs, anns)
  assert.deepEqual(cleos, anns)
}

test("people on different nodes, and one whose polls go to all in turn, see each other", async () => {
  const site = `http://${cluster.address}`
  ann = await Viewer.arrive(browser, site, { username: "ann", name: "Ann", password: "correct horse" })
  bob = await Viewer.arrive(browser, site, { username: "bob", name: "Bob", password: "battery staple" }, { colorScheme: "dark" })
  cleo = await Viewer.arrive(browser, site, { username: "cleo", name: "Cleo", password: "staple correct" })
  await cleo.context.addInitScript(() => delete window.WebSocket)
  cleo.page.on("response", (response) => response.url().includes("/longpoll") && polled.add(response.headers()["x-node"]))
  await Promise.all(everybody().map(async (viewer) => {
    await viewer.register()
    await viewer.watch("Daybreak")
  }))
  for (let n = 1; (await bob.node()) === (await ann.node()); n++) {
    for (let i = 0; i < n; i++) await fetch(site) // the next node's turn
    await bob.page.reload()
  }
  await Promise.all([ann.sees({ Bob: 1, Cleo: 1 }), bob.sees({ Ann: 1, Cleo: 1 }), cleo.sees({ Ann: 1, Bob: 1 })])
})

test("what one notes the others see", async () => {
  for (const viewer of everybody()) await viewer.annotate(`From ${viewer.name}`)
  for (const { name } of everybody()) await Promise.all(everybody().map((viewer) => viewer.annotation(`From ${name}`).waitFor()))
  await sameForAll("From Ann")
  assert.deepEqual([...polled].sort(), ["a", "b", "c"])
  await Promise.all([ann.picture("7-cluster-ann"), bob.picture("7-cluster-bob")])
})

test("an edit, a removal and a message reach those on other nodes", async () => {
  await ann.say("Hello from here")
  await ann.annotation("From Ann").getByRole("button", { name: "Edit" }).click()
  await ann.page.getByLabel("Your annotation").fill("From Ann, edited")
  await ann.page.keyboard.press("Enter")
  await sameForAll("From Ann, edited")
  await bob.annotation("From Bob").getByRole("button", { name: "Delete" }).click()
  await bob.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
  await Promise.all(everybody().map((viewer) => viewer.annotation("From Bob").waitFor({ state: "detached" })))
  await Promise.all(everybody().map((viewer) => viewer.message("Hello from here").waitFor()))
})

let dead

test("those on a node that is killed are back on another by themselves", async (t) => {
  dead = await ann.node()
  const told = ann.listen()
  const began = performance.now()
  await kill(dead)
  const back = ann.node(dead).then(() => t.diagnostic(`back after ${Math.round(performance.now() - began)} ms`))
  for (const text of ["One", "Two", "Three"]) {
    await bob.annotate(text)
    await bob.annotation(text).waitFor()
  }
  await back
  await sameForAll("Three")
  assert.deepEqual(told, [{ recovered: true, joined: [] }, "One", "Two", "Three"], "another node has the history, too")
})

test("who is away while a node is killed gets what was noted meanwhile", async () => {
  await cluster.prints(new RegExp(`node ${dead} is ready`), 2) // the history needs a majority
  await ann.context.setOffline(true)
  const second = await ann.node(dead)
  await kill(second)
  await ann.isOffline()
  await bob.node(second)
  for (const text of ["Four", "Five"]) {
    await bob.annotate(text)
    await bob.annotation(text).waitFor()
  }
  assert.equal(await ann.annotation("Four").count(), 0)
  await ann.context.setOffline(false)
  await ann.isLive()
  await sameForAll("Five")
  dead = [dead, second]
})

test("nodes come back under their names, and nobody sees those who were there before", async () => {
  await Promise.all(dead.map((node) => cluster.prints(new RegExp(`node ${node} is ready`), 2)))
  await Promise.all(everybody().map((viewer) => viewer.sees({ Ann: 1, Bob: 1, Cleo: 1 })))
  await bob.annotate("All is well")
  await sameForAll("All is well")
  await Promise.all([ann.picture("8-cluster-healed-ann"), cleo.picture("8-cluster-healed-cleo")])
})

test("who mutes and sends away is heard on every node", async () => {
  const clip = "A clip of Ann's"
  await ann.addVideo(clip, "/static/sample.webm")
  await Promise.all([ann.isLive(), bob.watch(clip), cleo.watch(clip)])
  await ann.sees({ Bob: 1, Cleo: 1 })
  await ann.viewer("Bob").getByRole("button", { name: "Mute Bob" }).click()
  await bob.page.getByTestId("muted").waitFor()
  await bob.say("Buy this")
  await ann.message("Buy this").waitFor()
  await ann.say("Enough")
  await cleo.message("Enough").waitFor()
  assert.equal(await cleo.message("Buy this").count(), 0)
  for (let i = 0; i < 3; i++) { // on whichever node
    await bob.page.reload()
    await bob.page.getByTestId("muted").waitFor()
  }
  for (const viewer of [bob, cleo]) {
    await ann.viewer(viewer.name).getByRole("button", { name: `Send ${viewer.name} away` }).click()
    await ann.page.getByRole("dialog").getByRole("button", { name: "Send away" }).click()
    await viewer.page.getByTestId("ended").filter({ hasText: "sent away" }).waitFor()
  }
  await ann.viewer("Cleo").waitFor({ state: "detached" })
})

test("nothing went wrong on any page", () => {
  assert.deepEqual(everybody().flatMap((viewer) => viewer.problems), [])
})
