import type { TestContext } from "node:test"

/** As much of a page as a socket looks at. */
export class Page {
  private readonly window = new EventTarget()
  private readonly document = Object.assign(new EventTarget(), { visibilityState: "visible" })

  constructor(t: TestContext) {
    const { window, document } = this
    Object.assign(globalThis, { window, document })
    t.after(() => {
      Reflect.deleteProperty(globalThis, "window")
      Reflect.deleteProperty(globalThis, "document")
    })
  }

  fire(type: "pagehide" | "pageshow"): void {
    this.window.dispatchEvent(new Event(type))
  }

  become(visibilityState: "visible" | "hidden"): void {
    this.document.visibilityState = visibilityState
    this.document.dispatchEvent(new Event("visibilitychange"))
  }
}
