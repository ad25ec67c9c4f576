import { tokenToProtocols } from "./auth-token.js"
import { Channel, type ChannelArguments } from "./channel.js"
import { Connection } from "./connection.js"
import type { Contract, Untyped } from "./contract.js"
import { Heartbeat } from "./heartbeat.js"
import { isOffline, isPageHidden, watchPage } from "./page.js"
import { appendParams, closure, isPromise, within, type Eventually, type Params } from "./params.js"
import type { ConnectionState } from "./phoenix-types.js"
import { hostLocation, hostWebSocket } from "./platform.js"
import { defaultReconnectAfterMs, defaultRejoinAfterMs, fullJitter, stayAway, toldByReason, type Schedule } from "./retry.js"
import { Serializer, withUint8Array, type Decode, type Encode, type Message, type OutgoingMessage } from "./serializer.js"
import type { CloseCallback, ErrorCallback, Logger, Registered, SocketEvents, SocketOptions } from "./socket-options.js"
import { Timer } from "./timer.js"
import { ReadyState, type CloseInfo, type Transport, type TransportConstructor } from "./transport.js"

/** What a connection is opened with: params and auth token. */
export type Credentials = readonly [Params, string | undefined]

interface Buffered {
  message: OutgoingMessage
  stillWanted: () => boolean
}

const CLOSE_NORMAL = 1000

// How long an answer may take when there is reason to doubt that the connection lives.
const PROBE_MS = 3000

// How often to try at most while the browser says that there is no network: it may be wrong.
const OFFLINE_MS = 5000

/**
 * A connection to a server that is kept up, and the channels on it. It starts with `connect`. This is the whole of it but
 * for long polling, which the Socket of the main entry adds.
 */
export class Socket {
  /** The URL without its query. */
  readonly endPoint: string
  readonly timeout: number
  readonly vsn: string
  readonly heartbeatIntervalMs: number
  readonly longpollerTimeout: number
  readonly reconnectAfterMs: Schedule
  readonly rejoinAfterMs: Schedule
  readonly binaryType: string
  /** The transport of this and the coming connections. */
  transport: TransportConstructor
  params: () => Eventually<Params>
  authToken: (() => Eventually<string>) | undefined
  logger: Logger | null
  /** The channels that were made and not closed yet. */
  channels: Channel<any>[] = []
  /** How often a connection was open. */
  establishedConnections = 0
  /** @internal When channels rejoin. */
  readonly rejoinSchedule: Schedule
  private readonly customEncode: Encode | undefined
  private readonly customDecode: Decode | undefined
  private readonly uint8Arrays: boolean
  private readonly jitter: boolean
  protected readonly heartbeat: Heartbeat
  private readonly reconnectTimer: Timer
  protected connection: Connection | null = null
  // What was pushed while there was no connection: at most a join of each channel, and what the application pushes
  // on the socket itself.
  private sendBuffer: Buffered[] = []
  private ref = 0
  // Whether to stay away: true before the first connect, after a disconnect, and if the server said so.
  private closeWasClean = true
  // Counts connects and disconnects, so that what was started before one of them can tell.
  private connectClock = 0
  // The clock's time when promises of params and authToken were last asked for: they are under way if it still is.
  private askedAt = -1
  // Until when the server told us to stay away.
  private notBefore = 0
  private callbacks: Registered[] = []

  /**
   * Takes the URL under which the server has its socket, for example "wss://example.com/socket". On a page,
   * "//example.com/socket" and "/socket" will do.
   */
  constructor(endPoint: string, opts: SocketOptions = {}) {
    this.endPoint = `${endPoint}/websocket`
    this.transport = opts.transport ?? hostWebSocket() ?? missingTransport()
    this.timeout = opts.timeout ?? 10000
    this.vsn = opts.vsn ?? "2.0.0"
    this.heartbeatIntervalMs = opts.heartbeatIntervalMs ?? 30000
    this.longpollerTimeout = opts.longpollerTimeout ?? 20000
    this.reconnectAfterMs = opts.reconnectAfterMs ?? defaultReconnectAfterMs
    this.rejoinAfterMs = opts.rejoinAfterMs ?? defaultRejoinAfterMs
    this.binaryType = opts.binaryType ?? "arraybuffer"
    this.params = closure<Eventually<Params>>(opts.params ?? {})
    this.authToken = opts.authToken === undefined ? undefined : closure<Eventually<string>>(opts.authToken)
    this.logger = opts.logger ?? (opts.debug ? (kind, message, data) => console.log(`${kind}: ${message}`, data) : null)
    this.customEncode = opts.encode
    this.customDecode = opts.decode
    this.uint8Arrays = opts.uint8Arrays ?? false
    this.jitter = opts.jitter ?? true
    const spread = (own: Schedule | undefined, schedule: Schedule) => (own || !this.jitter ? schedule : fullJitter(schedule))
    this.rejoinSchedule = spread(opts.rejoinAfterMs, this.rejoinAfterMs)
    this.heartbeat = new Heartbeat(this.heartbeatIntervalMs, () => this.sendHeartbeat(), () => this.heartbeatTimedOut())
    this.reconnectTimer = new Timer(() => this.reconnectUnlessHidden(), spread(opts.reconnectAfterMs, this.reconnectAfterMs))
    this.followPage()
  }

