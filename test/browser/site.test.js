// Rumbl's pages in Chromium: accounts and videos, by mouse, by keyboard and without scripts, in both looks and on a phone. Pictures of
// every page are in artifacts/.

import assert from "node:assert/strict"
import { join } from "node:path"
import { after, before, test as nodeTest } from "node:test"
import { Program } from "../program.js"
import { assertAccessible } from "./axe.js"
import { launch, Viewer } from "./viewer.js"

const test = (name, run) => nodeTest(name, { timeout: 90_000 }, run)

const DESK = { width: 1280, height: 860 }
const PHONE = { width: 390, height: 844 }

let rumbl, browser, ann, bob

before(async () => {
  rumbl = await Program.build("examples/rumbl", /^Rumbl on http:\/\/(\S+)$/, (folder) => ["-db", join(folder, "rumbl.db")])
  ;[browser] = await Promise.all([launch(), rumbl.start()])
  ann = await arrive("ann")
  bob = await arrive("bob")
})
after(async () => {
  await browser?.close()
  await rumbl?.close()
})

/** Somebody with a browser, who has not registered yet. */
function arrive(username, options) {
  const person = { username, name: username[0].toUpperCase() + username.slice(1), password: "correct horse" }
  return Viewer.arrive(browser, `http://${rumbl.address}`, person, options)
}

/** Looks at the page in both themes and on a phone: it must be accessible and fit, and a picture of each is kept. */
async function look({ page }, name) {
  for (const [theme, size] of [["light", DESK], ["dark", DESK], ["dark", PHONE], ["light", PHONE]]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" })
    await page.setViewportSize(size)
    await assertAccessible(page)
    const device = size === PHONE ? "phone-" : ""
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    assert.ok(wide <= screen, `${name} is ${wide} wide on a screen of ${screen}`)
    await page.screenshot({ path: new URL(`../../artifacts/site-${name}-${device}${theme}.png`, import.meta.url).pathname, fullPage: true })
  }
  await page.setViewportSize(DESK)
  await page.emulateMedia({ colorScheme: "light" })
}

const titles = ({ page }) => page.locator(".card-title").allTextContents()

/** Presses the tab key until something is in focus. */
async function tabTo(page, target) {
  for (let n = 0; n < 60; n++) {
    await page.keyboard.press("Tab")
    if (await target.evaluate((element) => element === document.activeElement)) return
  }
  assert.fail(`the tab key does not lead to ${target}`)
}

test("a visitor sees what there is, and what the site is for", async () => {
  await ann.page.goto("/")
  await ann.page.getByRole("heading", { name: "Watch together." }).waitFor()
  assert.deepEqual((await titles(ann)).slice(0, 2), ["Daybreak", "A balloon over the valley"])
  await look(ann, "home")
})

test("mistakes in registering are named at the top and beside the fields", async () => {
  const { page } = ann
  await page.goto("/register")
  await look(ann, "register")
  await page.getByLabel("Username").fill("robin") // who is there already
  await page.getByLabel("Password").fill("correct horse")
  await page.getByRole("button", { name: "Register" }).click()
  const summary = page.getByTestId("form-summary")
  await summary.filter({ hasText: "Username is already taken." }).waitFor()
  assert.ok(await summary.evaluate((element) => element === document.activeElement), "the summary is in focus")
  await look(ann, "register-problem")
  await summary.getByRole("link").click()
  const username = page.getByLabel("Username")
  assert.ok(await username.evaluate((element) => element === document.activeElement), "its link leads to the field")
  assert.equal(await username.getAttribute("aria-invalid"), "true")
  await Promise.all([ann.register(), bob.register()])
})

test("who is new has no videos, and is told how to add one", async () => {
  await ann.page.goto("/")
  await ann.page.getByRole("link", { name: "Mine" }).click()
  await ann.page.getByTestId("no-videos").filter({ hasText: "You have not added a video yet" }).waitFor()
  await look(ann, "mine-empty")
})

