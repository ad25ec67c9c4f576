// Two people watch a video on Rumbl in Chromium. The tests are chapters of one story, in order.

import assert from "node:assert/strict"
import { join } from "node:path"
import { after, before, test as nodeTest } from "node:test"
import { Cutter } from "../cutter.js"
import { Program } from "../program.js"
import { launch, Viewer } from "./viewer.js"

const test = (name, run) => nodeTest(name, { timeout: 90_000 }, run)

let rumbl, cutter, browser, ann, bob // who comes through the cutter

before(async () => {
  rumbl = await Program.build("examples/rumbl", /^Rumbl on http:\/\/(\S+)$/, (folder) => ["-db", join(folder, "rumbl.db")])
  await rumbl.start()
  cutter = await Cutter.open(rumbl.address)
  browser = await launch()
})
after(async () => {
  await browser?.close()
  cutter?.close()
  await rumbl?.close()
})

test("two people register, and one logs out and in again", async () => {
  const site = `http://${rumbl.address}`
  ann = await Viewer.arrive(browser, site, { username: "ann", name: "Ann", password: "correct horse" })
  bob = await Viewer.arrive(browser, `http://${cutter.address}`, { username: "bob", name: "Bob", password: "battery staple" }, { colorScheme: "dark" })
  await Promise.all([ann.register(), bob.register()])
  await ann.picture("1-videos")
  await bob.logOut()
  await bob.logIn()
})

test("on the video both see what was noted before, and each other", async () => {
  await Promise.all([ann.watch("Daybreak"), bob.watch("Daybreak")])
  await Promise.all([ann.sees({ Bob: 1 }), bob.sees({ Ann: 1 })])
  const before = await ann.annotations()
  assert.equal(before.length, 6)
  assert.deepEqual(await bob.annotations(), before)
})

test("a second page of the same person counts as a session, until it is closed", async () => {
  const page = await ann.openAgain()
  await bob.sees({ Ann: 2 })
  await ann.sees({ "Ann (you)": 2 })
  await page.close()
  await bob.sees({ Ann: 1 })
})

test("what one notes the other sees at once, at the time of the video", async () => {
  await ann.annotation("Up, up and away!").getByRole("button", { name: "Go to" }).click()
  await ann.page.getByTestId("annotation-at").filter({ hasText: "0:13" }).waitFor()
  await ann.annotate("A balloon!")
  await Promise.all([ann, bob].map((viewer) => viewer.annotation("A balloon!").waitFor()))
  assert.match(await bob.annotation("A balloon!").textContent(), /^0:13/)
  assert.equal(await ann.page.getByTestId("annotation-body").inputValue(), "")

  await bob.annotate("<b>Where?</b>")
  await ann.annotation("<b>Where?</b>").waitFor()
  await Promise.all([ann.picture("2-ann"), bob.picture("2-bob-dark")])
})

test("the video plays, and shows what was noted as it passes", async () => {
  await bob.page.locator("#video").evaluate((video) => {
    video.muted = true
    video.currentTime = 12
    return video.play()
  })
  await bob.page.locator("#caption").filter({ hasText: "Up, up and away!" }).or(bob.page.locator("#caption").filter({ hasText: "A balloon!" })).waitFor()
  await bob.picture("3-caption")
  await bob.page.locator("#video").evaluate((video) => video.pause())
})

test("while the server is away both are told, and when the next try is; what one writes waits", async () => {
  await rumbl.stop()
  await Promise.all([ann.isOffline(), bob.isOffline()])
  await ann.annotate("Into the void")
  await ann.say("Anybody?")
  await ann.pending("Into the void").filter({ hasText: "Sending…" }).waitFor()
  await ann.pending("Anybody?").waitFor()
  assert.equal(await ann.annotation("Into the void").count(), 0)
  const countdown = ann.page.getByTestId("countdown")
  // Waits are random; one of two seconds or more can be seen to pass.
  const shown = await ann.page.waitForFunction(() => Number(/Next try in ([2-9]) s/.exec(document.querySelector("#countdown").textContent)?.[1]))
  await countdown.filter({ hasText: `Next try in ${(await shown.jsonValue()) - 1} s` }).waitFor()
  await ann.picture("4-offline")
})

test("what one wrote then is kept once the server is there, and seen by one who was away for longer", async () => {
  const before = await bob.annotations()
  const told = bob.listen()
  await bob.context.setOffline(true)
  await rumbl.start()
  await ann.page.getByRole("button", { name: "Try now" }).click()
  await ann.isLive()
  await Promise.all([ann.annotation("Into the void").waitFor(), ann.message("Anybody?").waitFor()])
  await ann.pending("").waitFor({ state: "detached" })
  for (const text of ["Bob missed this", "And this"]) {
    await ann.annotate(text)
    await ann.annotation(text).waitFor()
  }
  await ann.annotation("And this").getByRole("button", { name: "Edit" }).click()
  await ann.page.getByLabel("Your annotation").fill("And that")
  await ann.page.keyboard.press("Enter")
  await ann.annotation("A balloon!").getByRole("button", { name: "Delete" }).click()
  await ann.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
  await ann.annotation("A balloon!").waitFor({ state: "detached" })
  await bob.isOffline()
  assert.deepEqual(await bob.annotations(), before)

  await bob.context.setOffline(false)
  await bob.isLive()
  await Promise.all([bob.annotation("And that").waitFor(), bob.annotation("A balloon!").waitFor({ state: "detached" }), bob.message("Anybody?").waitFor()])
  await bob.annotate("Back again")
  await Promise.all([ann, bob].map((viewer) => viewer.annotation("Back again").waitFor()))

  const all = await ann.annotations()
  assert.equal(all.length, before.length + 3)
  assert.equal(new Set(all).size, all.length, "each is shown once")
  assert.deepEqual(await bob.annotations(), all)
  await Promise.all([ann.sees({ Bob: 1 }), bob.sees({ Ann: 1 })])
  await Promise.all([ann.picture("5-ann-back"), bob.picture("5-bob-back")])

  // The history has ended with the server, and his own is in the reply.
  assert.deepEqual(told, [{ recovered: false, joined: ["<b>Where?</b>", "Into the void", "Bob missed this", "And that"] }])
})