  /**
   * Connects, and from then on reconnects whenever the connection is lost, until `disconnect` or until the server
   * closes with code 1000. Does nothing while there is a connection or one under way. Throws what `params`, `authToken`
   * and the transport's constructor throw. If they return promises it connects once those resolve; if one rejects, that
   * is an error like that of a transport. To give params here is deprecated: give them to the constructor.
   */
  connect(params?: Params | (() => Eventually<Params>)): void {
    if (params) this.params = closure<Eventually<Params>>(params)
    if (this.isUnderWay()) return
    const answers = [this.params(), this.authToken?.()] as const
    if (answers.some(isPromise)) void this.connectLater(Promise.all(answers))
    else this.begin(answers as Credentials)
  }

  /** Closes the connection and stays away; the callback is called when it is closed, after at most 3 seconds. */
  disconnect(callback?: () => void, code?: number, reason?: string): void {
    this.abandon()
    if (this.connection) this.connection.ending = true
    this.teardown(callback, { code, reason })
  }

  /** Disconnects, and uses another transport for the connections to come. */
  replaceTransport(newTransport: TransportConstructor): void {
    this.abandon()
    const previous = this.transport
    this.transport = newTransport
    const connection = this.connection
    if (connection) {
      connection.detach()
      this.teardown(undefined, { drain: false })
      this.connection = null
      if (connection.opened) this.reportLoss(connection, "connection_closed")
    }
    if (previous !== newTransport) this.call("transport", newTransport)
  }

  /** Makes a channel for a topic, typed by its contract if there is one; it does nothing until it is joined. */
  channel<C extends Contract = Untyped>(topic: string, ...[params]: ChannelArguments<C["params"]>): Channel<C> {
    const channel = new Channel<C>(topic, params, this)
    this.channels.push(channel)
    return channel
  }

  /**
   * Sends a message, or keeps it until the socket is open. One that was kept is dropped if it is then no longer wanted,
   * as the join of a channel that has rejoined or left since.
   */
  push(message: OutgoingMessage, stillWanted: () => boolean = () => true): void {
    const { topic, event, payload, ref, join_ref } = message
    this.log("push", `${topic} ${event} (${join_ref}, ${ref})`, payload)
    if (this.isConnected()) {
      this.send(message)
      return
    }
    this.sendBuffer = this.sendBuffer.filter((buffered) => buffered.stillWanted())
    this.sendBuffer.push({ message, stillWanted })
  }

  /** Measures the round trip to the server in milliseconds; false if the socket is not open. */
  ping(callback: (rtt: number) => void): boolean {
    if (!this.connection?.isOpen()) return false
    const ref = this.makeRef()
    const startTime = Date.now()
    this.connection.pings.set(ref, () => callback(Date.now() - startTime))
    this.push(heartbeatMessage(ref))
    return true
  }

  /** Calls back whenever the connection opens. Returns what `off` takes; so do the others. */
  onOpen(callback: () => void): string {
    return this.addCallback("open", callback)
  }

  /** Calls back whenever a connection is closed, by anyone. */
  onClose(callback: CloseCallback): string {
    return this.addCallback("close", callback)
  }

  /** Calls back on each error of the transport. */
  onError(callback: ErrorCallback): string {
    return this.addCallback("error", callback)
  }

  /** Calls back for each message, after its channel got it. */
  onMessage(callback: (message: Message) => void): string {
    return this.addCallback("message", callback)
  }

