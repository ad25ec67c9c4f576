import type { TransportConstructor } from "./transport.js"

/** The part of the browser's `Storage` that is needed of one. */
export interface SessionStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/** The globals that only some hosts have: browsers, workers, Node, React Native. */
interface Host {
  WebSocket?: TransportConstructor
  location?: { protocol: string; host: string }
}

/** The host's WebSocket, if it has one. */
export function hostWebSocket(): TransportConstructor | undefined {
  return (globalThis as Host).WebSocket
}

/** The URL of the page or worker, if there is one. */
export function hostLocation(): { protocol: string; host: string } | undefined {
  return (globalThis as Host).location
}

/** The page's session storage, or undefined where it is missing or forbidden, as in a sandboxed frame. */
export function hostSessionStorage(): SessionStorage | undefined {
  try {
    return (globalThis as { sessionStorage?: SessionStorage }).sessionStorage
  } catch {
    return undefined
  }
}
