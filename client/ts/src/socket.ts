import { tokenToProtocols } from "./auth-token.js"
import { Channel, type JoinParams } from "./channel.js"
import { Connection } from "./connection.js"
import { Fallback } from "./fallback.js"
import { Heartbeat } from "./heartbeat.js"
import { LongPoll } from "./longpoll.js"
import { isPageHidden, watchPage } from "./page.js"
import { appendParams, closure, type Params } from "./params.js"
import { hostLocation, hostWebSocket, type SessionStorage } from "./platform.js"
import { Serializer, type Decode, type Encode, type Message } from "./serializer.js"
import { Timer } from "./timer.js"
import { ReadyState, type CloseInfo, type Transport, type TransportConstructor } from "./transport.js"

/** Receives what a socket does, for debugging: data may hold payloads, but not the params or the auth token. */
export type Logger = (kind: string, message: string, data?: unknown) => void

/** Called on a transport error with the error, the transport then in use, and how many connections had been open before. */
export type ErrorCallback = (error: unknown, transport: TransportConstructor, establishedConnections: number) => void

/** How a Socket is made. All of it is optional; times are milliseconds. */
export interface SocketOptions {
  /** The transport; by default the host's WebSocket, or LongPoll where there is none. */
  transport?: TransportConstructor
  /** Go over to LongPoll if the transport does not open, or answer a ping, within this time; by default never. */
  longPollFallbackMs?: number
  /** Sent when connecting; a function is asked again at each reconnect. */
  params?: Params | (() => Params)
  /** A token for the server, sent outside of the URL; a function is asked again at each reconnect. */
  authToken?: string | (() => string)
  /** How long joins and pushes wait for a reply. Default 10,000. */
  timeout?: number
  /** How long the socket is quiet before it sends a heartbeat, and how long it waits for the answer. Default 30,000. */
  heartbeatIntervalMs?: number
  /** How long to wait before the n-th try, from 1, to connect again. Default 10, 50, 100, 150, 200, 250, 500, 1000, 2000, then 5000. */
  reconnectAfterMs?: (tries: number) => number
  /** How long a channel waits before its n-th try, from 1, to join again. Default 1000, 2000, 5000, then 10,000. */
  rejoinAfterMs?: (tries: number) => number
  /** How long a request of LongPoll may take. Default 20,000, twice the server's own. */
  longpollerTimeout?: number
  /** Turns messages into frames in place of the default serializer, except over LongPoll. */
  encode?: Encode
  /** Turns frames into messages in place of the default serializer, except over LongPoll. */
  decode?: Decode
  logger?: Logger
  /** True to log to the console if there is no logger. */
  debug?: boolean
  /** The type of binary frames from the transport. Default "arraybuffer", the only one that the default serializer reads. */
  binaryType?: string
  /** The version of the wire to ask for. Default "2.0.0", the only one that the default serializer speaks. */
  vsn?: string
  /** Where the fallback to LongPoll is remembered, in place of the page's sessionStorage. */
  sessionStorage?: SessionStorage
}

interface Buffered {
  message: Message
  stillWanted: () => boolean
}

/** What a socket tells of, and with what. */
interface SocketEvents {
  open: []
  close: [event: CloseInfo]
  error: Parameters<ErrorCallback>
  message: [message: Message]
  reconnect: [delayMs: number, tries: number]
  transport: [transport: TransportConstructor]
}

interface Registered {
  ref: string
  kind: keyof SocketEvents
  callback: (...args: any) => void
}

const CLOSE_NORMAL = 1000

/** A connection to a server that is kept up, and the channels on it. It starts with `connect`. */
export class Socket {
  /** The URL without its query. */
  readonly endPoint: string
  readonly timeout: number
  readonly vsn: string
  readonly heartbeatIntervalMs: number
  readonly longpollerTimeout: number
  readonly reconnectAfterMs: (tries: number) => number
  readonly rejoinAfterMs: (tries: number) => number
  readonly binaryType: string
  /** The transport of this and the coming connections. */
  transport: TransportConstructor
  params: () => Params
  authToken: (() => string) | undefined
  logger: Logger | null
  /** The channels that were made and not closed yet. */
  channels: Channel[] = []
  /** How often a connection was open. */
  establishedConnections = 0
  private readonly customEncode: Encode | undefined
  private readonly customDecode: Decode | undefined
  private readonly fallback: Fallback | undefined
  private readonly heartbeat: Heartbeat
  private readonly reconnectTimer: Timer
  private connection: Connection | null = null
  // What was pushed while there was no connection: at most a join of each channel, and what the application pushes
  // on the socket itself.
  private sendBuffer: Buffered[] = []
  private ref = 0
  // Whether to stay away: true before the first connect, after a disconnect, and if the server said so.
  private closeWasClean = true
  // Counts connects and disconnects, so that what was started before one of them can tell.
  private connectClock = 0
  private callbacks: Registered[] = []

