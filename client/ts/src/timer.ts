import type { Schedule } from "./retry.js"

/** Runs a callback after a delay that depends on how often it ran since the last reset. */
export class Timer {
  private readonly callback: () => void
  private readonly schedule: Schedule
  private handle: ReturnType<typeof setTimeout> | undefined
  private tries = 0

  constructor(callback: () => void, schedule: Schedule) {
    this.callback = callback
    this.schedule = schedule
  }

  /**
   * Schedules the next try, in place of one that is already scheduled, by the schedule or `atLeastMs` from now, whichever
   * is later; never if that is Infinity. Returns in how many milliseconds, and its number.
   */
  scheduleTimeout(atLeastMs = 0): [delayMs: number, tries: number] {
    this.cancel()
    const tries = this.tries + 1
    const delayMs = Math.round(Math.max(this.schedule(tries), atLeastMs))
    // Timers cannot wait without end: they fire at once.
    if (delayMs === Infinity) return [delayMs, tries]
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
