import type { Conversation } from "./conversation.js"
import { byId } from "./dom.js"

const ASK_AGAIN = 4 // failures in a row after which the reason may be that one is logged out

/** Says that one is offline while that is so, and when the next try is; or that one is logged out, if that is why. */
export class ConnectionBanner {
  private readonly banner = byId("offline")
  private readonly text = byId("offline-text")
  private readonly countdown = byId("countdown")
  private readonly tryNow = byId<HTMLButtonElement>("try-now")
  private readonly logIn = byId("offline-login")
  private readonly node = byId("node")
  private readonly transport = byId("transport")
  private failures = 0
  private nextTry = 0
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(private readonly conversation: Conversation) {
    const { socket, channel } = conversation
    socket.onReconnect((delay) => this.waits(delay))
    socket.onClose(() => this.offline())
    socket.onError(() => this.failed())
    socket.onOpen(() => this.showTransport())
    socket.onTransport(() => this.showTransport())
    channel.onError(() => this.offline())
    this.tryNow.addEventListener("click", () => {
      this.showCountdown("Trying…")
      socket.disconnect(() => socket.connect())
    })
  }

  /** To be told of each join. */
  online(node?: string): void {
    this.failures = 0
    this.stop()
    this.banner.hidden = true
    this.node.hidden = node === undefined
    this.node.textContent = `node ${node}`
    this.showTransport()
  }

  /** To be told when there is nothing to come back to. */
  close(): void {
    this.online()
    this.transport.hidden = true
  }

  offline(): void {
    if (this.conversation.channel.isClosed()) return
    this.node.hidden = true
    if (!this.banner.hidden) return
    this.banner.hidden = false
    this.text.textContent = "You are offline. What you write is sent when you are back."
    this.showCountdown("Reconnecting…")
  }

  /** To be told of each connection that could not be made: browsers don't say why. */
  private failed(): void {
    this.offline()
    if (++this.failures % ASK_AGAIN === 0) void this.checkSession()
  }

  private waits(delay: number): void {
    this.nextTry = Date.now() + delay
    clearInterval(this.timer)
    this.timer = setInterval(() => this.tick(), 250)
    this.tick()
  }

  private tick(): void {
    const left = Math.ceil((this.nextTry - Date.now()) / 1000)
    this.showCountdown(left > 0 ? `Next try in ${left} s.` : "Trying…")
    if (left <= 0) this.stop()
  }

  private showCountdown(text: string): void {
    if (this.countdown.textContent !== text) this.countdown.textContent = text
  }

  private showTransport(): void {
    this.transport.hidden = !this.conversation.polls
  }

  private stop(): void {
    clearInterval(this.timer)
  }

  private async checkSession(): Promise<void> {
    const answer = await fetch("/session", { cache: "no-store" }).catch(() => null)
    if (answer?.status !== 401) return
    this.text.textContent = "You are logged out."
    this.logIn.hidden = false
    this.tryNow.hidden = true
    this.countdown.hidden = true
  }
}
