import type { TestContext } from "node:test"

interface Timeout {
  at: number
  run: () => void
  ref(): Timeout
  unref(): Timeout
}

/**
 * Puts setTimeout and Date.now in the hands of a test until it ends; input and output stay real. Call it before anything sets a
 * timer. (The mock timers of Node 20 do not do: to clear a timer twice removes another one from their queue.)
 */
export class Clock {
  private now = 0
  private timeouts: Timeout[] = []

  constructor(t: TestContext) {
    const { setTimeout, clearTimeout } = globalThis
    const { now } = Date
    const began = now()
    t.after(() => {
      Object.assign(globalThis, { setTimeout, clearTimeout })
      Date.now = now
    })
    Date.now = () => began + this.now
    Object.assign(globalThis, {
      setTimeout: (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => this.set(() => callback(...args), ms),
      clearTimeout: (timeout: Timeout | undefined) => this.clear(timeout, clearTimeout),
    })
  }

  /** Lets time pass, running what falls due on the way in its order. */
  tick(ms: number): void {
    const end = this.now + ms
    for (let next = this.due(end); next; next = this.due(end)) {
      this.timeouts.splice(this.timeouts.indexOf(next), 1)
      this.now = next.at
      next.run()
    }
    this.now = end
  }

  private due(end: number): Timeout | undefined {
    const due = this.timeouts.filter((timeout) => timeout.at <= end)
    return due.reduce<Timeout | undefined>((first, timeout) => (first && first.at <= timeout.at ? first : timeout), undefined)
  }

  private set(run: () => void, ms: number): Timeout {
    const timeout: Timeout = { at: this.now + ms, run, ref: () => timeout, unref: () => timeout }
    this.timeouts.push(timeout)
    return timeout
  }

  private clear(timeout: Timeout | undefined, clearReal: (timeout: any) => void): void {
    const index = timeout ? this.timeouts.indexOf(timeout) : -1
    if (index >= 0) this.timeouts.splice(index, 1)
    else clearReal(timeout)
  }
}