  /**
   * Calls back whenever another try to connect has been scheduled: in how many milliseconds, and which it is since the
   * last connection, from 1.
   */
  onReconnect(callback: (delayMs: number, tries: number) => void): string {
    return this.addCallback("reconnect", callback)
  }

  /** Calls back when the transport in use has changed: by the fallback to LongPoll, back from there, or by `replaceTransport`. */
  onTransport(callback: (transport: TransportConstructor) => void): string {
    return this.addCallback("transport", callback)
  }

  /** Removes callbacks by what onOpen, onClose, onError, onMessage, onReconnect and onTransport returned. */
  off(refs: string[]): void {
    this.callbacks = this.callbacks.filter(({ ref }) => !refs.includes(ref))
  }

  connectionState(): ConnectionState {
    switch (this.conn?.readyState) {
      case ReadyState.connecting:
        return "connecting"
      case ReadyState.open:
        return "open"
      case ReadyState.closing:
        return "closing"
      default:
        return "closed"
    }
  }

  isConnected(): boolean {
    return this.connectionState() === "open"
  }

  /** The transport of the current connection. */
  get conn(): Transport | null {
    return this.connection?.transport ?? null
  }

  /** "wss" on a secure page, "ws" on any other. */
  protocol(): "wss" | "ws" {
    return pageLocation(this.endPoint).protocol === "https:" ? "wss" : "ws"
  }

  /** The full URL of the next connection; without params that come by a promise, unless they are given. */
  endPointURL(params: Eventually<Params> = this.params()): string {
    const url = appendParams(appendParams(this.endPoint, isPromise(params) ? {} : params), { vsn: this.vsn })
    if (!url.startsWith("/")) return url
    if (url.startsWith("//")) return `${this.protocol()}:${url}`
    return `${this.protocol()}://${pageLocation(this.endPoint).host}${url}`
  }

  /** The next message ref. */
  makeRef(): string {
    this.ref = this.ref === Number.MAX_SAFE_INTEGER ? 0 : this.ref + 1
    return this.ref.toString()
  }

  /** Passes it to the logger, if there is one. */
  log(kind: string, message: string, data?: unknown): void {
    this.logger?.(kind, message, data)
  }

  hasLogger(): boolean {
    return this.logger !== null
  }

  /** Opens the first connection of an attempt. */
  protected begin(credentials: Credentials): void {
    this.openTransport(credentials)
  }

  /** @internal Opens the transport, whatever the connection was before. */
  openTransport([params, token]: Credentials): void {
    const protocols = token === undefined ? undefined : tokenToProtocols(token)
    const transport = new this.transport(this.endPointURL(params), protocols)
    transport.binaryType = this.binaryType
    transport.timeout = this.longpollerTimeout
    const previous = this.connection
    previous?.detach()
    this.connectClock++
    this.closeWasClean = false
    this.reconnectTimer.cancel()
    const connection: Connection = new Connection(transport, {
      open: () => this.onConnOpen(),
      close: (event) => this.onConnClose(connection, event),
      error: (error) => this.onConnError(connection, error),
      message: (data) => this.onConnMessage(connection, data),
    })
    this.connection = connection
    if (previous?.opened) this.reportLoss(previous, "connection_closed")
  }

  /** @internal Connects anew unless the application connects or disconnects meanwhile. */
  reconnect(): void {
    const clock = this.connectClock
    this.teardown(() => {
      if (clock !== this.connectClock) return
      try {
        this.connect()
      } catch (error) {
        // No caller could catch what params or authToken throw here.
        this.cannotConnect(error)
      }
    })
  }

  /** Connects when the promises have resolved, unless the application connects or disconnects meanwhile. */
  private async connectLater(promises: Promise<Credentials>): Promise<void> {
    const clock = ++this.connectClock
    this.askedAt = clock
    this.closeWasClean = false
    this.reconnectTimer.cancel()
    try {
      const credentials = await within(promises, this.timeout, "params and authToken")
      if (clock === this.connectClock) this.begin(credentials)
    } catch (error) {
      if (clock !== this.connectClock) return
      this.askedAt = -1
      this.cannotConnect(error)
    }
  }

  private cannotConnect(error: unknown): void {
    this.log("transport", "cannot connect", error)
    const clock = this.connectClock
    this.callErrorCallbacks(error)
    // Unless a callback has connected or disconnected.
    if (clock === this.connectClock) this.scheduleReconnect()
  }

