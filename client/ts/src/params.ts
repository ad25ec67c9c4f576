/** Parameters of a connection. Nested objects arrive at the server as nested maps, undefined and null do not arrive. */
export type Params = object

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

/** What comes now or later. */
export type Eventually<T> = T | PromiseLike<T>

export function isPromise<T>(value: Eventually<T> | undefined): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === "function"
}

/** Resolves as the promise does, or rejects after so many milliseconds. */
export function within<T>(promise: PromiseLike<T>, ms: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
