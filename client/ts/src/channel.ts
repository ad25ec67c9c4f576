import type { Contract, EventName, Named, Untyped } from "./contract.js"
import type { Extension } from "./extension.js"
import { closure } from "./params.js"
import { onAbort, Push, type PushArguments, type PushOf, type PushOptions } from "./push.js"
import type { Message } from "./serializer.js"
import type { Socket } from "./socket.js"
import { Timer } from "./timer.js"

/** Where a channel is in its life (spec/protocol.md §17). */
export type ChannelState = "closed" | "errored" | "joined" | "joining" | "leaving"

/** The payload of a join: a JSON object or bytes, or a function that makes one at each join and rejoin. */
export type JoinParams<P = object> = P | (() => P)

/** The params of `Socket.channel`, which may be left out if they may be empty. */
export type ChannelArguments<P> = {} extends P ? [params?: JoinParams<P>] : [params: JoinParams<P>]

/** Receives an event: its payload, the ref of a reply, and the join it belongs to. */
export type EventCallback<P> = (payload: P, ref: string | null, joinRef: string | null) => void

interface Binding {
  ref: number
  callback: EventCallback<any>
}

/**
 * One conversation with the server about one topic. Made by `Socket.channel`. After an error or a lost
 * connection it joins again by itself, until `leave` is called or the server closes it in good order.
 */
export class Channel<C extends Contract = Untyped> {
  /** Known to the compiler alone. */
  declare readonly contract?: C
  state: ChannelState = "closed"
  readonly topic: string
  /** The payload of the next join. */
  params: () => C["params"]
  readonly socket: Socket
  /** Milliseconds until joins and pushes end in "timeout", unless they say otherwise. */
  timeout: number
  joinedOnce = false
  readonly joinPush: Push<C["joined"]>
  /** Pushes that wait for the join. Each leaves when it is sent, or dropped at its timeout. */
  pushBuffer: Push[] = []
  // Both the map's arrays and pushBuffer are replaced rather than changed, so that callbacks may add and remove.
  private readonly bindings = new Map<string, Binding[]>()
  private bindingRef = 0
  private readonly rejoinTimer: Timer
  // Until when the server told us not to join again.
  private notBefore = 0
  /** @internal */
  readonly stateChangeRefs: string[]
  /** @internal By their members in join params and replies. */
  readonly extensions = new Map<string, Extension>()

  constructor(topic: string, params: JoinParams<C["params"]> | undefined, socket: Socket) {
    this.topic = topic
    this.params = closure<C["params"]>(params ?? {})
    this.socket = socket
    this.timeout = socket.timeout
    this.joinPush = new Push(this, "phx_join", () => this.joinParams(), this.timeout)
    this.rejoinTimer = new Timer(() => {
      if (socket.isConnected()) this.rejoin()
    }, socket.rejoinSchedule)
    this.stateChangeRefs = [
      socket.onError(() => this.rejoinTimer.reset()),
      socket.onOpen(() => {
        this.rejoinTimer.reset()
        if (this.isErrored()) this.rejoinWhenWelcome()
      }),
    ]
    this.joinPush
      .receive("ok", () => this.joined())
      .receive<{ retry_after_ms?: number } | null>("error", (response) => this.failed(response?.retry_after_ms))
      .receive("timeout", () => this.joinTimedOut())
    this.onClose(() => this.closed())
    this.onError((reason) => this.crashed(reason))
    this.on("phx_reply", (payload, ref) => this.trigger(this.replyEventName(ref), payload))
  }

  /**
   * Joins the topic, in place of any other channel of the socket that has it. Call it once; throws the second time.
   * The timeout, in milliseconds, becomes that of the channel.
   */
  join(options: number | PushOptions = {}): Push<C["joined"]> {
    if (this.joinedOnce) {
      throw new Error(`channel "${this.topic}" was already joined: it rejoins by itself, and after leave() a new one is made with socket.channel()`)
    }
    const { timeout = this.timeout, signal } = typeof options === "number" ? { timeout: options } : options
    this.timeout = timeout
    this.joinedOnce = true
    if (!signal?.aborted) this.rejoin()
    const ignoreSignal = onAbort(signal, (reason) => {
      this.joinPush.abort(reason)
      this.leave()
    })
    this.joinPush.receive("ok", ignoreSignal)
    this.onClose(ignoreSignal)
    return this.joinPush
  }