  private isUnderWay(): boolean {
    return this.askedAt === this.connectClock || (this.connection !== null && !this.connection.ending)
  }

  /** @internal How long to wait if the server told so many milliseconds, if any. */
  stayAway(toldMs: unknown): number {
    return stayAway(toldMs, this.jitter)
  }

  /** Forgets a channel. Those that are closed are forgotten by themselves. */
  remove(channel: Channel<any>): void {
    this.off(channel.stateChangeRefs)
    this.channels = this.channels.filter((other) => other !== channel)
  }

  /** @internal Leaves the channel that has this topic. */
  leaveOpenTopic(topic: string): void {
    const holder = this.channels.find((channel) => channel.topic === topic && (channel.isJoined() || channel.isJoining()))
    if (!holder) return
    this.log("transport", `leaving duplicate topic "${topic}"`)
    holder.leave()
  }

  private onConnOpen(): void {
    this.log("transport", `connected to ${this.endPoint}`)
    this.establishedConnections++
    this.flushSendBuffer()
    this.reconnectTimer.reset()
    this.heartbeat.start(!this.conn?.skipHeartbeat)
    this.call("open")
  }

  private onConnClose(connection: Connection, event: CloseInfo): void {
    this.log("transport", "close", event)
    this.heartbeat.stop()
    this.notBefore = Date.now() + this.stayAway(event.retryAfterMs ?? toldByReason(event.reason))
    // Whoever closes a connection on our side also decides what comes next.
    if (!connection.closing && event.code === CLOSE_NORMAL) {
      this.abandon()
      this.connection = null
    }
    this.reportLoss(connection, "connection_closed")
    if (this.connection === connection && !connection.closing) this.scheduleReconnect()
    this.call("close", event)
  }

  private onConnError(connection: Connection, error: unknown): void {
    this.log("transport", "error", error)
    const transport = this.transport
    const established = this.establishedConnections
    this.callErrorCallbacks(error)
    // Before the first connection, joins just wait for the transport that replaced this one.
    if (transport === this.transport || established > 0) this.reportLoss(connection, "connection_error")
  }

  private callErrorCallbacks(error: unknown): void {
    this.call("error", error, this.transport, this.establishedConnections)
  }

  private onConnMessage(connection: Connection, data: string | ArrayBuffer): void {
    let decoded = false
    const decode = (!connection.transport.plain && this.customDecode) || Serializer.decode
    try {
      decode(data, (message: Message) => {
        decoded = true
        if (this.connection === connection && connection.isOpen()) this.dispatch(connection, this.uint8Arrays ? withUint8Array(message) : message)
      })
    } catch (error) {
      // What a callback of the application throws is the application's; a frame that makes no sense is dropped.
      if (decoded) throw error
      this.log("transport", "dropping malformed message", error)
    }
  }

  private dispatch(connection: Connection, message: Message): void {
    const { topic, event, payload, ref, join_ref } = message
    this.heartbeat.acknowledge(ref)
    this.log("receive", `${topic} ${event} (${join_ref}, ${ref})`, payload)
    for (const channel of [...this.channels]) channel.receive(message)
    this.call("message", message)
    if (ref === null) return
    const pong = connection.pings.get(ref)
    connection.pings.delete(ref)
    pong?.()
  }

  /** @internal Whether binary frames with positions are decoded: a `decode` of the application's own may not know them. */
  get decodesPositions(): boolean {
    return this.customDecode === undefined
  }

  /** @internal Whether bytes can be marked: an `encode` of the application's own may not know how. */
  get marksBytes(): boolean {
    return this.customEncode === undefined
  }

  private send(message: OutgoingMessage): void {
    const connection = this.connection
    const encode = (!connection?.transport.plain && this.customEncode) || Serializer.encode
    encode(message, (frame: string | ArrayBuffer) => {
      if (connection === this.connection && connection?.isOpen()) connection.transport.send(frame)
    })
  }

  private flushSendBuffer(): void {
    const buffered = this.sendBuffer
    this.sendBuffer = []
    for (const { message, stillWanted } of buffered) {
      if (!stillWanted()) continue
      try {
        this.send(message)
      } catch (error) {
        // Its caller is long gone, and the others still go.
        this.log("transport", `dropping a message to ${message.topic} that cannot be encoded`, error)
      }
    }
  }

