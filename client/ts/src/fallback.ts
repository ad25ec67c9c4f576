import type { Socket } from "./fallback-socket.js"
import { LongPoll } from "./longpoll.js"
import { isPageHidden } from "./page.js"
import { hostSessionStorage, type SessionStorage } from "./platform.js"
import type { Schedule } from "./retry.js"
import type { Credentials } from "./socket.js"
import { Timer } from "./timer.js"
import type { Transport, TransportConstructor } from "./transport.js"
import { Upgrade } from "./upgrade.js"

const MEMORY_KEY = "phx:fallback:LongPoll"

const defaultUpgradeAfterMs: Schedule = (tries) => ([30_000, 60_000, 120_000][tries - 1] ?? 300_000) * (1 - Math.random() / 2)

/**
 * Connects a socket over its own transport and goes over to long polling where that does not work, for example
 * behind a proxy that cuts WebSockets: if it does not open in time, fails before it opens, or opens but does not
 * answer a ping in time (spec/protocol.md §16). If its own transport never worked at all, the session storage remembers
 * so, and the next page of the tab begins with long polling. From time to time it tries to take the session back to the
 * socket's own transport, if the server can do that (§23).
 */
export class Fallback {
  private readonly socket: Socket
  private readonly thresholdMs: number
  private readonly storage: SessionStorage | undefined
  private readonly upgradeTimer: Timer
  private timer: ReturnType<typeof setTimeout> | undefined
  private refs: string[] = []
  private primaryWorked = false
  // The transport that LongPoll is in the place of.
  private primary: TransportConstructor | undefined
  private upgrade: Upgrade | undefined

  constructor(socket: Socket, thresholdMs: number, storage: SessionStorage | undefined, upgradeAfterMs = defaultUpgradeAfterMs) {
    this.socket = socket
    this.thresholdMs = thresholdMs
    this.storage = storage ?? hostSessionStorage()
    this.upgradeTimer = new Timer(() => this.upgradeNow(), upgradeAfterMs)
  }

  /** Starts one attempt to connect, in place of the one before. */
  start(credentials: Credentials): void {
    this.cancel()
    if (this.socket.transport === LongPoll) {
      this.watchLongPoll()
      this.socket.openTransport(credentials)
      return
    }
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
      this.socket.openTransport(credentials)
    } catch (error) {
      this.cancel()
      throw error
    }
  }

  /** Ends what is under way, whatever its state. */
  cancel(): void {
    clearTimeout(this.timer)
    this.stopUpgrading()
    this.socket.off(this.refs)
    this.refs = []
  }

  /** Tries to leave LongPoll again, unless it has not fallen back, nobody is looking, or the server cannot do that. */
  upgradeNow(): void {
    const { conn, decodesPositions, marksBytes } = this.socket
    if (!this.primary || this.upgrade || !this.socket.isConnected() || !(conn instanceof LongPoll) || !conn.canUpgrade) return
    // Serializers of an application's own are not for LongPoll, and the session goes on as it began.
    if (!decodesPositions || !marksBytes) return
    this.upgradeTimer.cancel()
    if (isPageHidden()) {
      this.upgradeTimer.scheduleTimeout()
      return
    }
    try {
      this.upgrade = new Upgrade(conn, this.primary, (transport) => this.upgraded(conn, transport))
    } catch (error) {
      this.socket.log("transport", "cannot leave LongPoll", error)
      this.upgradeTimer.scheduleTimeout()
    }
  }

  private limit(reason: string): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.fallBack(reason), this.thresholdMs)
  }

  private fallBack(reason: unknown): void {
    this.cancel()
    this.socket.log("transport", "falling back to LongPoll...", reason)
    this.primary = this.socket.transport
    this.socket.replaceTransport(LongPoll)
    this.socket.reconnect()
  }

  private watchLongPoll(): void {
    if (!this.primary) return
    const onOpen = this.socket.onOpen(() => {
      this.socket.log("transport", "established LongPoll fallback")
      if (!this.primaryWorked) this.remember("true")
      this.upgradeTimer.scheduleTimeout()
    })
    const onClose = this.socket.onClose(() => this.stopUpgrading())
    this.refs = [onOpen, onClose]
  }

  private upgraded(longPoll: LongPoll, transport: Transport | undefined): void {
    this.upgrade = undefined
    const { socket, primary } = this
    if (!transport || !primary) {
      socket.log("transport", "staying with LongPoll")
      this.upgradeTimer.scheduleTimeout()
      return
    }
    socket.log("transport", "going on from LongPoll over the primary transport")
    const left = longPoll.release()
    this.cancel()
    this.primary = undefined
    this.primaryWorked = true
    this.remember("")
    socket.moveTo(transport, primary, left)
  }

  private remember(value: string): void {
    try {
      this.storage?.setItem(MEMORY_KEY, value)
    } catch {
      // It is full, or forbidden. The next page finds out for itself.
    }
  }

  private stopUpgrading(): void {
    this.upgradeTimer.reset()
    this.upgrade?.cancel()
    this.upgrade = undefined
  }
}
