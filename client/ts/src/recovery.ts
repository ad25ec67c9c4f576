import type { Channel } from "./channel.js"
import type { Contract, Named, Untyped } from "./contract.js"
import { extend, withMember } from "./extension.js"
import { onPageHide } from "./page.js"
import type { SessionStorage } from "./platform.js"
import type { Message } from "./serializer.js"
import { StoredPosition } from "./stored-position.js"

// The name of what is about history: the member of join params and replies, and the event (spec/protocol.md §20).
const HISTORY = "_history"

/** How a Recovery is made. All of it is optional. */
export interface RecoveryOptions {
  /** Where the position outlives the page, such as `sessionStorage`. It may throw, and hold anything. */
  storage?: SessionStorage
  /** Whose positions they are, such as a user's id, if the storage may outlive a user's session. */
  scope?: string
}

/**
 * Lets a channel lose no event of a topic that keeps a history: after an interruption the server sends what the channel
 * missed, in order and each event once, before what is live. Where that is more than the server kept, `onGap` tells. On
 * a topic without a history it does nothing.
 */
export class Recovery<C extends Contract = Untyped> {
  readonly channel: Channel<C>
  /**
   * Where the channel stands in the topic's history: behind the event whose callbacks run, or ran last; behind bytes that
   * a `decode` of the socket's own decodes, only after their callbacks. Undefined before the first join, unless it was
   * stored, and where there is no history. It means something to the server alone. An application that keeps it beside
   * what it made of the events may set it before the join.
   */
  position: string | undefined
  private readonly stored: StoredPosition | undefined
  private recoveredCallback: (count: number) => void = () => {}
  private gapCallback: (response: any) => void = () => {}

  /** Create it before the channel joins; throws after that, and if the channel has one. */
  constructor(channel: Channel<C>, opts: RecoveryOptions = {}) {
    extend(channel, "Recovery", HISTORY, this)
    this.channel = channel
    if (opts.storage) this.stored = this.openStorage(opts.storage, opts.scope ?? "")
    this.position = this.stored?.read()
  }

  /**
   * Sets what is called when all that was missed has been told and what follows is live, with the number of events that
   * were told since the rejoin. Not called after a gap, nor after the first join unless its position was known.
   */
  onRecovered(callback: (count: number) => void): void {
    this.recoveredCallback = callback
  }

  /**
   * Sets what is called when events were lost: the server no longer has all of them. It gets the reply of the join, with
   * whatever snapshot the application's server put there, before the "ok" callbacks of the join do; or undefined if it was
   * this connection that could not carry an event, as long polling cannot carry bytes.
   */
  onGap<Type = never>(callback: (response: Named<Type, C["joined"]> | undefined) => void): void {
    this.gapCallback = callback
  }

  /** @internal */
  ask(params: object): object {
    return withMember(this.channel, params, HISTORY, { after: this.position, binary: this.channel.socket.decodesPositions })
  }

  /** @internal */
  takes(message: Message): boolean {
    const { ref, event, payload } = message
    if (!isPosition(ref)) return false
    // What comes before the reply of a join belongs to the one before, and will come again.
    if (!this.channel.isJoined()) return true
    this.moveTo(ref)
    if (event !== HISTORY) return false
    const { recovered, skipped } = payload as { recovered?: number; skipped?: number }
    if (recovered !== undefined) this.recoveredCallback(recovered)
    if (skipped) this.gapCallback(undefined)
    return true
  }

  /** @internal */
  joined(told: { position: string; recovered?: boolean } | undefined, response: any): void {
    const gap = told ? told.recovered === false : this.position !== undefined
    this.moveTo(told?.position)
    if (gap) this.gapCallback(response)
  }

  private moveTo(position: string | undefined): void {
    this.position = position
    if (position === undefined) this.stored?.forget()
    else this.stored?.save(position)
  }

  private openStorage(storage: SessionStorage, scope: string): StoredPosition {
    const { channel } = this
    const stored = new StoredPosition(storage, `roost:${channel.socket.endPoint}:${scope}`, channel.topic)
    const unwatch = onPageHide(() => stored.flush())
    channel.onClose(() => {
      unwatch()
      stored.forget()
    })
    return stored
  }
}

/** Whether the ref of a message is a position: all others are numbers, or missing. */
function isPosition(ref: string | null): ref is string {
  return Number.isNaN(Number(ref ?? 0))
}