  /**
   * Takes the URL under which the server has its socket, for example "wss://example.com/socket". On a page,
   * "//example.com/socket" and "/socket" will do.
   */
  constructor(endPoint: string, opts: SocketOptions = {}) {
    this.endPoint = `${endPoint}/websocket`
    this.transport = opts.transport ?? hostWebSocket() ?? LongPoll
    this.timeout = opts.timeout ?? 10000
    this.vsn = opts.vsn ?? "2.0.0"
    this.heartbeatIntervalMs = opts.heartbeatIntervalMs ?? 30000
    this.longpollerTimeout = opts.longpollerTimeout ?? 20000
    this.reconnectAfterMs = opts.reconnectAfterMs ?? defaultReconnectAfterMs
    this.rejoinAfterMs = opts.rejoinAfterMs ?? defaultRejoinAfterMs
    this.binaryType = opts.binaryType ?? "arraybuffer"
    this.params = closure(opts.params ?? {})
    this.authToken = opts.authToken === undefined ? undefined : closure(opts.authToken)
    this.logger = opts.logger ?? (opts.debug ? (kind, message, data) => console.log(`${kind}: ${message}`, data) : null)
    this.customEncode = opts.encode
    this.customDecode = opts.decode
    this.fallback = opts.longPollFallbackMs ? new Fallback(this, opts.longPollFallbackMs, opts.sessionStorage) : undefined
    this.heartbeat = new Heartbeat(this.heartbeatIntervalMs, () => this.sendHeartbeat(), () => this.heartbeatTimedOut())
    this.reconnectTimer = new Timer(() => this.reconnectUnlessHidden(), this.reconnectAfterMs)
    this.followPage()
  }

  /**
   * Connects, and from then on reconnects whenever the connection is lost, until `disconnect` or until the server
   * closes with code 1000. Does nothing while there is a connection or a reconnect under way. Throws what `params`,
   * `authToken` and the transport's constructor throw. To give params here is deprecated: give them to the constructor.
   */
  connect(params?: Params | (() => Params)): void {
    if (params) this.params = closure(params)
    if (this.connection && !this.connection.ending) return
    if (this.fallback && this.transport !== LongPoll) this.fallback.start()
    else this.openTransport()
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

  /** The LongPoll transport, for `replaceTransport`. */
  getLongPollTransport(): TransportConstructor {
    return LongPoll
  }

  /** Makes a channel for a topic; it does nothing until it is joined. */
  channel(topic: string, params: JoinParams = {}): Channel {
    const channel = new Channel(topic, params, this)
    this.channels.push(channel)
    return channel
  }

  /**
   * Sends a message, or keeps it until the socket is open. One that was kept is dropped if it is then no longer wanted,
   * as the join of a channel that has rejoined or left since.
   */
  push(message: Message, stillWanted: () => boolean = () => true): void {
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
  onClose(callback: (event: CloseInfo) => void): string {
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

  /** Calls back when the transport in use has changed: by the fallback to LongPoll, or by `replaceTransport`. */
  onTransport(callback: (transport: TransportConstructor) => void): string {
    return this.addCallback("transport", callback)
  }

  /** Removes callbacks by what onOpen, onClose, onError, onMessage, onReconnect and onTransport returned. */
  off(refs: string[]): void {
    this.callbacks = this.callbacks.filter(({ ref }) => !refs.includes(ref))
  }

  connectionState(): "connecting" | "open" | "closing" | "closed" {
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

  /** The full URL of the next connection. */
  endPointURL(): string {
    const url = appendParams(appendParams(this.endPoint, this.params()), { vsn: this.vsn })
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

  /** @internal Opens the transport, whatever the connection was before. */
  openTransport(): void {
    const protocols = this.authToken && tokenToProtocols(this.authToken())
    const transport = new this.transport(this.endPointURL(), protocols)
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
        this.log("transport", "cannot connect", error)
        this.callErrorCallbacks(error)
        this.scheduleReconnect()
      }
    })
  }

  /** @internal Forgets a channel that is closed. */
  remove(channel: Channel): void {
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
    if (!this.conn?.skipHeartbeat) this.heartbeat.start()
    this.call("open")
  }

  private onConnClose(connection: Connection, event: CloseInfo): void {
    this.log("transport", "close", event)
    this.heartbeat.stop()
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
    const decode = this.transport === LongPoll ? Serializer.decode : this.customDecode ?? Serializer.decode
    try {
      decode(data, (message: Message) => {
        decoded = true
        if (this.connection === connection && connection.isOpen()) this.dispatch(connection, message)
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

  private send(message: Message): void {
    const connection = this.connection
    const encode = this.transport === LongPoll ? Serializer.encode : this.customEncode ?? Serializer.encode
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
    this.call("reconnect", ...this.reconnectTimer.scheduleTimeout())
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
  private abandon(): void {
    this.connectClock++
    this.closeWasClean = true
    this.fallback?.cancel()
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
    const isHeld = (channel: Channel) => channel.isJoined() || channel.isJoining()
    for (const channel of this.channels.filter(isHeld)) {
      if (isHeld(channel)) channel.trigger("phx_error", { source: "transport", reason })
    }
  }

  /** Calls those that were registered when it began. */
  private call<K extends keyof SocketEvents>(kind: K, ...args: SocketEvents[K]): void {
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
        if (!this.connection || this.connection.ending) return
        this.disconnect()
        clockWhenHidden = this.connectClock
      },
      show: () => {
        if (clockWhenHidden === this.connectClock) this.connect()
      },
      visible: () => {
        if (this.isConnected() || this.closeWasClean) return
        this.reconnectTimer.reset()
        this.reconnect()
      },
    })
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

function defaultReconnectAfterMs(tries: number): number {
  return [10, 50, 100, 150, 200, 250, 500, 1000, 2000][tries - 1] ?? 5000
}

function defaultRejoinAfterMs(tries: number): number {
  return [1000, 2000, 5000][tries - 1] ?? 10000
}

function pageLocation(endPoint: string): { protocol: string; host: string } {
  const location = hostLocation()
  if (!location) throw new Error(`endpoint "${endPoint}" is relative and there is no page it could be relative to: give a full URL such as "wss://example.com/socket"`)
  return location
}
