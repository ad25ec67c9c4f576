// A state is made after most of the diffs that come before it, if not after all.
const MAX_PENDING = 1000

/** One session of a user: what the application tracked, and the ref that names it. */
export type PresenceMeta<Meta = any> = Meta & { phx_ref: string; phx_ref_prev?: string }

/** All sessions under one key. What the server's fetch adds stands beside them. */
export interface PresenceEntry<Meta = any> {
  metas: PresenceMeta<Meta>[]
}

/** The entries by key. It has no prototype, since keys such as "__proto__" are legal. */
export type PresenceState<E extends PresenceEntry> = Record<string, E>

export interface PresenceDiff<E extends PresenceEntry> {
  joins: PresenceState<E>
  leaves: PresenceState<E>
}

/** `current` is the entry before the join: undefined if this is the key's first session. `joined` has the new metas only. */
export type OnJoin<E = any> = (key: string, current: E | undefined, joined: E) => void

/** `current` is the entry after the leave: no metas are left if this was the key's last session. `left` has the gone metas only. */
export type OnLeave<E = any> = (key: string, current: E, left: E) => void

/** `before` is the entry before the diff, and `current` the one after it. */
export type OnUpdate<E = any> = (key: string, before: E, current: E) => void

export interface PresenceOptions {
  /** The events that carry presence; by default "presence_state" and "presence_diff". */
  events?: { state: string; diff: string } | undefined
}

/** What a Presence needs of a Channel or a SharedChannel. */
export interface PresenceChannel<Meta = any> {
  readonly contract?: { meta: Meta }
  on(event: any, callback: (payload: any) => void): number
  joinRef(): string | null
}

/**
 * Who is present on a channel's topic, kept up to date from the server's state and diffs (spec/protocol.md §15). `Meta` is
 * what the application tracks of each session, by the channel's contract; where the server's fetch adds something, name
 * the whole entry: `new Presence<Meta, PresenceEntry<Meta> & { user: User }>(channel)`.
 * Entries are shared with the callbacks and replaced when they change: read them, and keep them if you like, but do
 * not write to them. A diff costs as much as it is large, however many users there are.
 */
export class Presence<Meta extends object = any, E extends PresenceEntry<Meta> = EntryOf<Meta>> {
  state: PresenceState<E> = emptyState()
  readonly channel: PresenceChannel
  /** The join of the channel that `state` belongs to. */
  joinRef: string | null = null
  // Those of the state, which take longer to get than the entries: most diffs bring and take none.
  private keys: string[] | undefined
  // Diffs that came before the state of their join: the last of them, for a server that sends none.
  private pending: { joinRef: string | null; diffs: PresenceDiff<E>[] } = { joinRef: null, diffs: [] }
  private joinCallback: OnJoin<E> = () => {}
  private leaveCallback: OnLeave<E> = () => {}
  private updateCallback: OnUpdate<E> = () => {}
  private syncCallback: () => void = () => {}

  /** Create it before the channel joins. */
  constructor(channel: PresenceChannel<Meta>, opts: PresenceOptions = {}) {
    const events = opts.events ?? { state: "presence_state", diff: "presence_diff" }
    this.channel = channel
    channel.on(events.state, (state) => this.receiveState(state))
    channel.on(events.diff, (diff) => this.receiveDiff(diff))
  }

  /** Sets what is called for each key that a session joins. */
  onJoin(callback: OnJoin<E>): void {
    this.joinCallback = callback
  }

  /** Sets what is called for each key that a session leaves. An update of a session is a join, then a leave. */
  onLeave(callback: OnLeave<E>): void {
    this.leaveCallback = callback
  }

  /**
   * Sets what is called for each key of which sessions were replaced at once, as by an update of what is tracked: after the
   * join and the leave of it.
   */
  onUpdate(callback: OnUpdate<E>): void {
    this.updateCallback = callback
  }

  /** Sets what is called after each change of the state. */
  onSync(callback: () => void): void {
    this.syncCallback = callback
  }

  /** The entries, or what the chooser makes of each. `list<Viewer>()` says for once what they are. */
  list<T>(chooser: (key: string, entry: E) => T): T[]
  list<T = E>(chooser?: (key: string, entry: E) => T): NoInfer<T>[]
  list(chooser?: (key: string, entry: E) => unknown): unknown[] {
    const { state } = this
    this.keys ??= Object.keys(state)
    return this.keys.map((key) => (chooser ? chooser(key, state[key]!) : state[key]))
  }

  /** True from a join of the channel until the server has sent the state. */
  inPendingSyncState(): boolean {
    return this.joinRef === null || this.joinRef !== this.channel.joinRef()
  }

  private receiveState(state: PresenceState<E>): void {
    this.joinRef = this.channel.joinRef()
    this.state = Presence.syncState(this.state, state, this.joinCallback, this.leaveCallback, this.updateCallback)
    this.keys = undefined
    const { joinRef, diffs } = this.pending
    this.pending = { joinRef: null, diffs: [] }
    // Diffs of a former join are older than this state: they could bring back users who have left since.
    if (joinRef === this.joinRef) {
      for (const diff of diffs) this.apply(diff)
    }
    this.syncCallback()
  }