  /**
   * Sends an event. Waits for the join if need be, for at most the timeout in milliseconds; what is on its way when the
   * connection is lost ends in "timeout" and is not sent again. Throws before `join`, and if the payload cannot be encoded.
   */
  push<E extends EventName<C["in"]>>(event: E, ...payload: PushArguments<C["in"][E]["payload"]>): PushOf<C["in"][E]["reply"]>
  push(event: string, payload: unknown = {}, options: number | PushOptions = {}): any {
    if (!this.joinedOnce) {
      throw new Error(`tried to push "${event}" to "${this.topic}" before joining: call join() first`)
    }
    const { timeout = this.timeout, signal } = typeof options === "number" ? { timeout: options } : options
    const push = new Push(this, event, () => payload ?? {}, timeout)
    if (!signal?.aborted) this.sendOrKeep(push)
    push.heed(signal)
    return push
  }

  /**
   * Leaves the topic: the channel is closed and gets no more events when this returns. The server is told but not
   * waited for, so that "ok" comes at once.
   */
  leave(timeout: number = this.timeout): Push {
    this.rejoinTimer.reset()
    this.joinPush.cancelTimeout()
    this.state = "leaving"
    const push = new Push(this, "phx_leave", () => ({}), timeout)
    push.receive("ok", () => this.trigger("phx_close", "leave"))
    // Without a join there is nothing to leave, and a leave without a join_ref would end another channel's join.
    if (this.joinRef() !== null) push.send()
    else push.startTimeout()
    push.trigger("ok", {})
    return push
  }

  /** Calls back for each event of this name. Returns what `off` needs to remove this callback alone. */
  on<Type = never, E extends EventName<C["out"]> = EventName<C["out"]>>(event: E, callback: EventCallback<Named<Type, C["out"][E]>>): number
  on(event: string, callback: EventCallback<any>): number {
    const ref = this.bindingRef++
    this.bindings.set(event, [...(this.bindings.get(event) ?? []), { ref, callback }])
    return ref
  }

  /** Removes one callback of an event, or all of them. */
  off(event: string, ref?: number): void {
    const kept = ref === undefined ? [] : (this.bindings.get(event) ?? []).filter((binding) => binding.ref !== ref)
    if (kept.length > 0) this.bindings.set(event, kept)
    else this.bindings.delete(event)
  }

  /** Calls back when the channel is closed for good: by `leave`, or by the server in good order. */
  onClose(callback: (payload: any, ref: any, joinRef: any) => void): number {
    return this.on("phx_close", callback)
  }

  /**
   * Calls back when the conversation is interrupted; the channel rejoins by itself. The reason is what the server
   * sent, or `{source: "transport", reason}` with "connection_closed", "connection_error" or "heartbeat_timeout".
   */
  onError(callback: (reason: any) => void): number {
    return this.on("phx_error", (reason) => callback(reason))
  }

  /**
   * To be overridden: sees every event before the callbacks do, and returns the payload they get. Runs for the
   * protocol's own events too, among them replies.
   */
  onMessage(_event: string, payload: any, _ref?: any, _joinRef?: any): any {
    return payload
  }

  /** The ref of the current join, or null between joins. */
  joinRef(): string | null {
    return this.joinPush.ref
  }

  /** @internal A message of the server, for whatever channel. */
  receive(message: Message): void {
    const { topic, event, payload, ref, join_ref } = message
    if (!this.isMember(topic, event, payload, join_ref)) return
    for (const extension of this.extensions.values()) if (extension.takes?.(message)) return
    this.trigger(event, payload, ref, join_ref)
  }

