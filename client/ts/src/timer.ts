/** Runs a callback after a delay that depends on how often it ran since the last reset. */
export class Timer {
  private readonly callback: () => void
  private readonly delayMs: (tries: number) => number
  private handle: ReturnType<typeof setTimeout> | undefined
  private tries = 0

  /** `delayMs` receives the number of the coming try, from 1, and returns milliseconds. */
  constructor(callback: () => void, delayMs: (tries: number) => number) {
    this.callback = callback
    this.delayMs = delayMs
  }

  /** Schedules the next try, in place of one that is already scheduled. Returns in how many milliseconds, and its number. */
  scheduleTimeout(): [delayMs: number, tries: number] {
    this.cancel()
    const tries = this.tries + 1
    const delayMs = this.delayMs(tries)
    this.handle = setTimeout(() => {
      this.tries = tries
      this.callback()
    }, delayMs)
    return [delayMs, tries]
  }

  /** Drops the scheduled try and keeps the count. */
  cancel(): void {
    clearTimeout(this.handle)
  }

  /** Drops the scheduled try and starts counting from 1 again. */
  reset(): void {
    this.cancel()
    this.tries = 0
  }
}
