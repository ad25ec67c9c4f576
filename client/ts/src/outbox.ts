import type { Channel } from "./channel.js"
import type { Contract, EventName, Untyped } from "./contract.js"
import { extend, withMember } from "./extension.js"
import { Push, type PushArguments, type PushOptions, type Reply } from "./push.js"
import { asBytes, type Message } from "./serializer.js"
import { Timer } from "./timer.js"

// The name of what is about marked pushes: the member of join params and replies, and of payloads (spec/protocol.md §21).
const ONCE = "_once"

/** How many are on their way at once, so that they do not fill the server's mailbox. */
const MAX_IN_FLIGHT = 32

/** How an Outbox is made. All of it is optional. */
export interface OutboxOptions {
  /** How many pushes may wait for their answers: beyond that, `push` throws. Default 100. */
  limit?: number
  /**
   * How many bytes a payload may have once encoded: with more, `push` throws, since a message that the server finds too
   * large ends the connection each time that it is sent. Default 64,000, which a server takes unless its MaxMessage is lower.
   */
  maxBytes?: number
}

/**
 * Pushes of a channel that take effect exactly once. Each is kept until it is answered, and sent again after each
 * rejoin; the server knows by its number what it has handled, and repeats the answer. The pushes live as long as the
 * channel does, which a page that is closed or reloaded ends.
 */
export class Outbox<C extends Contract = Untyped> {
  readonly channel: Channel<C>
  /** How many pushes may wait for their answers. */
  readonly limit: number
  /** How many bytes a payload may have once encoded. */
  readonly maxBytes: number
  // In the order of their numbers.
  private readonly waiting = new Map<number, MarkedPush>()
  private lastNumber = 0
  private session: string | undefined
  // The join whose reply told the session, or that there is none.
  private joinRef: string | null = null
  private paused = false
  private readonly pauseTimer: Timer

  /** Create it before the channel joins; throws after that, and if the channel has one. */
  constructor(channel: Channel<C>, opts: OutboxOptions = {}) {
    extend(channel, "Outbox", ONCE, this)
    this.channel = channel
    this.limit = opts.limit ?? 100
    this.maxBytes = opts.maxBytes ?? 64_000
    this.pauseTimer = new Timer(() => this.resume(), againAfterMs)
    channel.onClose(() => {
      this.pauseTimer.reset()
      this.giveUp("closed")
    })
  }

  /** How many pushes wait for their answers. */
  get size(): number {
    return this.waiting.size
  }

  /**
   * Sends an event, or keeps it until the channel has joined. Its payload, an object of JSON or bytes, is that of this
   * moment, whatever becomes of it later. The server handles pushes in their order, except for one that it refuses because
   * it is busy, which is sent again by itself. Each ends once, unless its signal aborts: with the server's answer; in
   * "timeout" after the timeout in milliseconds, if there is one; or in "error" with one of the reasons below. One that was
   * sent and then timed out or aborted may have taken effect.
   * - "crashed": the server's handler crashed at it.
   * - "outcome_unknown": it was sent, and nobody can say whether it took effect.
   * - "closed": it was not sent, and the channel is closed for good.
   * - "not_supported": it was not sent, since this server knows nothing of pushes that take effect once.
   *
   * Throws before `join`, if `limit` pushes wait, if the payload is neither object nor bytes or has more than `maxBytes`,
   * and for bytes if the socket has an `encode` of its own.
   */
  push<E extends EventName<C["in"]>>(event: E, ...payload: PushArguments<C["in"][E]["payload"]>): Push<C["in"][E]["reply"]>
  push(event: string, payload: any = {}, options: number | PushOptions = {}): Push {
    const { channel, limit, waiting } = this
    if (!channel.joinedOnce) throw new Error(`tried to push "${event}" to "${channel.topic}" before joining: call join() first`)
    if (waiting.size >= limit) throw new Error(`cannot push "${event}" to "${channel.topic}": ${limit} pushes wait for their answers, and that is the limit`)
    const { timeout = Infinity, signal } = typeof options === "number" ? { timeout: options } : options
    const push = new MarkedPush(this, this.lastNumber + 1, event, copied(this, event, payload), timeout)
    if (!signal?.aborted) this.keep(push)
    push.heed(signal)
    return push
  }

  /** @internal */
  ask(params: object): object {
    return withMember(this.channel, params, ONCE, this.session === undefined ? true : { session: this.session })
  }

  /** @internal */
  joined(told: { session: string; kept?: boolean } | undefined): void {
    // In a new session, what was sent in the one before would be handled once more.
    if (!told?.kept) this.giveUp()
    this.session = told?.session
    this.joinRef = this.channel.joinRef()
    this.pauseTimer.reset()
    this.resume()
  }

