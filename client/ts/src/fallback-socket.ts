import type { JoinParams } from "./channel.js"
import type { Contract, Untyped } from "./contract.js"
import { Fallback } from "./fallback.js"
import { LongPoll } from "./longpoll.js"
import { hostWebSocket, type SessionStorage } from "./platform.js"
import type { Schedule } from "./retry.js"
import { share, type SharedChannel } from "./share.js"
import { Socket as CoreSocket, type Credentials } from "./socket.js"
import type { SocketOptions as CoreOptions } from "./socket-options.js"
import type { Transport, TransportConstructor } from "./transport.js"

/** How a Socket is made. All of it is optional; times are milliseconds. */
export interface SocketOptions extends CoreOptions {
  /** The transport; by default the host's WebSocket, or LongPoll where there is none. */
  transport?: TransportConstructor
  /** Go over to LongPoll if the transport does not open, or answer a ping, within this time; by default never. */
  longPollFallbackMs?: number
  /** Where the fallback to LongPoll is remembered, in place of the page's sessionStorage. */
  sessionStorage?: SessionStorage
  /**
   * How long to be on LongPoll after a fallback before the n-th try, from 1, to go on over the transport from before; Infinity
   * for never. Default half a minute, then 1, 2 and 5 minutes, less up to half of it by chance.
   */
  upgradeAfterMs?: Schedule
}

/** A connection to a server that is kept up, over WebSocket or long polling, and the channels on it. It starts with `connect`. */
export class Socket extends CoreSocket {
  private readonly fallback: Fallback | undefined

  /**
   * Takes the URL under which the server has its socket, for example "wss://example.com/socket". On a page,
   * "//example.com/socket" and "/socket" will do.
   */
  constructor(endPoint: string, opts: SocketOptions = {}) {
    super(endPoint, { ...opts, transport: opts.transport ?? hostWebSocket() ?? LongPoll })
    if (opts.longPollFallbackMs) this.fallback = new Fallback(this, opts.longPollFallbackMs, opts.sessionStorage, opts.upgradeAfterMs)
  }

  /**
   * Takes part in the one conversation about a topic that all who share it have, such as the components of a page. The
   * params are those of the first; others may leave them out, and must not have others: that throws. Each that it gives
   * is to be left again with `leave`.
   */
  share<C extends Contract = Untyped>(topic: string, params?: JoinParams<C["params"]>): SharedChannel<C> {
    return share<C>(this, topic, params)
  }

  /** The LongPoll transport, for `replaceTransport`. */
  getLongPollTransport(): TransportConstructor {
    return LongPoll
  }

  /** @internal Goes on with the same session over another transport (spec/protocol.md §23), which has frames to send first. */
  moveTo(transport: Transport, constructor: TransportConstructor, frames: (string | ArrayBuffer)[]): void {
    transport.binaryType = this.binaryType
    this.connection?.moveTo(transport)
    for (const frame of frames) transport.send(frame)
    this.transport = constructor
    this.heartbeat.start(true)
    this.call("transport", constructor)
  }

  protected override begin(credentials: Credentials): void {
    if (this.fallback) this.fallback.start(credentials)
    else super.begin(credentials)
  }

  protected override networkChanged(): void {
    super.networkChanged()
    this.fallback?.upgradeNow()
  }

  protected override abandon(): void {
    this.fallback?.cancel()
    super.abandon()
  }
}
