/** Parameters of a connection. Nested objects arrive at the server as nested maps, undefined and null do not arrive. */
export type Params = Record<string, unknown>

/** Turns a value, or a function that makes one, into a function that makes one. */
export function closure<T>(value: T | (() => T)): () => T {
  return typeof value === "function" ? (value as () => T) : () => value
}

/** Adds params to the query of a URL (spec/protocol.md §1). */
export function appendParams(url: string, params: Params): string {
  const pairs = encodePairs(params, "")
  if (pairs.length === 0) return url
  return url + (url.includes("?") ? "&" : "?") + pairs.join("&")
}

function encodePairs(params: object, parent: string): string[] {
  return Object.entries(params).flatMap(([name, value]) => {
    const key = parent ? `${parent}[${name}]` : name
    if (value === undefined || value === null) return []
    if (typeof value === "object") return encodePairs(value, key)
    return [`${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`]
  })
}
