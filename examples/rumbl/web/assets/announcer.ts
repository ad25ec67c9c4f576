import { byId } from "./dom.js"

const EVERY = 6000 // milliseconds
const SHOWN_FOR = 6000

/** Tells those who listen rather than look what has come, together and not too often. */
export class Announcer {
  private readonly region = byId("announcer")
  private readonly toast = byId("toast")
  private toastTimer: ReturnType<typeof setTimeout> | undefined
  private readonly counts = new Map<string, number>()
  private timer: ReturnType<typeof setTimeout> | undefined

  /** Notes that one more of something came, such as "annotation". */
  came(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
    this.timer ??= setTimeout(() => this.tell(), EVERY)
  }

  /** Shows for a while, and says at once, that something did not work. */
  alert(text: string): void {
    this.toast.textContent = text
    this.toast.hidden = false
    clearTimeout(this.toastTimer)
    this.toastTimer = setTimeout(() => (this.toast.hidden = true), SHOWN_FOR)
  }

  private tell(): void {
    this.timer = undefined
    this.region.textContent = [...this.counts].map(([what, count]) => `${count} new ${what}${count > 1 ? "s" : ""}`).join(", ")
    this.counts.clear()
  }
}
