/** Asks the server for a sign of life at a steady interval, counted from its last answer (spec/protocol.md §16). */
export class Heartbeat {
  private readonly intervalMs: number
  private readonly send: () => string
  private readonly onTimeout: () => void
  private timer: ReturnType<typeof setTimeout> | undefined
  private pendingRef: string | null = null

  /** `send` sends one heartbeat and returns its ref; `onTimeout` is called if the next interval passes without an answer. */
  constructor(intervalMs: number, send: () => string, onTimeout: () => void) {
    this.intervalMs = intervalMs
    this.send = send
    this.onTimeout = onTimeout
  }

  /** Sends the next heartbeat one interval from now. */
  start(): void {
    this.stop()
    this.timer = setTimeout(() => this.beat(), this.intervalMs)
  }

  stop(): void {
    clearTimeout(this.timer)
    this.pendingRef = null
  }

  /** Takes the ref of any message from the server, in case it answers the heartbeat. */
  acknowledge(ref: string | null): void {
    if (ref !== null && ref === this.pendingRef) this.start()
  }

  private beat(): void {
    this.pendingRef = this.send()
    this.timer = setTimeout(() => {
      this.pendingRef = null
      this.onTimeout()
    }, this.intervalMs)
  }
}
