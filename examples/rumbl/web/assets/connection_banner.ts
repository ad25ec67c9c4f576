const ASK_AGAIN = 4 // failures in a row after which the reason may be that one is logged out

/** Says that one is offline while that is so, or logged out if that is why; and else which node one is connected to, of several. */
export class ConnectionBanner {
  private readonly banner = document.querySelector<HTMLElement>("#offline")!
  private readonly text = document.querySelector<HTMLElement>("#offline-text")!
  private readonly logIn = document.querySelector<HTMLElement>("#offline-login")!
  private readonly node = document.querySelector<HTMLElement>("#node")!
  private failures = 0

  online(node?: string): void {
    this.failures = 0
    this.banner.hidden = true
    this.node.hidden = node === undefined
    this.node.textContent = `node ${node}`
  }

  offline(): void {
    this.banner.hidden = false
    this.node.hidden = true
  }

  /** To be told of each connection that could not be made: browsers don't say why. */
  failed(): void {
    this.offline()
    if (++this.failures % ASK_AGAIN === 0) void this.checkSession()
  }

  private async checkSession(): Promise<void> {
    const answer = await fetch("/session", { cache: "no-store" }).catch(() => null)
    const loggedOut = answer?.status === 401
    this.text.textContent = loggedOut ? "You are logged out." : "You are offline. Reconnecting…"
    this.logIn.hidden = !loggedOut
  }
}
