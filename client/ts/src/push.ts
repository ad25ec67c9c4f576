import type { Channel } from "./channel.js"
import type { Message } from "./serializer.js"

/** How a push ended. */
export interface Reply {
  status: string
  response: unknown
}

interface ReceiveHook {
  status: string
  callback: (response: any) => void
}

/** A message on its way to the server, and what becomes of it. Made by Channel's `push`, `join` and `leave`. */
export class Push {
  readonly channel: Channel
  readonly event: string
  /** Milliseconds until the push ends in "timeout". */
  timeout: number
  /** True once the message was handed to the socket. */
  sent = false
  /** @internal */
  ref: string | null = null
  private readonly payload: () => unknown
  private reply: Reply | null = null
  private refEvent: string | null = null
  private timeoutTimer: ReturnType<typeof setTimeout> | undefined
  private readonly hooks: ReceiveHook[] = []

  constructor(channel: Channel, event: string, payload: () => unknown, timeout: number) {
    this.channel = channel
    this.event = event
    this.payload = payload
    this.timeout = timeout
  }

  /**
   * Calls back when the reply has this status: "ok", "error", any status of the server's choice, or "timeout". If
   * that already happened, at once. The callback of a join is called after each rejoin, too.
   */
  receive<R = unknown>(status: string, callback: (response: R) => void): this {
    if (this.hasReceived(status)) callback(this.reply!.response as R)
    this.hooks.push({ status, callback })
    return this
  }

  /** Sends the message, under a ref of its own each time, unless it has already timed out. */
  send(): void {
    if (this.hasReceived("timeout")) return
    this.startTimeout()
    this.transmit()
  }

  /** Sends it once more as if it were new, keeping the hooks. */
  resend(timeout: number): void {
    this.timeout = timeout
    this.reset()
    this.send()
  }

  /** @internal Forgets the ref, the timeout and the reply. */
  reset(): void {
    this.cancelTimeout()
    this.cancelRefEvent()
    this.ref = null
    this.reply = null
    this.sent = false
  }

  /** @internal Takes a new ref, waits for its reply, and starts the clock. */
  startTimeout(): void {
    this.cancelTimeout()
    this.cancelRefEvent()
    this.ref = this.channel.socket.makeRef()
    this.refEvent = this.channel.replyEventName(this.ref)
    this.channel.on<Reply>(this.refEvent, (reply) => this.settle(reply))
    // A timer cannot wait without end: it would fire at once.
    if (this.timeout !== Infinity) this.timeoutTimer = setTimeout(() => this.trigger("timeout", {}), this.timeout)
  }

  /** @internal */
  cancelTimeout(): void {
    clearTimeout(this.timeoutTimer)
  }

  /** @internal Settles the push as if the server had replied. */
  trigger(status: string, response: unknown): void {
    if (this.refEvent) this.channel.trigger(this.refEvent, { status, response })
  }

  /** @internal Hands the message to the socket, under the ref that it has. */
  protected transmit(): void {
    this.sent = true
    const { channel } = this
    const message = this.message()
    channel.socket.push(message, () => message.join_ref === channel.joinRef() && !channel.isClosed())
  }

  /** @internal What is sent in the current join. */
  protected message(): Message {
    const { channel, ref, event } = this
    return { join_ref: channel.joinRef(), ref, topic: channel.topic, event, payload: this.payload() }
  }

  /** @internal */
  protected settle(reply: Reply): void {
    this.cancelRefEvent()
    this.cancelTimeout()
    this.reply = reply
    for (const hook of this.hooks.filter(({ status }) => status === reply.status)) {
      hook.callback(reply.response)
    }
  }

  private cancelRefEvent(): void {
    if (this.refEvent) this.channel.off(this.refEvent)
    this.refEvent = null
  }

  private hasReceived(status: string): boolean {
    return this.reply?.status === status
  }
}
