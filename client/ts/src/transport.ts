/** The values of `readyState`, as in WebSocket. */
export const ReadyState = { connecting: 0, open: 1, closing: 2, closed: 3 } as const

/** What each transport says of a close. Codes: spec/protocol.md §12. */
export interface CloseInfo {
  code: number
  reason: string
  wasClean: boolean
  /** How long the server told us to stay away, if the reason does not say so (spec/protocol.md §22). */
  retryAfterMs?: number
}

/**
 * What a Socket needs from a connection: the part of WebSocket that it uses. A browser's WebSocket, the one of
 * the `ws` package and LongPoll all meet it.
 */
export interface Transport {
  readonly readyState: number
  /** What `send` took and the network did not yet; a disconnect gives it up to 1.5 seconds to leave. */
  readonly bufferedAmount?: number
  /** True if the transport notices by itself that the server is gone. */
  readonly skipHeartbeat?: boolean
  /** The subprotocol that the server has chosen, if any. */
  readonly protocol?: string
  /** True if it carries what the default serializer makes, whatever serializer the socket has. */
  readonly plain?: boolean
  binaryType?: string
  /** How long one request may take, in milliseconds; only transports that make requests read it. */
  timeout?: number
  // The event types differ between browsers, ws and LongPoll, and cannot be named without the DOM's types.
  onopen: ((event: any) => void) | null
  onclose: ((event: any) => void) | null
  onerror: ((event: any) => void) | null
  onmessage: ((event: any) => void) | null
  send(data: string | ArrayBuffer): void
  close(code?: number, reason?: string): void
}

/** Opens a transport to a URL; `protocols` is given only if the socket has an auth token. */
export type TransportConstructor = new (url: string, protocols?: string[]) => Transport
