import type { Channel, ChannelState, EventCallback, JoinParams } from "./channel.js"
import type { Contract, EventName, Named, Untyped } from "./contract.js"
import { closure } from "./params.js"
import { Presence } from "./presence.js"
import { onAbort, Push, PushError, type PushArguments, type PushOf, type PushOptions, type Reply } from "./push.js"
import type { Socket } from "./socket.js"

/** The conversations of each socket that are shared, by topic. */
const conversations = new WeakMap<Socket, Map<string, Conversation<any>>>()

/** A holder's part in the conversation about a topic that several hold: see `Socket.share`. */
export function share<C extends Contract>(socket: Socket, topic: string, params: JoinParams<C["params"]> | undefined): SharedChannel<C> {
  let shared = conversations.get(socket)
  if (!shared) conversations.set(socket, (shared = new Map()))
  let conversation: Conversation<C> | undefined = shared.get(topic)
  if (conversation && params !== undefined && !conversation.hasParams(params)) {
    if (conversation.holders.size > 0) {
      throw new Error(`"${topic}" is shared with other params: leave them out to take part, or use socket.channel() for a conversation of its own`)
    }
    conversation.channel.leave()
    conversation = undefined
  }
  if (!conversation) {
    conversation = new Conversation<C>(socket.channel(topic, params as any), () => shared.delete(topic))
    shared.set(topic, conversation)
  }
  return new SharedChannel(conversation)
}

/** One channel, and all who hold a part in it. */
class Conversation<C extends Contract> {
  readonly channel: Channel<C>
  readonly holders = new Set<SharedChannel<C>>()
  // The server tells who is there after the join alone, and later holders want to know as well.
  private readonly presence: Presence
  private joined: Reply | undefined

  constructor(channel: Channel<C>, closed: () => void) {
    this.channel = channel
    this.presence = new Presence(channel)
    channel.onClose(closed)
    for (const status of ["ok", "error", "timeout"]) channel.joinPush.receive(status, (response) => this.joinEnded({ status, response }))
  }

  hasParams(params: JoinParams<C["params"]>): boolean {
    return JSON.stringify(closure<object>(params)()) === JSON.stringify(this.channel.params())
  }

  /** Tells a holder who comes later what the others were told. */
  catchUp(holder: SharedChannel<C>): void {
    if (!this.channel.isJoined()) return
    holder.joinEnded(this.joined!)
    // In a task of its own, since its Presence may be yet to be made.
    queueMicrotask(() => {
      if (!this.presence.inPendingSyncState()) holder.trigger("presence_state", this.presence.state)
    })
  }

  private joinEnded(reply: Reply): void {
    if (reply.status === "ok") this.joined = reply
    for (const holder of [...this.holders]) holder.joinEnded(reply)
  }

  /** Leaves the topic, unless somebody takes part again in the same turn, who then misses nothing. */
  leaveSoon(): void {
    setTimeout(() => {
      if (this.holders.size === 0 && !this.channel.isClosed()) this.channel.leave()
    }, 0)
  }
}

/**
 * One holder's part in a conversation that is shared, with callbacks of its own, which end when it leaves. It is used as a
 * Channel. The conversation begins with the first join, and ends when all holders have left.
 */
export class SharedChannel<C extends Contract = Untyped> {
  /** Known to the compiler alone. */
  declare readonly contract?: C
  /** The channel of all holders. Whoever makes an Outbox or a Recovery of it does so before the first of them joins. */
  readonly channel: Channel<C>
  readonly topic: string
  readonly joinPush: Push<C["joined"]>
  private joining = false
  private left = false
  private readonly conversation: Conversation<C>
  private bindings: { event: string; ref: number; callback: EventCallback<any> }[] = []

  /** @internal */
  constructor(conversation: Conversation<C>) {
    const { channel } = conversation
    this.conversation = conversation
    this.channel = channel
    this.topic = channel.topic
    this.joinPush = new Push(channel, "phx_join", () => ({}), channel.timeout)
    conversation.holders.add(this)
  }