test("whose connection is cut gets what he missed from the history of the video, in order and just once", async () => {
  await bob.page.reload() // over a WebSocket again
  await bob.isLive()
  const before = await bob.annotations()
  const told = bob.listen()
  cutter.budget = () => 0
  cutter.cutAll()
  await bob.isOffline()
  const missed = ["Bob is cut off", "He knows nothing of it", "Is he back?"]
  for (const text of missed) {
    await ann.annotate(text)
    await ann.annotation(text).waitFor()
  }
  await ann.say("He must be back soon")
  await ann.annotation("Bob missed this").getByRole("button", { name: "Delete" }).click()
  await ann.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
  await ann.annotation("Bob missed this").waitFor({ state: "detached" })
  assert.deepEqual(await bob.annotations(), before)

  cutter.budget = () => Infinity
  await bob.isLive()
  await bob.annotation("Is he back?").waitFor()
  await ann.annotate("He is!")
  await Promise.all([ann, bob].map((viewer) => viewer.annotation("He is!").waitFor()))
  await bob.message("He must be back soon").waitFor()
  assert.equal(await bob.annotation("Bob missed this").count(), 0)
  assert.deepEqual(told, [{ recovered: true, joined: [] }, ...missed, "He is!"])
  const all = await bob.annotations()
  assert.equal(all.length, before.length + 4 - 1)
  assert.deepEqual(all.filter((text) => !before.includes(text)), [...missed, "He is!"])
  assert.deepEqual(all, await ann.annotations())
  await bob.picture("6-bob-recovered")
})

test("who loses the answer to an annotation with his connection has it kept once", async () => {
  await bob.page.reload()
  await bob.isLive()
  const before = await ann.annotations()
  const cuts = cutter.cuts
  cutter.loseAnswers()
  await bob.annotate("Did that arrive?")
  await bob.annotate("It did.") // the first is answered by then
  await ann.annotation("It did.").waitFor()
  await bob.annotation("It did.").waitFor()
  assert.equal(cutter.cuts, cuts + 1)
  const all = await ann.annotations()
  assert.deepEqual(all.filter((text) => !before.includes(text)).sort(), ["Did that arrive?", "It did."])
  assert.equal(all.length, before.length + 2)
  assert.deepEqual(await bob.annotations(), all)
})

test("a page that is loaded anew shows the same", async () => {
  const before = await ann.annotations()
  await ann.page.reload()
  await ann.isLive()
  assert.deepEqual(await ann.annotations(), before)
})

test("where WebSockets do not get through the page goes over to long polling, says so, and goes back once they do", async () => {
  let through = false
  await bob.page.routeWebSocket(/websocket/, (socket) => {
    if (through) socket.connectToServer() // else it opens, and nobody answers
  })
  await bob.page.reload()
  await bob.page.getByTestId("transport").filter({ hasText: "long polling" }).waitFor()
  await bob.isLive()
  await bob.annotate("By polling")
  await bob.say("Slowly, slowly")
  await Promise.all([ann.annotation("By polling").waitFor(), ann.message("Slowly, slowly").waitFor()])
  await ann.annotate("You too?")
  await Promise.all([ann, bob].map((viewer) => viewer.annotation("You too?").waitFor()))
  assert.deepEqual(await bob.annotations(), await ann.annotations())
  assert.equal(await ann.page.getByTestId("transport").isVisible(), false)
  await bob.picture("6-bob-polls")

  through = true
  const joins = bob.joins()
  await bob.page.getByTestId("transport").waitFor({ state: "hidden" })
  await bob.say("Quicker now")
  await ann.message("Quicker now").waitFor()
  await ann.say("Indeed")
  await bob.message("Indeed").waitFor()
  assert.deepEqual(joins, [], "the conversation has gone on")
})

test("whose connection breaks between two pages of what was noted before still gets all of it", async () => {
  await ann.annotateByProgram(Array.from({ length: 100 }, (_, n) => `Note ${n + 1}`))
  await ann.annotation("Note 100").waitFor()
  let breaks = 0
  await bob.page.evaluate(() => sessionStorage.clear()) // which says that WebSockets do not get through
  await bob.page.routeWebSocket(/websocket/, (socket) => {
    const server = socket.connectToServer()
    socket.onMessage((message) => {
      if (breaks > 0 || !message.includes("more_annotations")) return server.send(message)
      breaks++
      return Promise.all([socket.close({ code: 4000 }), server.close({ code: 4000 })])
    })
  })
  await bob.page.reload()
  await bob.annotation("Note 100").waitFor()
  assert.equal(breaks, 1)
  assert.deepEqual(await bob.annotations(), await ann.annotations())
})

test("nothing went wrong on any page", () => {
  assert.deepEqual([...ann.problems, ...bob.problems], [])
})
