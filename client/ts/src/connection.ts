import { ReadyState, type CloseInfo, type Transport } from "./transport.js"

/** Receives what happens to a connection, until it is detached. */
export interface ConnectionEvents {
  open(): void
  close(event: CloseInfo): void
  error(error: unknown): void
  message(data: string | ArrayBuffer): void
}

/** How to close a connection. */
export interface CloseOptions {
  code?: number | undefined
  reason?: string | undefined
  /** False to close without waiting for what is buffered, as on a connection that is presumed dead. */
  drain: boolean
  /** Called once, when the transport was told to close. */
  closing(): void
}

const WAIT_TRIES = 5
const WAIT_STEP_MS = 150

/** One instance of a transport, from its making to its end. A socket goes through many of them. */
export class Connection {
  transport: Transport
  /** True once the transport was open. */
  opened = false
  /** True once we close it, as opposed to the server or the network. */
  closing = false
  /** True once nobody wants it back: `connect` then makes a new one without waiting for this one's end. */
  ending = false
  /** True once the channels know that it is lost. */
  lossReported = false
  /** Callbacks of the pings on their way, by ref. */
  readonly pings = new Map<string, () => void>()
  private readonly began = Date.now()
  private readonly events: ConnectionEvents
  private detached = false
  private readonly closedCallbacks: (() => void)[] = []

  constructor(transport: Transport, events: ConnectionEvents) {
    this.events = events
    this.transport = transport
    this.moveTo(transport)
  }

  /** Goes on over a transport. From there on, what happens to the one before concerns nobody. */
  moveTo(transport: Transport): void {
    const { events } = this
    this.transport = transport
    const ifAttached = <E>(handle: (event: E) => void) => (event: E) => {
      if (!this.detached && this.transport === transport) handle(event)
    }
    transport.onopen = ifAttached(() => {
      this.opened = true
      events.open()
    })
    transport.onclose = ifAttached(events.close)
    transport.onerror = ifAttached(events.error)
    transport.onmessage = ifAttached((event: { data: string | ArrayBuffer }) => events.message(event.data))
  }

  isOpen(): boolean {
    return this.transport.readyState === ReadyState.open
  }

  /** Whether it has been opening for less than so many milliseconds, and may yet open. */
  isFresh(ms: number): boolean {
    return !this.opened && !this.closing && !this.lossReported && Date.now() - this.began < ms
  }

  /** From here on, what happens to the transport concerns nobody. */
  detach(): void {
    this.detached = true
  }

  /**
   * Closes the transport and calls back when it is closed, or after waiting 1.5 seconds for it. If it is being closed
   * already, only adds the callback.
   */
  close(options: CloseOptions, closed: () => void): void {
    this.closedCallbacks.push(closed)
    if (this.closing) return
    this.closing = true
    const drained = () => !options.drain || !this.transport.bufferedAmount || !this.isOpen()
    waitUntil(drained, () => {
      // Closing a transport that still connects makes it emit an error, which says nothing about the network. A handler
      // stays, since the ws package throws errors that nobody handles.
      this.transport.onerror = () => {}
      if (options.code === undefined) this.transport.close()
      else this.transport.close(options.code, options.reason ?? "")
      options.closing()
      waitUntil(
        () => this.transport.readyState === ReadyState.closed,
        () => this.finish(),
      )
    })
  }

  private finish(): void {
    for (const callback of this.closedCallbacks) callback()
  }
}

/** Calls back when the condition holds, at once if it does; gives up after 150 + 300 + 450 + 600 ms. */
function waitUntil(condition: () => boolean, callback: () => void, tries = 1): void {
  if (tries === WAIT_TRIES || condition()) callback()
  else setTimeout(() => waitUntil(condition, callback, tries + 1), WAIT_STEP_MS * tries)
}
