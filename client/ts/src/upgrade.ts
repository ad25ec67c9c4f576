import type { LongPoll } from "./longpoll.js"
import { ReadyState, type Transport, type TransportConstructor } from "./transport.js"

// From the making of the WebSocket to the server's "go".
const LIMIT_MS = 10_000

/**
 * One try to take a session from long polling to a WebSocket (spec/protocol.md §23). Until the server agrees, the session
 * stays where it is, and goes on there as if nothing had been.
 */
export class Upgrade {
  private readonly longPoll: LongPoll
  private readonly transport: Transport
  private readonly ended: (transport: Transport | undefined) => void
  private readonly timer: ReturnType<typeof setTimeout>
  private live = true

  /**
   * Starts. `ended` is called once, unless `cancel` is: with the transport if the session is there now, and what long
   * polling had left to send is for it to send; undefined if the session still polls. Throws what the constructor throws.
   */
  constructor(longPoll: LongPoll, transport: TransportConstructor, ended: (transport: Transport | undefined) => void) {
    this.longPoll = longPoll
    this.ended = ended
    this.transport = new transport(longPoll.endPoint, ["roost.upgrade", `roost.session.${longPoll.token}`])
    this.timer = setTimeout(() => this.fail(), LIMIT_MS)
    this.transport.onopen = () => {
      if (this.transport.protocol === "roost.upgrade") this.transport.send("probe")
      else this.fail()
    }
    this.transport.onmessage = ({ data }: { data: unknown }) => {
      if (data === "probe") void this.handOver()
      else if (data === "go") this.succeed()
      else this.fail()
    }
    this.transport.onclose = () => this.fail()
    // A handler stays, since the ws package throws errors that nobody handles.
    this.transport.onerror = () => {}
  }

  /** Gives up. The session goes on polling, if it still lives. */
  cancel(): void {
    if (!this.live) return
    this.live = false
    clearTimeout(this.timer)
    this.transport.onopen = this.transport.onmessage = this.transport.onclose = null
    this.transport.close()
    this.longPoll.resume()
  }

  private async handOver(): Promise<void> {
    const { longPoll, transport } = this
    await longPoll.hold()
    if (!this.live) return
    transport.send("upgrade")
    const received = await longPoll.finish()
    if (this.live) transport.send(`go ${received}`)
  }

  private succeed(): void {
    // The session may have ended meanwhile.
    if (this.longPoll.readyState !== ReadyState.open) {
      this.fail()
      return
    }
    this.live = false
    clearTimeout(this.timer)
    this.ended(this.transport)
  }

  private fail(): void {
    if (!this.live) return
    this.cancel()
    this.ended(undefined)
  }
}
