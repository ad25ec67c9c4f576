import { LongPoll } from "./longpoll.js"
import { hostSessionStorage, type SessionStorage } from "./platform.js"
import type { Socket } from "./socket.js"

const MEMORY_KEY = "phx:fallback:LongPoll"

/**
 * Connects a socket over its own transport and goes over to long polling where that does not work, for example
 * behind a proxy that cuts WebSockets: if it does not open in time, fails before it opens, or opens but does not
 * answer a ping in time (spec/protocol.md §16). The socket then stays with long polling. If its own transport never
 * worked at all, the session storage remembers so, and the next page of the tab begins with long polling.
 */
export class Fallback {
  private readonly socket: Socket
  private readonly thresholdMs: number
  private readonly storage: SessionStorage | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private refs: string[] = []
  private primaryWorked = false

  constructor(socket: Socket, thresholdMs: number, storage: SessionStorage | undefined) {
    this.socket = socket
    this.thresholdMs = thresholdMs
    this.storage = storage ?? hostSessionStorage()
  }

  /** Starts one attempt to connect, in place of the one before. */
  start(): void {
    this.cancel()
    if (this.storage?.getItem(MEMORY_KEY)) {
      this.fallBack("memorized")
      return
    }
    let opened = false
    const onError = this.socket.onError((reason) => {
      if (!opened) this.fallBack(reason)
    })
    const onOpen = this.socket.onOpen(() => {
      opened = true
      this.limit("no answer to the ping")
      this.socket.ping((rtt) => {
        this.socket.log("transport", "connected to primary after", rtt)
        this.primaryWorked = true
        clearTimeout(this.timer)
      })
    })
    this.refs = [onError, onOpen]
    this.limit("not open in time")
    try {
      this.socket.openTransport()
    } catch (error) {
      this.cancel()
      throw error
    }
  }

  /** Ends the attempt under way, whatever its state. */
  cancel(): void {
    clearTimeout(this.timer)
    this.socket.off(this.refs)
    this.refs = []
  }

  private limit(reason: string): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.fallBack(reason), this.thresholdMs)
  }

  private fallBack(reason: unknown): void {
    this.cancel()
    this.socket.log("transport", "falling back to LongPoll...", reason)
    this.socket.replaceTransport(LongPoll)
    const ref = this.socket.onOpen(() => {
      this.socket.off([ref])
      this.socket.log("transport", "established LongPoll fallback")
      if (!this.primaryWorked) this.storage?.setItem(MEMORY_KEY, "true")
    })
    this.socket.reconnect()
  }
}