  private receiveDiff(diff: PresenceDiff<E>): void {
    if (!this.inPendingSyncState()) {
      this.apply(diff)
      this.syncCallback()
      return
    }
    const joinRef = this.channel.joinRef()
    if (this.pending.joinRef !== joinRef) this.pending = { joinRef, diffs: [] }
    const { diffs } = this.pending
    diffs.push(diff)
    if (diffs.length > MAX_PENDING) diffs.shift()
  }

  private apply(diff: PresenceDiff<E>): void {
    const isAbsent = (key: string) => !this.state[key]
    const comes = Object.keys(diff.joins).some(isAbsent)
    this.state = Presence.syncDiff(this.state, diff, this.joinCallback, this.leaveCallback, this.updateCallback)
    if (comes || Object.keys(diff.leaves).some(isAbsent)) this.keys = undefined
  }

  /** Returns the state that the server sent, after calling back for what differs from the current one, which it leaves alone. */
  static syncState<E extends PresenceEntry = any>(
    currentState: PresenceState<E>,
    newState: PresenceState<E>,
    onJoin?: OnJoin<E>,
    onLeave?: OnLeave<E>,
    onUpdate?: OnUpdate<E>,
  ): PresenceState<E>
  static syncState(currentState: object, newState: object, onJoin?: OnJoin, onLeave?: OnLeave, onUpdate?: OnUpdate): any
  static syncState<E extends PresenceEntry>(
    currentState: PresenceState<E>,
    newState: PresenceState<E>,
    onJoin?: OnJoin<E>,
    onLeave?: OnLeave<E>,
    onUpdate?: OnUpdate<E>,
  ): PresenceState<E> {
    const state = Object.assign(emptyState<E>(), currentState)
    const joins = emptyState<E>()
    const leaves = emptyState<E>()
    for (const [key, entry] of Object.entries(newState)) {
      const joined = without(entry.metas, state[key]?.metas ?? [])
      if (!state[key]) joins[key] = entry
      else if (joined.length > 0) joins[key] = { ...entry, metas: joined }
    }
    for (const [key, entry] of Object.entries(state)) {
      const stays = Object.hasOwn(newState, key) ? newState[key]!.metas : []
      const left = without(entry.metas, stays)
      if (left.length > 0) leaves[key] = { ...entry, metas: left }
    }
    return Presence.syncDiff(state, { joins, leaves }, onJoin, onLeave, onUpdate)
  }

  /** Applies a diff to the state, joins first, and returns it; a state with a prototype is copied first. */
  static syncDiff<E extends PresenceEntry = any>(
    state: PresenceState<E>,
    diff: PresenceDiff<E>,
    onJoin?: OnJoin<E>,
    onLeave?: OnLeave<E>,
    onUpdate?: OnUpdate<E>,
  ): PresenceState<E>
  static syncDiff(state: object, diff: { joins: object; leaves: object }, onJoin?: OnJoin, onLeave?: OnLeave, onUpdate?: OnUpdate): any
  static syncDiff<E extends PresenceEntry>(
    state: PresenceState<E>,
    diff: PresenceDiff<E>,
    onJoin: OnJoin<E> = () => {},
    onLeave: OnLeave<E> = () => {},
    onUpdate: OnUpdate<E> = () => {},
  ): PresenceState<E> {
    const next = Object.getPrototypeOf(state) === null ? state : Object.assign(emptyState<E>(), state)
    const replaced = new Map<string, E>()
    for (const [key, joined] of Object.entries(diff.joins)) {
      const current = next[key]
      if (current) replaced.set(key, current)
      next[key] = current ? { ...joined, metas: [...without(current.metas, joined.metas), ...joined.metas] } : joined
      onJoin(key, current, joined)
    }
    for (const [key, left] of Object.entries(diff.leaves)) {
      const before = next[key]
      if (!before) continue
      const current = { ...before, metas: without(before.metas, left.metas) }
      next[key] = current
      onLeave(key, current, left)
      if (current.metas.length === 0) delete next[key]
      else if (replaced.has(key)) onUpdate(key, replaced.get(key)!, current)
    }
    return next
  }

  /** The entries of a state, or what the chooser makes of each. */
  static list<E extends PresenceEntry = any>(presences: PresenceState<E>): E[]
  static list<E extends PresenceEntry = any, T = E>(presences: PresenceState<E>, chooser: (key: string, entry: E) => T): T[]
  static list<T = any>(presences: object, chooser?: (key: string, entry: any) => T): T[]
  static list(presences: PresenceState<any>, chooser?: (key: string, entry: any) => unknown): unknown[] {
    // Keys take a third of the time of entries, and pages list at each sync.
    return Object.keys(presences).map((key) => (chooser ? chooser(key, presences[key]) : presences[key]))
  }
}

/** Without a contract, an entry may be anything. */
type EntryOf<Meta> = string extends keyof Meta ? any : PresenceEntry<Meta>

function emptyState<E extends PresenceEntry>(): PresenceState<E> {
  return Object.create(null) as PresenceState<E>
}

/** The metas whose refs are not among those of others. */
function without<M extends { phx_ref: string }>(metas: M[], others: { phx_ref: string }[]): M[] {
  const refs = new Set(others.map((meta) => meta.phx_ref))
  return metas.filter((meta) => !refs.has(meta.phx_ref))
}
