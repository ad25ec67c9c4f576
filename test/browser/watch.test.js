// What people do on the page of a video, in Chromium: Olive, whose video it is, Ann, and Pia with a phone. The tests are chapters
// of one story, in order.

import assert from "node:assert/strict"
import { join } from "node:path"
import { after, before, test as nodeTest } from "node:test"
import { Program } from "../program.js"
import { assertAccessible } from "./axe.js"
import { launch, Viewer } from "./viewer.js"

const test = (name, run) => nodeTest(name, { timeout: 60_000 }, run)

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }

let rumbl, browser, olive, ann, pia

before(async () => {
  rumbl = await Program.build("examples/rumbl", /^Rumbl on http:\/\/(\S+)$/, (folder) => ["-db", join(folder, "rumbl.db")])
  await rumbl.start()
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await rumbl?.close()
})

const everybody = () => [olive, ann, pia]

test("three people come to a video on which nothing was noted yet", async () => {
  const site = `http://${rumbl.address}`
  olive = await Viewer.arrive(browser, site, { username: "olive", name: "Olive", password: "correct horse" })
  ann = await Viewer.arrive(browser, site, { username: "ann", name: "Ann", password: "battery staple" }, { colorScheme: "dark" })
  pia = await Viewer.arrive(browser, site, { username: "pia", name: "Pia", password: "staple correct" }, PHONE)
  await Promise.all(everybody().map((viewer) => viewer.register()))
  await olive.addVideo("A day over a valley", "/static/sample.webm")
  await olive.isLive()
  await Promise.all([ann.watch("A day over a valley"), pia.watch("A day over a valley")])
  await olive.sees({ Ann: 1, Pia: 1 })
  await olive.page.getByTestId("annotations-empty").filter({ hasText: "Nothing yet" }).waitFor()
  await olive.page.getByTestId("messages-empty").filter({ hasText: "Nobody" }).waitFor()
  await Promise.all([olive.picture("watch-1-empty"), pia.picture("watch-1-empty-phone")])
})

test("an annotation that comes moves nothing", async () => {
  for (const [second, text] of [[30, "Best light of the day"], [5, "The village is asleep"], [12, "Up it goes"]]) {
    await ann.seek(second)
    const shifts = await olive.watchForShifts()
    await ann.annotate(text)
    await olive.annotation(text).waitFor()
    await olive.page.waitForFunction(() => document.getAnimations().length === 0)
    assert.deepEqual(await shifts(), [])
  }
  await ann.annotation("Up it goes").waitFor() // her own is final
  assert.deepEqual(await olive.annotations(), ["The village is asleep", "Up it goes", "Best light of the day"])
  assert.deepEqual(await ann.annotations(), await olive.annotations())
})

test("the timeline is a slider with marks, for the keyboard too", async () => {
  const { page } = olive
  await page.getByTestId("timeline").focus()
  await page.keyboard.press("Home")
  assert.match(await page.getByTestId("timeline").getAttribute("aria-valuetext"), /^0:00 of 0:40/)
  assert.equal(await page.locator(".mark").count(), 3)
  await page.getByRole("button", { name: "To the next annotation" }).press("Enter")
  await page.waitForFunction(() => document.querySelector("#video").currentTime === 5)
  await page.getByRole("button", { name: "To the next annotation" }).press("Enter")
  await page.waitForFunction(() => document.querySelector("#video").currentTime === 12)
  await page.getByRole("button", { name: "To the annotation before" }).press("Enter")
  await page.waitForFunction(() => document.querySelector("#video").currentTime === 5)
  await page.getByRole("button", { name: "Go to 0:30" }).press("Enter")
  await page.waitForFunction(() => document.querySelector("#video").currentTime === 30)
  await page.getByTestId("timeline").press("ArrowRight")
  await page.waitForFunction(() => document.querySelector("#video").currentTime > 30)
})

test("its author edits and deletes an annotation, and all see that", async () => {
  const row = ann.annotation("Up it goes")
  await row.getByRole("button", { name: "Edit" }).click()
  await ann.page.getByLabel("Your annotation").fill("Up it goes, the balloon")
  await ann.picture("watch-2-edit-dark")
  await ann.page.keyboard.press("Enter")
  await Promise.all(everybody().map((viewer) => viewer.annotation("Up it goes, the balloon").waitFor()))
  assert.match(await olive.annotation("Up it goes, the balloon").textContent(), /edited/)

  await ann.annotation("The village").getByRole("button", { name: "Edit" }).click()
  await ann.page.getByLabel("Your annotation").fill("never mind")
  await ann.page.keyboard.press("Escape")
  await ann.annotation("The village is asleep").waitFor()

  await ann.annotation("The village").getByRole("button", { name: "Delete" }).click()
  await ann.page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click()
  await ann.annotation("The village").getByRole("button", { name: "Delete" }).click()
  await ann.picture("watch-3-confirm-dark")
  await ann.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
  await Promise.all(everybody().map((viewer) => viewer.annotation("The village").waitFor({ state: "detached" })))
  assert.equal(await pia.annotation("Up it goes").getByRole("button", { name: /Edit|Delete/ }).count(), 0, "not hers to change")
})