  /** @internal Whether a message is for this channel in its current join. */
  isMember(topic: string, event: string, payload: unknown, joinRef: string | null): boolean {
    if (this.topic !== topic) return false
    if (!joinRef || joinRef === this.joinRef()) return true
    this.socket.log("channel", "dropping outdated message", { topic, event, payload, joinRef })
    return false
  }

  /** @internal Dispatches an event to its callbacks. */
  trigger(event: string, payload: unknown, ref: string | null = null, joinRef: string | null = null): void {
    const handled = this.onMessage(event, payload, ref, joinRef)
    if (payload && !handled) {
      throw new Error("channel onMessage callbacks must return the payload, modified or unmodified")
    }
    for (const { callback } of this.bindings.get(event) ?? []) {
      callback(handled, ref, joinRef ?? this.joinRef())
    }
  }

  /** @internal Takes a push from those that wait for the join. */
  drop(push: Push): void {
    this.pushBuffer = this.pushBuffer.filter((waiting) => waiting !== push)
  }

  /** @internal */
  replyEventName(ref: string | null): string {
    return `chan_reply_${ref}`
  }

  /** @internal */
  canPush(): boolean {
    return this.socket.isConnected() && this.isJoined()
  }

  isClosed(): boolean {
    return this.state === "closed"
  }

  isErrored(): boolean {
    return this.state === "errored"
  }

  isJoined(): boolean {
    return this.state === "joined"
  }

  isJoining(): boolean {
    return this.state === "joining"
  }

  isLeaving(): boolean {
    return this.state === "leaving"
  }

  private sendOrKeep(push: Push): void {
    if (this.canPush()) {
      push.send()
      return
    }
    push.startTimeout()
    push.receive("timeout", () => this.drop(push))
    this.pushBuffer = [...this.pushBuffer, push]
  }

  private joinParams(): object {
    let params = this.params()
    for (const extension of this.extensions.values()) params = extension.ask(params)
    return params
  }

  private rejoin(): void {
    if (this.isLeaving()) return
    this.socket.leaveOpenTopic(this.topic)
    this.state = "joining"
    this.joinPush.resend(this.timeout)
  }

  private rejoinWhenWelcome(): void {
    const waitMs = this.notBefore - Date.now()
    if (waitMs > 0) this.rejoinTimer.scheduleTimeout(waitMs)
    else this.rejoin()
  }

  private joined(): void {
    this.state = "joined"
    this.rejoinTimer.reset()
    const waiting = this.pushBuffer
    this.pushBuffer = []
    for (const push of waiting) {
      try {
        push.send()
      } catch (error) {
        // Its caller is long gone: the push itself reports the failure, and the others still go.
        push.trigger("error", { reason: error instanceof Error ? error.message : String(error) })
      }
    }
  }

  private failed(toldMs?: unknown): void {
    this.state = "errored"
    this.notBefore = Math.max(this.notBefore, Date.now() + this.socket.stayAway(toldMs))
    if (this.socket.isConnected()) this.rejoinTimer.scheduleTimeout(this.notBefore - Date.now())
  }

  private joinTimedOut(): void {
    const join_ref = this.joinRef()
    this.socket.log("channel", `timeout ${this.topic} (${join_ref})`, this.joinPush.timeout)
    if (this.socket.isConnected()) {
      // The join may yet succeed on the server, after this client gave up on it.
      this.socket.push({ join_ref, ref: this.socket.makeRef(), topic: this.topic, event: "phx_leave", payload: {} })
    }
    this.joinPush.reset()
    this.failed()
  }

  private crashed(reason: unknown): void {
    this.socket.log("channel", `error ${this.topic}`, reason)
    if (this.isLeaving() || this.isClosed()) return
    if (this.isJoining()) this.joinPush.reset()
    this.failed()
  }

  private closed(): void {
    this.socket.log("channel", `close ${this.topic} ${this.joinRef()}`)
    this.rejoinTimer.reset()
    this.state = "closed"
    this.socket.remove(this)
  }
}
