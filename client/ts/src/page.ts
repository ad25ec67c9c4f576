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
  if (typeof window === "undefined" || typeof document === "undefined") return
  // React Native has a window that emits no events.
  if (!window.addEventListener || !document.addEventListener) return
  window.addEventListener("pagehide", () => handlers.hide())
  window.addEventListener("pageshow", () => handlers.show())
  document.addEventListener("visibilitychange", () => {
    if (!isPageHidden()) handlers.visible()
  })
}

/** Whether there is a page and nobody can see it. */
export function isPageHidden(): boolean {
  return typeof document !== "undefined" && document.visibilityState === "hidden"
}
