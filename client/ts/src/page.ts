/** What a socket does when the page around it, or the network around that, comes and goes (spec/protocol.md §16). */
export interface PageHandlers {
  /** The page is being left; it may come back from the back/forward cache. */
  hide(): void
  /** The page is shown, perhaps out of that cache. */
  show(): void
  /** The page was brought to the front or woken up. */
  wake(): void
  /** There is a network again, or another one. */
  network(): void
  /** There may be no network any more. */
  offline(): void
}

/** What some browsers tell of the network. */
interface NetworkInformation extends EventTarget {
  type?: string
}

/** Calls the handlers for as long as the page lives. Does nothing where there is no page. */
export function watchPage(handlers: PageHandlers): void {
  if (!hasPage()) return
  window.addEventListener("pagehide", handlers.hide)
  window.addEventListener("pageshow", handlers.show)
  window.addEventListener("online", handlers.network)
  window.addEventListener("offline", handlers.offline)
  document.addEventListener("resume", handlers.wake)
  document.addEventListener("visibilitychange", () => {
    if (!isPageHidden()) handlers.wake()
  })
  const information = (globalThis.navigator as { connection?: NetworkInformation } | undefined)?.connection
  let type = information?.type
  information?.addEventListener?.("change", () => {
    // It also tells each time that the network has become faster or slower.
    if (type === information.type) return
    type = information.type
    if (!isOffline()) handlers.network()
  })
}

/** Calls back when the page is being left, until the function is called that it returns. */
export function onPageHide(callback: () => void): () => void {
  if (!hasPage()) return () => {}
  window.addEventListener("pagehide", callback)
  return () => window.removeEventListener("pagehide", callback)
}

/** Whether there is a page and nobody can see it. */
export function isPageHidden(): boolean {
  return typeof document !== "undefined" && document.visibilityState === "hidden"
}

/** Whether there is a page and no network. */
export function isOffline(): boolean {
  return hasPage() && typeof navigator !== "undefined" && navigator.onLine === false
}

function hasPage(): boolean {
  if (typeof window === "undefined" || typeof document === "undefined") return false
  // React Native has a window that emits no events.
  return "addEventListener" in window && "addEventListener" in document
}