test("one who is writing is seen to, until she stops", async () => {
  const before = await olive.watchForShifts()
  await ann.page.getByTestId("message-body").pressSequentially("Hello")
  await olive.page.getByTestId("typing").filter({ hasText: "Ann is writing…" }).waitFor()
  await olive.viewer("Ann").filter({ hasText: "is writing" }).waitFor()
  await olive.picture("watch-4-typing")
  await olive.page.getByTestId("typing").filter({ hasNotText: "writing" }).waitFor()
  assert.deepEqual(await before(), [])
})

test("what one says all hear, also who comes later", async () => {
  await ann.say("Hello all")
  await olive.message("Hello all").waitFor()
  await olive.say("Hi Ann")
  await ann.message("Hi Ann").waitFor()
  await pia.page.reload()
  await pia.openTab("Chat")
  await pia.message("Hi Ann").waitFor()
  assert.deepEqual(await pia.messages(), ["Hello all", "Hi Ann"])
  await pia.say("<b>Pia</b> here")
  await Promise.all([olive, ann].map((viewer) => viewer.message("<b>Pia</b> here").waitFor()))
  await pia.picture("watch-5-chat-phone")
})

test("one who has scrolled away is told what is new, in both lanes", async () => {
  for (let n = 1; n <= 12; n++) {
    await ann.say(`Line ${n}`)
    await ann.annotate(`Note ${n}`)
  }
  await Promise.all([olive.message("Line 12").waitFor(), olive.annotation("Note 12").waitFor()])
  for (const [list, hint, write, row] of [
    ["message-list", "messages-new", (text) => ann.say(text), (text) => olive.message(text)],
    ["annotation-list", "annotations-new", (text) => ann.annotate(text), (text) => olive.annotation(text)],
  ]) {
    await olive.readAll(list)
    await olive.page.getByTestId(hint).waitFor({ state: "hidden" })
    await olive.page.getByTestId(list).evaluate((list) => (list.scrollTop = 0))
    await ann.seek(39)
    await write(`New in ${list}`)
    await row(`New in ${list}`).waitFor()
    await olive.page.getByTestId(hint).filter({ hasText: "1 new" }).waitFor()
    if (list === "annotation-list") await olive.picture("watch-6-new")
    await olive.page.getByTestId(hint).click()
    await olive.page.getByTestId(hint).waitFor({ state: "hidden" })
  }
  await pia.page.locator("#annotations-badge").filter({ hasText: /\d/ }).waitFor()
})

test("ten tabs of one person are one person on ten pages", async () => {
  const more = await Promise.all(Array.from({ length: 9 }, () => ann.openAgain()))
  await olive.sees({ Ann: 10 })
  assert.equal(await olive.page.getByTestId("viewer").count(), 3)
  assert.equal(await olive.page.getByTestId("viewer-count").textContent(), "3")
  await olive.picture("watch-7-ten-pages")
  await Promise.all(more.map((page) => page.close()))
  await olive.sees({ Ann: 1 })
})

test("what the server refuses can be discarded", async () => {
  await pia.openTab("Annotations")
  await pia.page.getByTestId("annotation-body").evaluate((input) => input.removeAttribute("maxlength"))
  await pia.annotate("far too long ".repeat(30))
  const failed = pia.pending("far too long")
  await failed.getByText("Your text must").waitFor()
  await pia.picture("watch-8-failed-phone")
  await failed.getByRole("button", { name: "Discard" }).click()
  await failed.waitFor({ state: "detached" })
})

test("whom the owner mutes only she still hears, and he himself", async () => {
  await olive.viewer("Ann").getByRole("button", { name: "Mute Ann" }).click()
  await ann.page.getByTestId("muted").waitFor()
  await olive.viewer("Ann").filter({ hasText: "muted" }).waitFor()
  await ann.say("Buy this")
  await ann.annotate("Buy that")
  await Promise.all([olive.message("Buy this").filter({ hasText: "muted" }).waitFor(), olive.annotation("Buy that").filter({ hasText: "muted" }).waitFor()])
  await olive.say("Enough")
  await olive.annotate("Quiet")
  await pia.annotation("Quiet").waitFor()
  await pia.openTab("Chat")
  await pia.message("Enough").waitFor()
  assert.equal(await pia.message("Buy this").count() + await pia.annotation("Buy that").count(), 0)
  await Promise.all([olive.picture("watch-9-muted-owner"), ann.picture("watch-9-muted-dark")])

  await Promise.all([ann.page.reload(), pia.page.reload()])
  await Promise.all([ann.page.getByTestId("muted").waitFor(), ann.annotation("Buy that").waitFor(), pia.annotation("Quiet").waitFor()])
  assert.equal(await pia.annotation("Buy that").count(), 0)

  await olive.viewer("Ann").getByRole("button", { name: "Unmute Ann" }).click()
  await ann.page.getByTestId("muted").waitFor({ state: "hidden" })
  await ann.say("Sorry")
  await pia.openTab("Chat")
  await pia.message("Sorry").waitFor()
})

