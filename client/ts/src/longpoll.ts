import { tokenFromProtocols } from "./auth-token.js"
import { ReadyState, type CloseInfo, type Transport } from "./transport.js"

const MAX_BATCH = 100

/** The body of every answer (spec/protocol.md §13); the HTTP status says nothing. Status 0: no answer that makes sense. */
interface Answer {
  status: number
  token?: string
  messages?: string[]
  headers?: Headers
}

/**
 * A transport like WebSocket over plain HTTP requests: one request at a time waits for messages, another sends.
 * Messages can be lost when a request fails; the connection then ends, so that channels rejoin.
 */
export class LongPoll implements Transport {
  /** Each poll shows whether the server lives. */
  readonly skipHeartbeat = true
  readonly plain = true
  /** How long one request may take, in milliseconds. */
  timeout = 20000
  readyState: number = ReadyState.connecting
  onopen: ((event: object) => void) | null = null
  onclose: ((event: CloseInfo) => void) | null = null
  onerror: ((error: unknown) => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  readonly pollEndpoint: string
  /** @internal The URL that a WebSocket would have had. */
  readonly endPoint: string
  /** @internal Names the session; null until there is one. */
  token: string | null = null
  /** @internal Whether the server can take the session to a WebSocket (spec/protocol.md §23). */
  canUpgrade = false
  private readonly authToken: string | undefined
  private live = true
  private closeEmitted = false
  private readonly requests = new Set<AbortController>()
  // What waits to be posted: it shrinks by a batch at a time, and goes away with the connection.
  private outbox: (string | ArrayBuffer)[] = []
  private posting = false
  private polling = true
  // How many messages the session has brought.
  private received = 0
  // Both are there while another transport is about to take over.
  private onPosted: (() => void) | undefined
  private onPolled: ((received: number) => void) | undefined

  /** Takes the URL that a WebSocket would take, and the auth token in the form of subprotocols. */
  constructor(endPoint: string, protocols?: string[] | null) {
    this.endPoint = endPoint
    this.authToken = tokenFromProtocols(protocols)
    this.pollEndpoint = endPoint.replace(/^ws/, "http").replace(/(.*)\/websocket/, "$1/longpoll")
    // The caller sets its handlers first.
    setTimeout(() => this.poll(), 0)
  }

  /** The number of frames that no answer has confirmed yet. */
  get bufferedAmount(): number {
    return this.outbox.length
  }

  /** Sends a frame, together with all others of the same turn of the event loop. */
  send(frame: string | ArrayBuffer): void {
    this.outbox.push(frame)
    this.startPosting()
  }

  private startPosting(): void {
    if (this.posting || this.onPosted) return
    this.posting = true
    setTimeout(() => this.post(), 0)
  }

  close(code = 1005, reason = "", wasClean = true): void {
    this.stop(ReadyState.closed)
    this.emitClose({ code, reason, wasClean })
  }

  /** @internal Posts nothing that has not been posted yet; resolves when all that has been is answered. */
  hold(): Promise<void> {
    return new Promise((resolve) => {
      this.onPosted = resolve
      if (!this.posting) resolve()
    })
  }

  /**
   * @internal Polls no more once the poll that waits is answered; resolves when what it brought has been handed on, with
   * the number of messages in the whole session.
   */
  finish(): Promise<number> {
    return new Promise((resolve) => {
      this.onPolled = resolve
    })
  }

  /** @internal Polls and posts on, after `hold` or `finish`. */
  resume(): void {
    this.onPosted = this.onPolled = undefined
    if (!this.live) return
    if (this.outbox.length > 0) this.startPosting()
    if (!this.polling) void this.poll()
  }

  /** @internal Ends without a word, since another transport takes over. Returns what is left for it to send. */
  release(): (string | ArrayBuffer)[] {
    const left = this.outbox
    this.stop(ReadyState.closed)
    return left
  }

  private async poll(): Promise<void> {
    this.polling = true
    while (this.live && !this.onPolled) {
      const headers: Record<string, string> = { Accept: "application/json" }
      if (this.authToken !== undefined) headers["X-Phoenix-AuthToken"] = this.authToken
      const answer = await this.request("GET", headers)
      if (answer) this.receive(answer)
    }
    this.polling = false
    this.inOwnTask(() => this.onPolled?.(this.received))
  }

  private receive({ status, token, messages = [], headers }: Answer): void {
    if (status === 410 && this.token !== null) {
      this.fail(410, 3410, "session_gone", headers)
      return
    }
    this.token = token ?? this.token
    switch (status) {
      case 200:
        // A task for each, as a WebSocket has: what one message's promises do is done before the next one comes.
        this.received += messages.length
        for (const data of messages) this.inOwnTask(() => this.onmessage?.({ data }))
        break
      case 204:
        break
      case 410:
        this.canUpgrade = headers?.get("roost-upgrade") === "websocket"
        this.inOwnTask(() => {
          this.readyState = ReadyState.open
          this.onopen?.({})
        })
        break
      case 403:
        this.fail(403, 1008, "forbidden", headers, ReadyState.closed)
        break
      default:
        this.fail(status || 500, 1011, "internal server error", headers)
    }
  }

  private inOwnTask(task: () => void): void {
    setTimeout(() => {
      if (this.live) task()
    }, 0)
  }

  private async post(): Promise<void> {
    while (this.live && this.outbox.length > 0 && !this.onPosted) {
      const batch = this.outbox.slice(0, MAX_BATCH)
      const lines = batch.map((frame) => (typeof frame === "string" ? frame : toBase64(frame)))
      const answer = await this.request("POST", { "Content-Type": "application/x-ndjson" }, lines.join("\n"))
      if (!answer) return
      if (answer.status !== 200) {
        this.fail(answer.status || 500, 1011, "internal server error")
        return
      }
      this.outbox = this.outbox.slice(batch.length)
    }
    this.posting = false
    this.onPosted?.()
  }

  /** Makes one request; undefined if the transport ended meanwhile, or because of it. */
  private async request(method: string, headers: Record<string, string>, body?: string): Promise<Answer | undefined> {
    if (this.token !== null) headers["X-Phoenix-Longpoll-Token"] = this.token
    const abort = new AbortController()
    this.requests.add(abort)
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      abort.abort()
    }, this.timeout)
    let answer: Answer
    try {
      const response = await fetch(this.pollEndpoint, { method, headers, body: body ?? null, signal: abort.signal, cache: "no-store" })
      // What stands before the server may answer otherwise, and still tell when to come back.
      answer = { ...asAnswer(await response.json().catch(() => null)), headers: response.headers }
    } catch {
      answer = { status: 0 }
    } finally {
      clearTimeout(timer)
      this.requests.delete(abort)
    }
    if (timedOut) this.fail("timeout", 1005, "timeout")
    return this.live ? answer : undefined
  }

  /** Ends the connection. It is left "connecting", so that nobody takes it for one that was closed on purpose. */
  private fail(error: unknown, code: number, reason: string, headers?: Headers, readyState: number = ReadyState.connecting): void {
    if (!this.live) return
    this.stop(readyState)
    try {
      this.onerror?.(error)
    } finally {
      const retryAfterMs = Number(headers?.get("retry-after") ?? 0) * 1000
      this.emitClose({ code, reason, wasClean: false, ...(retryAfterMs > 0 && { retryAfterMs }) })
    }
  }

  private stop(readyState: number): void {
    this.live = false
    this.readyState = readyState
    this.outbox = []
    for (const abort of this.requests) abort.abort()
  }

  private emitClose(event: CloseInfo): void {
    if (this.closeEmitted) return
    this.closeEmitted = true
    this.onclose?.(event)
  }
}

function asAnswer(body: unknown): Answer {
  const answer = body as Answer | null
  return typeof answer?.status === "number" ? answer : { status: 0 }
}

function toBase64(bytes: ArrayBuffer): string {
  let binary = ""
  for (const byte of new Uint8Array(bytes)) binary += String.fromCharCode(byte)
  return btoa(binary)
}