test("adding a video: mistakes are explained, and it is watched under its title", async () => {
  const { page } = ann
  await page.getByTestId("no-videos").getByRole("link", { name: "Add a video" }).click()
  await look(ann, "add")
  await page.getByLabel("Address").fill("https://www.youtube.com/playlist?list=PL12345")
  await page.getByLabel("Title").fill("Ein schöner Tag")
  await page.getByLabel("Category").selectOption("Film")
  await page.getByRole("button", { name: "Add the video" }).click()
  await page.locator("#url-problem").filter({ hasText: "is on YouTube, but is not that of one video" }).waitFor()
  assert.equal(await page.getByLabel("Category").locator("option:checked").textContent(), "Film")
  await look(ann, "add-problem")
  await page.getByLabel("Address").fill("/static/sample.webm")
  await page.getByRole("button", { name: "Add the video" }).click()
  await page.waitForURL(/\/watch\/\d+-ein-schoner-tag$/)
  await ann.isLive()
})

test("an address with an older title leads on to the present one", async () => {
  const { page } = ann
  const old = page.url()
  await page.getByRole("link", { name: "Edit" }).click()
  await look(ann, "edit")
  await page.getByLabel("Title").fill("山の一日")
  await page.getByLabel("Category").selectOption("Nature")
  await page.getByRole("button", { name: "Save the changes" }).click()
  await page.getByRole("heading", { name: "山の一日" }).waitFor()
  assert.match(decodeURIComponent(page.url()), /\/watch\/\d+-山の一日$/)
  await page.goto(old)
  assert.match(decodeURIComponent(page.url()), /\/watch\/\d+-山の一日$/)
})

test("videos are listed by owner and by category, and searched within both", async () => {
  const { page } = ann
  await page.goto("/")
  await page.getByRole("link", { name: "Mine" }).click()
  await page.getByTestId("list-title").filter({ hasText: "Your videos" }).waitFor()
  assert.deepEqual(await titles(ann), ["山の一日"])
  await look(ann, "mine")
  await page.getByRole("link", { name: "All", exact: true }).click()
  await page.getByRole("link", { name: "Nature" }).click()
  await page.getByTestId("list-title").filter({ hasText: "Videos · Nature" }).waitFor()
  assert.deepEqual(await titles(ann), ["山の一日", "Daybreak", "Früh am Morgen"])
  await page.getByRole("searchbox").fill("robin VALLEY")
  await page.getByRole("searchbox").press("Enter")
  await page.getByRole("status").filter({ hasText: "1 video found." }).waitFor()
  assert.deepEqual(await titles(ann), ["Daybreak"])
  await page.getByRole("link", { name: "All categories" }).click()
  assert.equal(await page.getByRole("searchbox").inputValue(), "robin VALLEY")
  await page.getByRole("searchbox").fill("no such thing")
  await page.getByRole("button", { name: "Search" }).click()
  await page.getByTestId("no-videos").filter({ hasText: "Nothing fits" }).waitFor()
  await look(ann, "nothing-found")
  await page.getByRole("link", { name: "Clear the search" }).click()
  assert.equal((await titles(ann)).length, 7)
  await page.getByRole("link", { name: "Mia Sommer" }).first().click()
  assert.deepEqual(await titles(ann), ["A balloon over the valley", "Golden hour, explained"])
  await look(ann, "by-owner")
})

test("a video is for its owner alone to change", async () => {
  await bob.page.goto("/")
  assert.equal(await bob.page.getByRole("link", { name: /^(Edit|Delete)/ }).count(), 0)
  await bob.watch("山の一日")
  assert.equal(await bob.page.getByRole("link", { name: /^(Edit|Delete)/ }).count(), 0)
  const id = /\/watch\/(\d+)/.exec(bob.page.url())[1]
  const answer = await bob.page.goto(`/videos/${id}/edit`)
  assert.equal(answer.status(), 403)
  await bob.page.getByRole("heading", { name: "That is not your video" }).waitFor()
  await look(bob, "403")
})

