import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { chromium } from "playwright-core"

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
    return this.page.getByTestId("current-user").filter({ hasText: this.name }).waitFor()
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
    await this.sees({ [`${this.name} (you)`]: 1 })
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
   * What the server tells the page of annotations over WebSockets that it opens from now on: in the reply to a join, which says
   * whether what was missed follows from the history, or as events.
   */
  listen() {
    const told = []
    this.page.on("websocket", (socket) => {
      socket.on("framereceived", ({ payload }) => {
        const [, , , event, { body, response }] = JSON.parse(payload)
        if (event === "annotation_added") told.push(body)
        if (response?._history) told.push({ recovered: response._history.recovered, joined: response.annotations.map(({ body }) => body) })
      })
    })
    return told
  }

  /** Writes an annotation, as one does with a keyboard, and sends it once the one before was answered. */
  async annotate(text) {
    await this.page.getByTestId("annotation-body").fill(text)
    await this.page.locator("[data-testid=annotation-submit]:enabled").waitFor()
    await this.page.getByTestId("annotation-body").press("Enter")
  }

  annotation(text) {
    return this.page.getByTestId("annotation").filter({ hasText: text })
  }

  /** All annotations that the page shows, in its order. */
  annotations() {
    return this.page.getByTestId("annotation-text").allTextContents()
  }

  /** Waits until the page shows these people among those who watch, on so many pages each. */
  async sees(sessions) {
    for (const [name, count] of Object.entries(sessions)) {
      await this.page.locator(`[data-testid=viewer][data-sessions="${count}"]`).filter({ hasText: name }).waitFor()
    }
  }

  /** Puts a picture of the page into the folder of artifacts. */
  async picture(name) {
    await mkdir(artifacts, { recursive: true })
    await this.page.screenshot({ path: join(artifacts, `rumbl-${name}.png`), animations: "disabled" })
  }
}