  private sendHeartbeat(): string {
    const ref = this.makeRef()
    this.push(heartbeatMessage(ref))
    return ref
  }

  private heartbeatTimedOut(): void {
    this.log("transport", "heartbeat timeout. Attempting to re-establish connection")
    const clock = this.connectClock
    const again = () => {
      if (clock === this.connectClock) this.scheduleReconnect()
    }
    this.teardown(again, { code: CLOSE_NORMAL, reason: "heartbeat timeout", drain: false, loss: "heartbeat_timeout" })
  }

  private scheduleReconnect(): void {
    const atLeastMs = Math.max(this.notBefore - Date.now(), isOffline() ? OFFLINE_MS : 0)
    this.call("reconnect", ...this.reconnectTimer.scheduleTimeout(atLeastMs))
  }

  private reconnectUnlessHidden(): void {
    if (isPageHidden()) {
      this.log("transport", "not reconnecting while the page is hidden")
      this.teardown()
    } else {
      this.reconnect()
    }
  }

  /** Ends whatever would connect by itself. */
  protected abandon(): void {
    this.connectClock++
    this.closeWasClean = true
    this.reconnectTimer.reset()
  }

  private teardown(callback?: () => void, options: TeardownOptions = {}): void {
    const connection = this.connection
    if (!connection) {
      callback?.()
      return
    }
    this.heartbeat.stop()
    const { code, reason, drain = true, loss = "connection_closed" } = options
    const closing = () => {
      if (connection.opened) this.reportLoss(connection, loss)
    }
    connection.close({ code, reason, drain, closing }, () => {
      if (this.connection === connection) {
        connection.detach()
        this.connection = null
      }
      callback?.()
    })
  }

  /** Tells the channels, once for each connection, that it is gone and they have to join again. */
  private reportLoss(connection: Connection, reason: string): void {
    if (connection.lossReported) return
    connection.lossReported = true
    // A callback may leave a channel whose turn is still to come, or join one that was not on this connection.
    const isHeld = (channel: Channel<any>) => channel.isJoined() || channel.isJoining()
    for (const channel of this.channels.filter(isHeld)) {
      if (isHeld(channel)) channel.trigger("phx_error", { source: "transport", reason })
    }
  }

  /** Calls those that were registered when it began. */
  protected call<K extends keyof SocketEvents>(kind: K, ...args: SocketEvents[K]): void {
    for (const registered of this.callbacks.filter((registered) => registered.kind === kind)) registered.callback(...args)
  }

  private addCallback<K extends keyof SocketEvents>(kind: K, callback: (...args: SocketEvents[K]) => void): string {
    const ref = this.makeRef()
    this.callbacks.push({ ref, kind, callback })
    return ref
  }

  private followPage(): void {
    let clockWhenHidden: number | undefined
    watchPage({
      hide: () => {
        if (!this.isUnderWay()) return
        this.disconnect()
        clockWhenHidden = this.connectClock
      },
      show: () => {
        if (clockWhenHidden === this.connectClock) this.connect()
      },
      wake: () => this.wake(),
      network: () => this.networkChanged(),
      offline: () => this.probe(),
    })
  }

  /** There may be a network again, or another one. */
  protected networkChanged(): void {
    if (this.isConnected() || !isPageHidden()) this.wake()
  }

  /** Finds out soon whether the connection still lives; tries at once if there is none. */
  private wake(): void {
    if (this.isConnected()) this.probe()
    else if (!this.closeWasClean && Date.now() >= this.notBefore && !this.connection?.isFresh(PROBE_MS)) {
      this.reconnectTimer.reset()
      this.reconnect()
    }
  }

  private probe(): void {
    if (this.isConnected()) this.heartbeat.probe(PROBE_MS)
  }
}

interface TeardownOptions {
  code?: number | undefined
  reason?: string | undefined
  drain?: boolean
  loss?: string
}

function heartbeatMessage(ref: string): Message {
  return { join_ref: null, ref, topic: "phoenix", event: "heartbeat", payload: {} }
}

function missingTransport(): never {
  throw new Error("this host has no WebSocket: give the option transport")
}

function pageLocation(endPoint: string): { protocol: string; host: string } {
  const location = hostLocation()
  if (!location) throw new Error(`endpoint "${endPoint}" is relative and there is no page it could be relative to: give a full URL such as "wss://example.com/socket"`)
  return location
}
