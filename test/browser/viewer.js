import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import * as phoenix from "phoenix"
import { chromium } from "playwright-core"
import WebSocket from "ws"

const artifacts = new URL("../../artifacts/", import.meta.url).pathname
const TIMEOUT = 30_000 // milliseconds that anything on a page may take

/** Starts Debian's Chromium, or the one that CHROMIUM names. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: [
      "--no-sandbox", // the tests may run as root
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  })
}

/** A person with a browser of his own, that is, with cookies of his own, and the page that he looks at. */
export class Viewer {
  /** What went wrong on the person's pages. */
  problems = []

  static async arrive(browser, site, { username, name, password }, options = {}) {
    const viewer = new Viewer()
    Object.assign(viewer, { site, username, name, password })
    viewer.context = await browser.newContext({ baseURL: site, viewport: { width: 1280, height: 860 }, ...options })
    viewer.context.setDefaultTimeout(TIMEOUT)
    viewer.page = await viewer.#open()
    return viewer
  }

  async #open() {
    const page = await this.context.newPage()
    await page.addInitScript(watchLayout)
    page.on("pageerror", (error) => this.problems.push(error.message))
    page.on("console", (message) => {
      // That the server cannot be reached is part of the story, and that a node has died.
      if (message.type() === "error" && !/net::ERR_|WebSocket|410|502|503/.test(message.text())) this.problems.push(message.text())
    })
    return page
  }

  async register() {
    await this.page.goto("/register")
    await this.page.getByLabel("Username").fill(this.username)
    await this.page.getByLabel("Name optional").fill(this.name)
    await this.page.getByLabel("Password").fill(this.password)
    await this.page.getByRole("button", { name: "Register" }).click()
    await this.#isLoggedIn()
  }

  async logOut() {
    await this.page.getByRole("button", { name: "Log out" }).click()
    await this.page.getByTestId("current-user").waitFor({ state: "detached" })
  }

  async logIn() {
    await this.page.goto("/login")
    await this.page.getByLabel("Username").fill(this.username)
    await this.page.getByLabel("Password").fill(this.password)
    await this.page.getByRole("button", { name: "Log in" }).click()
    await this.#isLoggedIn()
  }

  #isLoggedIn() {
    return this.page.getByTestId("current-user").filter({ hasText: this.name }).waitFor({ state: "attached" }) // a phone has no room for it
  }

  /** Adds a video, and goes on to watch it. */
  async addVideo(title, address) {
    await this.page.goto("/videos/new")
    await this.page.getByLabel("Address").fill(address)
    await this.page.getByLabel("Title").fill(title)
    await this.page.getByRole("button", { name: "Add the video" }).click()
  }

  /** Opens a video of the list. */
  async watch(title) {
    await this.page.goto("/")
    await this.page.getByRole("link", { name: title }).click()
    await this.isLive()
  }

  /** Opens what the person looks at on a second page, and returns that. */
  async openAgain() {
    const page = await this.#open()
    await page.goto(this.page.url())
    return page
  }

  /** Waits until the page is connected and has shown what there is. */
  async isLive() {
    await this.page.getByTestId("offline-banner").waitFor({ state: "hidden" })
    await this.viewer(`${this.name} (you)`).waitFor({ state: "attached" })
    await this.page.locator("#annotations:not([aria-busy])").waitFor({ state: "attached" })
  }

  isOffline() {
    return this.page.getByTestId("offline-banner").waitFor({ state: "visible" })
  }

  /** Waits until the page is connected to a node, unless to one of those excepted, and returns its name. */
  async node(...except) {
    const label = this.page.getByTestId("node").filter({ hasNotText: new RegExp(`node (${except.join("|")})$`), visible: true })
    return (await label.textContent()).replace("node ", "")
  }

  /**
   * What the server tells the page of annotations from now on: in the reply to a join, which says whether what was missed follows
   * from the history, or as events.
   */
  listen() {
    const told = []
    const hear = (frame) => {
      if (!frame.startsWith("[")) return // about the connection itself
      const [, , , event, { body, response }] = JSON.parse(frame)
      if (event === "annotation_added") told.push(body)
      if (response?._history) told.push({ recovered: response._history.recovered, joined: response.annotations.map(({ body }) => body) })
    }
    this.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => hear(payload)))
    this.page.on("requestfinished", async (request) => {
      if (!request.url().includes("/longpoll") || request.method() !== "GET") return
      const { messages } = await (await request.response()).json()
      messages?.forEach(hear)
    })
    return told
  }

  /** Writes an annotation, as one does with a keyboard. */
  async annotate(text) {
    await this.page.getByTestId("annotation-body").fill(text)
    await this.page.getByTestId("annotation-body").press("Enter")
  }

  /** Writes many annotations, by a program that has the page's token. */
  async annotateByProgram(texts) {
    const { socketToken, videoId } = await this.page.locator("#watch").evaluate(({ dataset }) => ({ ...dataset }))
    const socket = new phoenix.Socket(`${this.site.replace("http", "ws")}/socket`, { transport: WebSocket, authToken: socketToken })
    socket.connect()
    const channel = socket.channel(`videos:${videoId}`)
    const replied = (push) => new Promise((resolve, reject) => push.receive("ok", resolve).receive("error", reject).receive("timeout", reject))
    await replied(channel.join())
    for (const body of texts) await replied(channel.push("new_annotation", { at: 0, body }))
    socket.disconnect()
  }

  /** Says something in the chat. */
  async say(text) {
    await this.page.getByTestId("message-body").fill(text)
    await this.page.getByTestId("message-body").press("Enter")
  }

  annotation(text) {
    return this.page.getByTestId("annotation").filter({ hasText: text })
  }

  message(text) {
    return this.page.getByTestId("message").filter({ hasText: text })
  }

  /** What the page shows of what the viewer wrote, while the server has not answered. */
  pending(text) {
    return this.page.getByTestId("pending").filter({ hasText: text })
  }

  /** All messages that the page shows. */
  messages() {
    return this.page.getByTestId("message-text").allTextContents()
  }

  /** Shows a lane on a screen that has no room for all. */
  openTab(name) {
    return this.page.getByRole("tab", { name }).click()
  }

  /** Scrolls through a list from its beginning to its end. */
  async readAll(list) {
    await this.page.getByTestId(list).evaluate(async (list) => {
      for (let top = 0; top < list.scrollHeight; top += list.clientHeight / 2) {
        list.scrollTop = top
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
      }
    })
  }

  /** Goes to a second of the video. */
  async seek(second) {
    await this.page.locator("#video").evaluate(async (video, second) => {
      if (video.currentTime === second) return
      const there = new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }))
      video.currentTime = second
      await there
    }, second)
  }

  /** The joins that the page sends from now on. */
  joins() {
    const joins = []
    this.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => payload.includes("phx_join") && joins.push(payload)))
    return joins
  }

  /** Somebody in the list of those who watch. */
  viewer(name) {
    return this.page.getByTestId("viewer").filter({ hasText: name })
  }

  /** Forgets the layout shifts so far; resolves with a function that resolves with those since. */
  async watchForShifts() {
    await this.page.evaluate(() => (window.shifts = []))
    return () => this.page.evaluate(() => window.shifts)
  }

  /** All annotations that the page shows, in its order. */
  annotations() {
    return this.page.getByTestId("annotation-text").allTextContents()
  }

  /** Waits until the page shows these people among those who watch, on so many pages each. */
  async sees(sessions) {
    for (const [name, count] of Object.entries(sessions)) {
      await this.page.locator(`[data-testid=viewer][data-sessions="${count}"]`).filter({ hasText: name }).waitFor({ state: "attached" })
    }
  }

  /** Puts a picture of the page into the folder of artifacts. */
  async picture(name) {
    await mkdir(artifacts, { recursive: true })
    await this.page.screenshot({ path: join(artifacts, `rumbl-${name}.png`), animations: "disabled" })
  }
}

/** Runs in the page: notes what moves without its visitor having done anything. */
function watchLayout() {
  window.shifts = []
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      if (!hadRecentInput) window.shifts.push({ value, moved: sources.map(({ node }) => node?.outerHTML?.slice(0, 120)) })
    }
  }).observe({ type: "layout-shift" })
}