test("deleting a video is asked about, and then it is gone", async () => {
  const { page } = ann
  await page.goto("/?by=me")
  await page.getByRole("link", { name: "Delete 山の一日" }).click()
  await look(ann, "delete")
  await page.getByRole("link", { name: "Keep it" }).click()
  const address = page.url()
  await page.getByRole("link", { name: "Delete" }).click()
  await page.getByRole("button", { name: "Delete the video" }).click()
  await page.getByTestId("no-videos").waitFor()
  const answer = await page.goto(address)
  assert.equal(answer.status(), 404)
  await page.getByRole("heading", { name: "Nothing here" }).waitFor()
  await look(ann, "404")
})

test("another password logs out the other browsers, and closes what is live in them", async () => {
  const elsewhere = await arrive("ann")
  await elsewhere.logIn()
  await elsewhere.watch("Daybreak")
  await ann.page.goto("/")
  await ann.page.getByRole("link", { name: "Ann", exact: true }).click()
  await look(ann, "account")
  const fill = async (old, password) => {
    await ann.page.getByLabel("Current password").fill(old)
    await ann.page.getByLabel("New password").fill(password)
    await ann.page.getByRole("button", { name: "Change the password" }).click()
  }
  await fill("wrong horse", "battery staple")
  await ann.page.locator("#old_password-problem").filter({ hasText: "Current password is not right." }).waitFor()
  await look(ann, "account-problem")
  await fill("correct horse", "battery staple")
  await ann.page.getByTestId("password-changed").waitFor()
  await look(ann, "account-changed")
  await elsewhere.isOffline()
  await elsewhere.page.goto("/account")
  await elsewhere.page.waitForURL(/\/login\?next=%2Faccount$/)
  await elsewhere.context.close()

  await ann.logOut()
  ann.password = "battery staple"
  await ann.logIn()
})

test("who tries many passwords has to wait", async () => {
  const thief = await arrive("thief")
  await thief.page.goto("/login")
  await look(thief, "login")
  for (let n = 0; n < 6; n++) {
    await thief.page.getByLabel("Username").fill("bob")
    await thief.page.getByLabel("Password").fill(`guess ${n}`)
    await thief.page.getByRole("button", { name: "Log in" }).click()
    await thief.page.getByRole("alert").filter({ hasText: n < 5 ? "do not belong together" : "too often" }).waitFor()
  }
  await look(thief, "login-throttled")
  await thief.context.close()
})

test("one's own look is kept, without a moment of the other, and without loading the page anew", async () => {
  const { page } = ann
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const [light, dark] = ["rgb(250, 248, 245)", "rgb(20, 19, 24)"]
  await ann.watch("Daybreak")
  await page.evaluate(() => (window.notLoadedAnew = true))
  assert.equal(await background(), light)
  const kept = page.waitForResponse((response) => response.url().endsWith("/theme"))
  await page.getByRole("button", { name: "Dark" }).click()
  assert.equal(await background(), dark)
  await kept
  assert.ok(await page.evaluate(() => window.notLoadedAnew))
  const html = await (await page.request.get("/")).text()
  assert.match(html, /<html lang="en" data-theme="dark">/) // so the first that is painted is dark
  await page.reload()
  assert.equal(await background(), dark)
  assert.equal(await page.getByRole("button", { name: "Dark" }).getAttribute("aria-pressed"), "true")
  await page.getByRole("button", { name: "System" }).click()
  assert.equal(await background(), light)
})

