/** What a socket does when the page around it comes and goes (spec/protocol.md §16). */
export interface PageHandlers {
  /** The page is being left; it may come back from the back/forward cache. */
  hide(): void
  /** The page is shown, perhaps out of that cache. */
  show(): void
  /** The tab was brought to the front. */
  visible(): void
}

/** Calls the handlers for as long as the page lives. Does nothing where there is no page. */
export function watchPage(handlers: PageHandlers): void {
  if (!hasPage()) return
  window.addEventListener("pagehide", () => handlers.hide())
  window.addEventListener("pageshow", () => handlers.show())
  document.addEventListener("visibilitychange", () => {
    if (!isPageHidden()) handlers.visible()
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

function hasPage(): boolean {
  if (typeof window === "undefined" || typeof document === "undefined") return false
  // React Native has a window that emits no events.
  return "addEventListener" in window && "addEventListener" in document
}
