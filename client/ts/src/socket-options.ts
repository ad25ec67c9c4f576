import type { Eventually, Params } from "./params.js"
import type { Schedule } from "./retry.js"
import type { Decode, Encode, Message } from "./serializer.js"
import type { CloseInfo, TransportConstructor } from "./transport.js"

/** Receives what a socket does, for debugging: data may hold payloads, but not the params or the auth token. */
export type Logger = (kind: string, message: string, data?: any) => void

// In the form of methods, so that the compiler lets an application name what it knows that its transport gives.
interface TransportCallbacks {
  close(event: CloseInfo): void
  error(error: any, transport: TransportConstructor, establishedConnections: number): void
}

/** Called when a connection is closed. It may take more than every transport gives, such as a CloseEvent. */
export type CloseCallback = TransportCallbacks["close"]

/**
 * Called on a transport error with the error, the transport then in use, and how many connections had been open before. It
 * may take no more than it knows that its transport gives, such as an Event.
 */
export type ErrorCallback = TransportCallbacks["error"]

/** How a Socket is made. All of it is optional; times are milliseconds. */
export interface SocketOptions {
  /** The transport; by default the host's WebSocket. */
  transport?: TransportConstructor
  /** Sent when connecting; a function is asked again at each reconnect, and may return a promise. */
  params?: Params | (() => Eventually<Params>)
  /** A token for the server, sent outside of the URL; a function is asked again at each reconnect, and may return a promise. */
  authToken?: string | (() => Eventually<string>)
  /** How long joins and pushes wait for a reply, and connects for promises of `params` and `authToken`. Default 10,000. */
  timeout?: number
  /** How long the socket is quiet before it sends a heartbeat, and how long it waits for the answer. Default 30,000. */
  heartbeatIntervalMs?: number
  /** How long to wait before the n-th try, from 1, to connect again. Default 10, 50, 100, 150, 200, 250, 500, 1000, 2000, then 5000. */
  reconnectAfterMs?: Schedule
  /** How long a channel waits before its n-th try, from 1, to join again. Default 1000, 2000, 5000, then 10,000. */
  rejoinAfterMs?: Schedule
  /**
   * False to wait exactly as long as the default schedules say. By default each wait is of a random length up to that,
   * so that clients do not all come back at once. Schedules that are given are kept to in any case.
   */
  jitter?: boolean
  /** How long a request may take, of a transport that makes requests. Default 20,000, twice the server's own. */
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
  /** True to get the bytes of payloads and replies as a Uint8Array. By default they are an ArrayBuffer, as in phoenix.js. */
  uint8Arrays?: boolean
  /** The version of the wire to ask for. Default "2.0.0", the only one that the default serializer speaks. */
  vsn?: string
}

/** What a socket tells of, and with what. */
export interface SocketEvents {
  open: []
  close: [event: CloseInfo]
  error: Parameters<ErrorCallback>
  message: [message: Message]
  reconnect: [delayMs: number, tries: number]
  transport: [transport: TransportConstructor]
}

export interface Registered {
  ref: string
  kind: keyof SocketEvents
  callback: (...args: any) => void
}
