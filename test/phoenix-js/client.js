// The same scenarios are for the stock client and for Roost's own: CLIENT is a module to take in the place of "phoenix".

import { test as nodeTest } from "node:test"
import WebSocket from "ws"

const { LongPoll, Presence, Socket } = await import(process.env.CLIENT ?? "phoenix")
export { Presence }

export const transports = { WebSocket, LongPoll } // Node 20 has no WebSocket of its own

const SOON = () => 25 // milliseconds; the defaults go up to 10 s
const TIMEOUT = 30_000

/** A test that does not hang. */
export const test = (name, run) => nodeTest(name, { timeout: TIMEOUT }, run)

/** Connects to a mount of the server until the test ends. */
export function connect(t, server, transport, { mount = "/socket", ...options } = {}) {
  const socket = new Socket(`ws://${server.address}${mount}`, {
    transport: transports[transport],
    reconnectAfterMs: SOON,
    rejoinAfterMs: SOON,
    ...options,
  })
  t.after(() => socket.disconnect())
  socket.connect()
  return socket
}

/** What became of a push, or a join: {status, response}. */
export function outcome(push, ...otherStatuses) {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout", ...otherStatuses]) {
      push.receive(status, (response) => resolve({ status, response }))
    }
  })
}

/** The response of a push, or a join, that is to go well. */
export async function ok(push) {
  const { status, response } = await outcome(push)
  if (status !== "ok") throw new Error(`expected ok, got ${status}: ${JSON.stringify(response)}`)
  return response
}

/** Joins a topic. */
export async function join(socket, topic, params) {
  const channel = socket.channel(topic, params)
  await ok(channel.join())
  return channel
}

/** What comes, in order, whether somebody waits for it or not. */
export class Inbox {
  #waiting = []
  items = []

  static of(channel, ...events) {
    const inbox = new Inbox()
    for (const event of events) channel.on(event, (payload) => inbox.put(payload))
    return inbox
  }

  put(item) {
    const waiting = this.#waiting.shift()
    if (waiting) waiting(item)
    else this.items.push(item)
  }

  /** The next item, which it takes out. */
  next() {
    if (this.items.length > 0) return Promise.resolve(this.items.shift())
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async take(count) {
    const taken = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }
}

/** Resolves when the callback is called that register is given. */
export function once(register) {
  return new Promise((resolve) => register(resolve))
}

/** Resolves once the condition holds, looking again whenever the callback is called that register is given. */
export function until(register, condition) {
  return new Promise((resolve) => {
    const look = () => condition() && resolve()
    register(look)
    look()
  })
}

/** Bytes as phoenix takes and gives them. */
export const bytes = (...values) => new Uint8Array(values).buffer
export const numbers = (buffer) => [...new Uint8Array(buffer)]
