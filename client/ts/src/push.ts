import type { Channel } from "./channel.js"
import type { Named, NoReply } from "./contract.js"
import type { Message } from "./serializer.js"

/** How a push ended. */
export interface Reply {
  status: string
  response: unknown
}

/** How long to wait for the answer to a push, or a join. */
export interface PushOptions {
  /** Milliseconds until it ends in "timeout". */
  timeout?: number | undefined
  /**
   * Ends the wait when it aborts. A push that was not sent yet is dropped, and an answer to one that was is ignored: none of
   * its callbacks is called any more, and who awaits it gets the signal's reason. A channel that has not joined yet is left.
   */
  signal?: AbortSignal | undefined
}

/** Calls back with the reason if the signal aborts, at once if it has. Returns what ends that. */
export function onAbort(signal: AbortSignal | undefined, callback: (reason: unknown) => void): () => void {
  const aborted = () => callback(signal!.reason)
  if (signal?.aborted) aborted()
  else signal?.addEventListener("abort", aborted)
  return () => signal?.removeEventListener("abort", aborted)
}

/** What an awaited push, join or leave rejects with, unless it ended in "ok". */
export class PushError extends Error {
  override readonly name = "PushError"
  /** "error", "timeout", a status of the server's choice, or "closed" if the channel was closed before an answer came. */
  readonly status: string
  /** The `reason` of the server's response, or else the status. */
  readonly reason: string
  /** What the server answered; empty if it did not. */
  readonly response: any

  constructor({ event, channel }: Push, { status, response }: Reply) {
    const reason = String((response as any)?.reason ?? status)
    super(`"${event}" to "${channel.topic}" ended in "${status}": ${reason}`)
    this.status = status
    this.reason = reason
    this.response = response
  }
}

/** A push that the server does not answer, by its contract. It is sent all the same. */
export interface UnansweredPush extends Omit<Push, "then" | "catch" | "finally" | "receive"> {
  /** Not to be called: it makes an `await` an error of the compiler. */
  then(nothingToWaitFor: NoReply): never
}

/** What follows the event in a push: its payload, which may be left out if it may be empty, and its timeout or options. */
export type PushArguments<Payload> = {} extends Payload ? [payload?: Payload, options?: number | PushOptions] : [payload: Payload, options?: number | PushOptions]

/** What pushing an event with this reply gives. */
export type PushOf<R> = unknown extends R ? Push<R> : [R] extends [NoReply] ? UnansweredPush : Push<R>

interface ReceiveHook {
  status: string
  callback: (response: any) => void
}

type Ending<R> = (resolve: (response: R) => void, reject: (reason: unknown) => void) => void

/**
 * A message on its way to the server, and what becomes of it. Made by Channel's `push`, `join` and `leave`. It can be
 * awaited as a promise of the response: it resolves when the push, or the first try of a join, ends in "ok", and rejects
 * with a PushError when it ends in anything else. Nothing rejects until somebody asks.
 */
export class Push<R = any> implements Promise<R> {
  readonly [Symbol.toStringTag] = "Push"
  readonly channel: Channel<any>
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
  // How it ended the first time, which for a join may not be the last.
  private ending: Ending<R> | undefined
  private promise: Promise<R> | undefined
  private tell: (ending: Ending<R>) => void = () => {}
  private ignoreSignal: () => void = () => {}

  constructor(channel: Channel<any>, event: string, payload: () => unknown, timeout: number) {
    this.channel = channel
    this.event = event
    this.payload = payload
    this.timeout = timeout
  }

  /**
   * Calls back when the reply has this status: "ok", "error", any status of the server's choice, or "timeout". If
   * that already happened, at once. The callback of a join is called after each rejoin, too.
   */
  receive<Type = never, S extends string = string>(status: S, callback: (response: Named<Type, S extends "ok" ? R : any>) => void): this {
    if (this.hasReceived(status)) callback(this.reply!.response as any)
    this.hooks.push({ status, callback })
    return this
  }

  /** As that of a promise; so are `catch` and `finally`. */
  then<T = R, E = never>(onOk?: ((response: R) => T | PromiseLike<T>) | null, onError?: ((error: any) => E | PromiseLike<E>) | null): Promise<T | E> {
    this.promise ??= new Promise((resolve, reject) => this.tellWhenEnded(resolve, reject))
    return this.promise.then(onOk, onError)
  }

  catch<E = never>(onError?: ((error: any) => E | PromiseLike<E>) | null): Promise<R | E> {
    return this.then(null, onError)
  }

  finally(callback?: (() => void) | null): Promise<R> {
    return this.then().finally(callback)
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

  /** @internal Aborts the push if the signal does before it is settled. */
  heed(signal: AbortSignal | undefined): void {
    this.ignoreSignal = onAbort(signal, (reason) => this.abort(reason))
  }

  /** @internal Waits no longer. */
  abort(reason: unknown): void {
    this.cancelTimeout()
    this.cancelRefEvent()
    this.end((_, reject) => reject(reason))
    this.drop()
  }

  /** @internal Takes it from what waits to be sent. */
  protected drop(): void {
    this.channel.drop(this)
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
  settle(reply: Reply): void {
    this.cancelRefEvent()
    this.cancelTimeout()
    this.reply = reply
    this.end((resolve, reject) => (reply.status === "ok" ? resolve(reply.response as R) : reject(new PushError(this, reply))))
    for (const hook of this.hooks.filter(({ status }) => status === reply.status)) {
      hook.callback(reply.response)
    }
  }

  /** Only the first time counts. */
  private end(ending: Ending<R>): void {
    this.ignoreSignal()
    this.ending ??= ending
    this.tell(this.ending)
  }

  private tellWhenEnded(...promise: Parameters<Ending<R>>): void {
    const { channel } = this
    // No answer comes any more. In a task of its own, since an Outbox then ends its pushes and knows better why.
    const closed = () => queueMicrotask(() => this.end((_, reject) => reject(new PushError(this, { status: "closed", response: {} }))))
    const ref = channel.onClose(closed)
    this.tell = (ending) => {
      channel.off("phx_close", ref)
      ending(...promise)
    }
    if (this.ending) this.tell(this.ending)
    else if (channel.isClosed() && channel.joinedOnce) closed()
  }

  private cancelRefEvent(): void {
    if (this.refEvent) this.channel.off(this.refEvent)
    this.refEvent = null
  }

  private hasReceived(status: string): boolean {
    return this.reply?.status === status
  }
}
