const PREFIX = "base64url.bearer.phx."

/** The subprotocols that carry an auth token to the server (spec/protocol.md §4). */
export function tokenToProtocols(token: string): string[] {
  return ["phoenix", PREFIX + encode(token)]
}

/** The auth token in a list of subprotocols, if they carry one. */
export function tokenFromProtocols(protocols: string[] | null | undefined): string | undefined {
  const entry = protocols?.find((protocol) => protocol.startsWith(PREFIX))
  return entry === undefined ? undefined : decode(entry.slice(PREFIX.length))
}

/**
 * Standard base64 without padding, in spite of the prefix: it is what servers expect. A "/" however may not
 * stand in a subprotocol and makes every WebSocket throw, so such tokens go in the URL alphabet.
 */
function encode(token: string): string {
  if (/[^\u0000-\u00ff]/.test(token)) {
    throw new Error("authToken holds a character above U+00FF: encode the token, for example as base64, before giving it to the socket")
  }
  const base64 = btoa(token).replace(/=+$/, "")
  return base64.includes("/") ? base64.replaceAll("+", "-").replaceAll("/", "_") : base64
}

function decode(encoded: string): string {
  return atob(encoded.replaceAll("-", "+").replaceAll("_", "/"))
}