  /** That of the channel, but "closed" before this holder's join, and after its leave. */
  get state(): ChannelState {
    return this.takesPart() ? this.channel.state : "closed"
  }

  /**
   * Joins the topic, or a conversation that has joined it: that ends at once, with the reply to the last join. Call it once;
   * throws the second time. The timeout is that of the first holder.
   */
  join(options: number | PushOptions = {}): Push<C["joined"]> {
    const { topic, channel, conversation, joinPush } = this
    if (this.joining || this.left) throw new Error(`"${topic}" was already joined, or left: take part again with socket.share()`)
    this.joining = true
    if (channel.joinedOnce) conversation.catchUp(this)
    else channel.join(typeof options === "number" ? options : { timeout: options.timeout })
    const ignoreSignal = onAbort(typeof options === "number" ? undefined : options.signal, (reason) => {
      joinPush.abort(reason)
      this.leave()
    })
    joinPush.receive("ok", ignoreSignal)
    this.onClose(ignoreSignal)
    return joinPush
  }

  /** Sends an event, as that of Channel does. It is answered even if this holder leaves meanwhile. */
  push<E extends EventName<C["in"]>>(event: E, ...payload: PushArguments<C["in"][E]["payload"]>): PushOf<C["in"][E]["reply"]>
  push(event: string, payload?: any, options?: number | PushOptions): any {
    if (!this.takesPart()) throw new Error(`tried to push "${event}" to "${this.topic}" before joining, or after leaving`)
    return (this.channel as Channel<any>).push(event, payload, options)
  }

  /** Ends this holder's callbacks at once. The topic is left when no other holder is there at the end of this turn. */
  leave(): Push {
    const { channel, conversation, joinPush } = this
    const push = new Push(channel, "phx_leave", () => ({}), channel.timeout)
    push.settle({ status: "ok", response: {} })
    if (this.left) return push
    const { bindings } = this
    const isNews = this.takesPart() && !channel.isClosed()
    this.left = true
    this.bindings = []
    for (const { event, ref } of bindings) channel.off(event, ref)
    joinPush.abort(new PushError(joinPush, { status: "closed", response: {} }))
    conversation.holders.delete(this)
    conversation.leaveSoon()
    if (isNews) for (const { event, callback } of bindings) if (event === "phx_close") callback("leave", null, this.joinRef())
    return push
  }

  /** As that of Channel. It is called from this holder's join to its leave. */
  on<Type = never, E extends EventName<C["out"]> = EventName<C["out"]>>(event: E, callback: EventCallback<Named<Type, C["out"][E]>>): number
  on(event: string, callback: EventCallback<any>): number {
    const ref = (this.channel as Channel<any>).on(event, (...args) => {
      if (this.takesPart()) callback(...args)
    })
    this.bindings = [...this.bindings, { event, ref, callback }]
    return ref
  }

  /** Removes one callback of this holder from an event, or all of them. */
  off(event: string, ref?: number): void {
    const isMeant = (binding: { event: string; ref: number }) => binding.event === event && (ref === undefined || binding.ref === ref)
    for (const binding of this.bindings.filter(isMeant)) this.channel.off(event, binding.ref)
    this.bindings = this.bindings.filter((binding) => !isMeant(binding))
  }

  /** Calls back when this holder leaves, or the channel is closed for good. */
  onClose(callback: EventCallback<unknown>): number {
    return this.on<unknown>("phx_close" as any, callback)
  }

  /** As that of Channel. */
  onError(callback: (reason: unknown) => void): number {
    return this.on<unknown>("phx_error" as any, (reason) => callback(reason))
  }

  /** The ref of the channel's current join, or null between joins. */
  joinRef(): string | null {
    return this.channel.joinRef()
  }

  /** @internal */
  joinEnded(reply: Reply): void {
    if (this.takesPart()) this.joinPush.settle(reply)
  }

  /** @internal Calls this holder's callbacks alone. */
  trigger(event: string, payload: unknown): void {
    for (const binding of this.bindings) {
      if (binding.event === event && this.takesPart()) binding.callback(payload, null, this.joinRef())
    }
  }

  private takesPart(): boolean {
    return this.joining && !this.left
  }
}