test("a form that is under way shows it, and is not sent twice", async () => {
  const { page } = ann
  await page.goto("/videos/new")
  await page.getByLabel("Address").fill("/static/sample.webm")
  await page.getByLabel("Title").fill("Once")
  const form = page.getByTestId("video-form")
  await form.evaluate((form) => (form.ariaBusy = "true"))
  await look(ann, "add-busy")
  const [busy, sent] = await form.evaluate((form) => {
    form.ariaBusy = null
    let sent = 0
    addEventListener("submit", (event) => (sent += event.defaultPrevented ? 0 : 1))
    for (let n = 0; n < 2; n++) form.requestSubmit()
    return [form.ariaBusy, sent]
  })
  assert.deepEqual([busy, sent], ["true", 1])
  await page.getByRole("heading", { name: "Once" }).waitFor()
  await page.goBack()
  await page.getByTestId("video-form").waitFor()
  assert.equal(await page.locator("form[aria-busy=true]").count(), 0)
})

test("everything can be done without scripts", async () => {
  const plain = await arrive("plain", { javaScriptEnabled: false })
  const { page } = plain
  await plain.register()
  await page.getByRole("button", { name: "Dark" }).click()
  await page.locator("html[data-theme=dark]").waitFor()
  await page.getByRole("link", { name: "Add a video" }).click()
  await page.getByLabel("Address").fill("https://youtu.be/dQw4w9WgXcQ")
  await page.getByLabel("Title").fill("Never gone")
  await page.getByRole("button", { name: "Add the video" }).click()
  await page.getByRole("heading", { name: "Never gone" }).waitFor()
  await page.getByRole("searchbox").fill("never")
  await page.getByRole("searchbox").press("Enter")
  assert.deepEqual(await titles(plain), ["Never gone"])
  await page.getByRole("link", { name: "Delete Never gone" }).click()
  await page.getByRole("button", { name: "Delete the video" }).click()
  await page.getByTestId("no-videos").waitFor()
  await plain.logOut()
  await plain.context.close()
})

test("everything can be done with a keyboard", async () => {
  const keys = await arrive("keys")
  const { page } = keys
  const { keyboard } = page
  await page.goto("/")
  await keyboard.press("Tab")
  await keyboard.press("Enter") // skip to content
  assert.ok(await page.locator("main").evaluate((element) => element === document.activeElement))
  await tabTo(page, page.locator(".hero").getByRole("link", { name: "Register" }))
  await keyboard.press("Enter")
  await page.waitForURL("**/register")
  await keyboard.type("keys") // the first field is in focus
  await tabTo(page, page.getByLabel("Password"))
  await keyboard.type("correct horse")
  await keyboard.press("Enter")
  await page.getByTestId("current-user").waitFor()
  await tabTo(page, page.getByRole("link", { name: "Add a video" }))
  await keyboard.press("Enter")
  await page.waitForURL("**/videos/new")
  await keyboard.type("/static/sample.webm")
  await tabTo(page, page.getByLabel("Title"))
  await keyboard.type("By keys alone")
  await tabTo(page, page.getByLabel("Category"))
  await keyboard.type("Sports")
  await keyboard.press("Tab")
  await keyboard.press("Tab")
  await keyboard.press("Enter")
  await page.getByRole("heading", { name: "By keys alone" }).waitFor()
  await page.getByRole("link", { name: "Sports" }).waitFor()
  await page.goto("/?by=me")
  await tabTo(page, page.getByRole("link", { name: "Delete By keys alone" }))
  const outlined = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle)
  assert.equal(outlined, "solid", "what is in focus can be seen")
  await keyboard.press("Enter")
  await page.waitForURL("**/delete")
  await tabTo(page, page.getByRole("button", { name: "Delete the video" }))
  await keyboard.press("Enter")
  await page.getByTestId("no-videos").waitFor()
  await keys.context.close()
})

test("nothing went wrong on any page", () => {
  // What was refused on purpose.
  const wrong = [...ann.problems, ...bob.problems].filter((text) => !/status of (403|404|422)/.test(text))
  assert.deepEqual(wrong, [])
})