test("the owner removes an annotation of somebody else's", async () => {
  await olive.annotation("Buy that").getByRole("button", { name: "Delete" }).click()
  await olive.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
  await ann.annotation("Buy that").waitFor({ state: "detached" })
})

test("whom the owner sends away is told why, and does not come back by himself", async () => {
  const second = await ann.openAgain()
  await olive.sees({ Ann: 2 })
  await olive.viewer("Ann").getByRole("button", { name: "Send Ann away" }).click()
  await olive.page.getByRole("dialog").getByRole("button", { name: "Send away" }).click()
  await olive.viewer("Ann").waitFor({ state: "detached" })
  const joins = ann.joins()
  for (const page of [ann.page, second]) await page.getByTestId("ended").filter({ hasText: "sent away" }).waitFor()
  assert.equal(await ann.page.evaluate(() => document.activeElement.id), "ended")
  await ann.picture("watch-10-kicked-dark")
  await ann.context.setOffline(true)
  await ann.context.setOffline(false)
  await olive.say("Gone?")
  await pia.message("Gone?").waitFor()
  assert.equal(await olive.viewer("Ann").count(), 0)
  assert.deepEqual(joins, [])
  await second.close()
  await ann.page.reload()
  await ann.isLive()
})

test("on a phone everything fits, one lane at a time", async () => {
  for (const tab of ["Annotations", "Chat", "People"]) {
    await pia.openTab(tab)
    const [wide, screen] = await pia.page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
    assert.ok(wide <= screen, `with ${tab} the page is ${wide} wide on a screen of ${screen}`)
    await pia.picture(`watch-11-phone-${tab.toLowerCase()}`)
  }
  await pia.page.emulateMedia({ colorScheme: "dark" })
  await pia.openTab("Annotations")
  await pia.picture("watch-11-phone-dark")
  await pia.page.emulateMedia({ colorScheme: "light" })
})

test("axe-core finds no fault with the page, in both themes, wide and narrow", async () => {
  await olive.seek(12)
  for (const viewer of [olive, pia]) {
    for (const colorScheme of ["light", "dark"]) {
      await viewer.page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
      for (const tab of viewer === pia ? ["Annotations", "Chat", "People"] : [""]) {
        if (tab) await viewer.openTab(tab)
        await assertAccessible(viewer.page)
      }
      if (viewer === olive) await viewer.picture(`watch-12-${colorScheme}`)
    }
    await viewer.page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" })
  }
})

test("the scripts and styles of the page weigh less than 50 KB", async (t) => {
  const { page } = await Viewer.arrive(browser, olive.site, olive)
  await page.context().addCookies(await olive.context.cookies())
  const client = await page.context().newCDPSession(page)
  await client.send("Network.enable")
  const kinds = new Map()
  let bytes = 0
  client.on("Network.responseReceived", ({ requestId, type }) => kinds.set(requestId, type))
  client.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (["Script", "Stylesheet"].includes(kinds.get(requestId))) bytes += encodedDataLength
  })
  await page.goto(olive.page.url(), { waitUntil: "networkidle" })
  const count = (kind) => [...kinds.values()].filter((type) => type === kind).length
  t.diagnostic(`${count("Script")} scripts and ${count("Stylesheet")} style sheets: ${bytes} bytes over the wire, with headers`)
  assert.ok(count("Script") >= 1 && count("Stylesheet") === 2)
  assert.ok(bytes > 10_000 && bytes < 50_000, `${bytes} bytes`)
  await page.context().close()
})

test("those who watch a video that is deleted are told", async () => {
  await olive.page.getByRole("link", { name: "Delete" }).click()
  await olive.page.getByRole("button", { name: "Delete the video" }).click()
  for (const viewer of [ann, pia]) await viewer.page.getByTestId("ended").filter({ hasText: "This video is gone" }).waitFor()
  await pia.picture("watch-13-gone-phone")
  assert.equal(await pia.page.getByTestId("annotation-form").isVisible(), false)
})

test("nothing went wrong on any page", () => {
  assert.deepEqual(everybody().flatMap((viewer) => viewer.problems), [])
})
