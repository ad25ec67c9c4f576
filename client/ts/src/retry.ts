/** How long to wait before the n-th try, from 1, in milliseconds. */
export type Schedule = (tries: number) => number

// No server gets to send a client away for longer.
const LONGEST_TOLD_MS = 300_000

export const defaultReconnectAfterMs: Schedule = (tries) => [10, 50, 100, 150, 200, 250, 500, 1000, 2000][tries - 1] ?? 5000

export const defaultRejoinAfterMs: Schedule = (tries) => [1000, 2000, 5000][tries - 1] ?? 10000

/** A schedule of anything from nothing to what another says, so that many clients do not try at once. */
export function fullJitter(schedule: Schedule): Schedule {
  return (tries) => Math.random() * schedule(tries)
}

/** How long to stay away if the server told so many milliseconds, if any (spec/protocol.md §22). */
export function stayAway(toldMs: unknown, jitter: boolean): number {
  if (typeof toldMs !== "number" || !(toldMs > 0)) return 0
  return Math.min(toldMs, LONGEST_TOLD_MS) * (jitter ? 1 + Math.random() / 2 : 1)
}

/** What the reason of a close tells, in milliseconds; 0 if nothing. */
export function toldByReason(reason = ""): number {
  return Number(/; retry_after_ms=(\d{1,9})$/.exec(reason)?.[1] ?? 0)
}
