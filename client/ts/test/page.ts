import type { TestContext } from "node:test"

/** As much of a page as a socket looks at. */
export class Page {
  private readonly window = new EventTarget()
  private readonly document = Object.assign(new EventTarget(), { visibilityState: "visible" })
  private readonly connection = Object.assign(new EventTarget(), { type: "wifi" })
  private readonly navigator = { onLine: true, connection: this.connection }

  constructor(t: TestContext) {
    const { window, document, navigator } = this
    const before = Object.getOwnPropertyDescriptor(globalThis, "navigator")
    Object.assign(globalThis, { window, document })
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true })
    t.after(() => {
      Reflect.deleteProperty(globalThis, "window")
      Reflect.deleteProperty(globalThis, "document")
      Reflect.deleteProperty(globalThis, "navigator")
      if (before) Object.defineProperty(globalThis, "navigator", before)
    })
  }

  fire(type: "pagehide" | "pageshow"): void {
    this.window.dispatchEvent(new Event(type))
  }

  /** The page runs again after the browser had frozen it. */
  resume(): void {
    this.document.dispatchEvent(new Event("resume"))
  }

  /** The browser finds that there is a network, or none. */
  goes(state: "online" | "offline"): void {
    this.navigator.onLine = state === "online"
    this.window.dispatchEvent(new Event(state))
  }

  /** The browser finds that the network is another one, or the same with other properties. */
  uses(type: "wifi" | "cellular"): void {
    this.connection.type = type
    this.connection.dispatchEvent(new Event("change"))
  }

  become(visibilityState: "visible" | "hidden"): void {
    this.document.visibilityState = visibilityState
    this.document.dispatchEvent(new Event("visibilitychange"))
  }
}
