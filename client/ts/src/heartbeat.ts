/** Asks the server for a sign of life: at a steady interval, counted from its last answer, and when asked to (spec/protocol.md §16). */
export class Heartbeat {
  private readonly intervalMs: number
  private readonly send: () => string
  private readonly onTimeout: () => void
  private timer: ReturnType<typeof setTimeout> | undefined
  private pendingRef: string | null = null
  private steady = true
  private probing = false

  /** `send` sends one heartbeat and returns its ref; `onTimeout` is called if there is no answer in time. */
  constructor(intervalMs: number, send: () => string, onTimeout: () => void) {
    this.intervalMs = intervalMs
    this.send = send
    this.onTimeout = onTimeout
  }

  /** Sends the next heartbeat one interval from now; none unless `steady`. */
  start(steady: boolean): void {
    this.stop()
    this.steady = steady
    if (steady) this.timer = setTimeout(() => this.beat(this.intervalMs), this.intervalMs)
  }

  stop(): void {
    clearTimeout(this.timer)
    this.pendingRef = null
    this.probing = false
  }

  /** Sends one at once that is to be answered soon, unless another such is on its way. */
  probe(deadlineMs: number): void {
    if (this.probing) return
    this.stop()
    this.probing = true
    this.beat(Math.min(deadlineMs, this.intervalMs))
  }

  /** Takes the ref of any message from the server, in case it answers the heartbeat. */
  acknowledge(ref: string | null): void {
    if (ref !== null && ref === this.pendingRef) this.start(this.steady)
  }

  private beat(deadlineMs: number): void {
    this.pendingRef = this.send()
    this.timer = setTimeout(() => {
      this.stop()
      this.onTimeout()
    }, deadlineMs)
  }
}