  /** @internal Up to which number all pushes are answered, while some wait. */
  get done(): number {
    const [first] = this.waiting.keys()
    return first! - 1
  }

  /** @internal Takes note of what the server replied to a push, or of its timeout. True if that is for the application. */
  settles(push: MarkedPush, { status, response }: Reply): boolean {
    if (status === "error" && (response as any)?.[ONCE] === "again") {
      push.refused()
      if (!this.paused) this.pauseTimer.scheduleTimeout(this.channel.socket.stayAway((response as any).retry_after_ms))
      this.paused = true
      return false
    }
    this.waiting.delete(push.number)
    if (!this.paused) this.pauseTimer.reset()
    this.flush()
    return true
  }

  /** @internal Waits no longer for a push, which counts as answered. */
  forget(push: MarkedPush): void {
    if (this.waiting.delete(push.number)) this.flush()
  }

  private keep(push: MarkedPush): void {
    this.lastNumber = push.number
    this.waiting.set(push.number, push)
    if (this.channel.isClosed()) this.giveUp("closed")
    else this.flush()
  }

  private resume(): void {
    this.paused = false
    this.flush()
  }

  /** Sends what may be sent now. */
  private flush(): void {
    const { channel, joinRef, waiting } = this
    if (this.paused || !channel.canPush() || joinRef !== channel.joinRef()) return
    if (this.session === undefined) this.giveUp("not_supported")
    let inFlight = 0
    for (const push of waiting.values()) {
      if (inFlight++ === MAX_IN_FLIGHT) return
      if (push.sentIn === joinRef) continue
      try {
        push.send()
      } catch (error) {
        // It cannot be encoded, such as bytes of an event whose name is too long.
        this.fail(push, error instanceof Error ? error.message : String(error))
      }
    }
  }

  /** Ends what may have been handled, and, if there is a reason, all else for that. */
  private giveUp(reason?: string): void {
    for (const push of this.waiting.values()) {
      const why = push.unanswered > 0 ? "outcome_unknown" : reason
      if (why) this.fail(push, why)
    }
  }

  /** Ends a push, in a task of its own: whatever its callbacks throw or push is not in the way of the others. */
  private fail(push: MarkedPush, reason: string): void {
    this.waiting.delete(push.number)
    queueMicrotask(() => push.trigger("error", { reason }))
  }
}

/** A push that may be sent many times, under the one ref that it has from the beginning. */
class MarkedPush extends Push {
  readonly number: number
  /** The join in which it is on its way. */
  sentIn: string | null = null
  /** How often it was sent without being refused, so that it may have been handled. */
  unanswered = 0
  private readonly outbox: Outbox<any>

  constructor(outbox: Outbox<any>, number: number, event: string, payload: object, timeout: number) {
    super(outbox.channel, event, () => payload, timeout)
    this.outbox = outbox
    this.number = number
    this.startTimeout()
  }

  override send(): void {
    this.transmit()
    this.sentIn = this.channel.joinRef()
    this.unanswered++
  }

  /** Notes that it was not handled this time. */
  refused(): void {
    this.sentIn = null
    this.unanswered--
  }

  protected override drop(): void {
    this.outbox.forget(this)
  }

  protected override message(): Message {
    const message = super.message()
    const mark = { id: this.number, done: this.outbox.done }
    if (asBytes(message.payload)) return { ...message, mark: JSON.stringify(mark) }
    return { ...message, payload: { ...(message.payload as object), [ONCE]: mark } }
  }

  override settle(reply: Reply): void {
    if (this.outbox.settles(this, reply)) super.settle(reply)
  }
}

/** A copy of a payload, which must have room for a mark. */
function copied({ channel, maxBytes }: Outbox<any>, event: string, payload: object): object {
  const bytes = asBytes(payload)?.slice()
  if (bytes && !channel.socket.marksBytes) throw new Error(`cannot mark the bytes of "${event}": the socket has an encode of its own, which has no room for it`)
  const json = bytes ? "" : JSON.stringify(payload) ?? ""
  if (!bytes && !json.startsWith("{")) throw new Error(`cannot mark the payload of "${event}": it must be an object, or bytes`)
  const size = bytes ? bytes.length : new TextEncoder().encode(json).length
  if (size > maxBytes) throw new Error(`cannot push "${event}": its payload of ${size} bytes is larger than maxBytes, ${maxBytes}`)
  return bytes ?? JSON.parse(json)
}

function againAfterMs(tries: number): number {
  return [50, 100, 200, 500, 1000, 2000][tries - 1] ?? 5000
}
