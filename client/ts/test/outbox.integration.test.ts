import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { test, type TestContext } from "node:test"
import { WebSocket } from "ws"
import { LongPoll, Outbox, Recovery } from "../src/index.js"
import { address, client, isThere, noProgram, ok, seed, Server, skip, ways } from "./conformance.js"
import { chance, Cutter } from "./cutter.js"
import { Inbox } from "./inbox.js"

test("the conformance application is there, and its program", { skip }, () => {
  assert.ok(isThere, "set ROOST_CONFORMANCE_URL and ROOST_CONFORMANCE_PROGRAM: in CI these tests may not be skipped")
})

/** Counts the numbers that are shouted on a topic, on a connection that nobody cuts. */
async function observe(t: TestContext, topic: string, address: string) {
  const channel = client(t, address, WebSocket).channel(topic)
  const counts = new Map<number, number>()
  channel.on<{ n: number } | ArrayBuffer>("shout", (payload) => {
    const n = payload instanceof ArrayBuffer ? new DataView(payload).getUint32(0) : payload.n
    counts.set(n, (counts.get(n) ?? 0) + 1)
  })
  channel.join()
  await ok(channel)
  /** Waits until all that has been said was heard, and expects each number from 1 to last once. */
  const expectEachOnce = async (last: number) => {
    await new Promise((resolve) => channel.push("shout_reply", { n: 0 }).receive("ok", resolve))
    counts.delete(0)
    for (let n = 1; n <= last; n++) assert.equal(counts.get(n), 1, `push ${n} had ${counts.get(n)} effects`)
    assert.equal(counts.size, last)
  }
  return { channel, expectEachOnce }
}

/** Shouts the numbers from 1 to last, as many at once as the Outbox takes, until each is answered, once and ok. */
function shoutAll(outbox: Outbox, last: number, payload: (n: number) => object, onAnswer: (count: number) => void = () => {}) {
  const answered = new Set<number>()
  let n = 0
  return new Promise<void>((resolve, reject) => {
    const more = () => {
      while (outbox.size < outbox.limit && n < last) shout(++n)
      if (answered.size === last) resolve()
    }
    const shout = (n: number) => {
      const push = outbox.push("shout_reply", payload(n))
      push.receive("ok", (response) => {
        if (answered.has(n) || JSON.stringify(response) !== "{}") reject(new Error(`push ${n} was answered with ${JSON.stringify(response)}, ${answered.has(n)}`))
        answered.add(n)
        onAnswer(answered.size)
        more()
      })
      push.receive("error", (response) => reject(new Error(`push ${n} ended in ${JSON.stringify(response)}`)))
    }
    more()
  })
}

const asNumber = (n: number) => ({ n })
const asBytes = (n: number) => new Uint8Array([n >> 24, n >> 16, n >> 8, n])

for (const [name, transport, opts] of ways) {
  const last = name === "WebSocket" ? 10_000 : 1000
  test(`${name}: however often the connection is cut, each of ${last} pushes takes effect once and is answered once`, async (t) => {
    t.diagnostic(`ROOST_SEED=${seed}`)
    const below = chance(seed)
    const topic = `echo:${randomUUID()}`
    const observer = await observe(t, topic, address)
    const cutter = await Cutter.start(t, address)
    // A poll's answer goes through as a whole or not at all.
    cutter.budget = () => 100 + below(transport === LongPoll ? 12_000 : 4 * last)
    const channel = client(t, cutter.address, transport, opts).channel(topic)
    const outbox = new Outbox(channel)
    channel.join()
    await shoutAll(outbox, last, asNumber)
    await observer.expectEachOnce(last)
    t.diagnostic(`${cutter.cuts} cuts`)
    assert.ok(cutter.cuts >= 10, `only ${cutter.cuts} cuts`)
  })

  test(`${name}: with a Recovery, what the client itself shouts comes once and in order`, async (t) => {
    t.diagnostic(`ROOST_SEED=${seed}`)
    const below = chance(seed)
    const topic = `log:${randomUUID()}`
    const cutter = await Cutter.start(t, address)
    cutter.budget = () => 500 + below(transport === LongPoll ? 10_000 : 5000)
    const channel = client(t, cutter.address, transport, opts).channel(topic)
    const outbox = new Outbox(channel)
    const recovery = new Recovery(channel)
    const numbers = new Inbox<number>()
    channel.on<{ n: number }>("shout", ({ n }) => numbers.put(n))
    recovery.onGap(() => numbers.put(NaN))
    channel.join()
    await shoutAll(outbox, 500, asNumber)
    for (let n = 1; n <= 500; n++) assert.equal(await numbers.next(), n)
    cutter.budget = () => Infinity
    outbox.push("shout_reply", { n: 501 })
    assert.equal(await numbers.next(), 501)
    t.diagnostic(`${cutter.cuts} cuts`)
    assert.ok(cutter.cuts >= 5, `only ${cutter.cuts} cuts`)
  })

  test(`${name}: a push that crashes the conversation is answered after the rejoin`, { skip }, async (t) => {
    const channel = client(t, address, transport, opts).channel(`echo:${randomUUID()}`)
    const outbox = new Outbox(channel)
    channel.join()
    await ok(channel)
    const crash = ended(outbox, "crash")
    const ping = ended(outbox, "ping", { a: 1 })
    assert.deepEqual(await crash, ["error", { reason: "crashed" }])
    assert.deepEqual(await ping, ["ok", { a: 1 }])
  })
}

test("each of 1000 pushes of bytes takes effect once and is answered once", { skip }, async (t) => {
  const below = chance(seed)
  const topic = `echo:${randomUUID()}`
  const observer = await observe(t, topic, address)
  const cutter = await Cutter.start(t, address)
  cutter.budget = () => 100 + below(4000)
  const channel = client(t, cutter.address, WebSocket).channel(topic)
  const outbox = new Outbox(channel)
  channel.join()
  await shoutAll(outbox, 1000, asBytes)
  await observer.expectEachOnce(1000)
  assert.ok(cutter.cuts >= 10, `only ${cutter.cuts} cuts`)
})

test("pushes that move from one transport to another and back take effect once", { skip }, async (t) => {
  const topic = `echo:${randomUUID()}`
  const observer = await observe(t, topic, address)
  const socket = client(t, address, WebSocket)
  const outbox = new Outbox(socket.channel(topic))
  outbox.channel.join()
  const transports = [LongPoll, WebSocket]
  await shoutAll(outbox, 500, asNumber, (count) => {
    if (count % 50 !== 0 || count === 500) return
    socket.replaceTransport(transports[(count / 50) % 2]!)
    socket.connect()
  })
  await observer.expectEachOnce(500)
  assert.equal(socket.establishedConnections, 10)
})

test("after a crash of the server the outcome of what was sent is unknown, and what follows goes on", { skip: noProgram }, async (t) => {
  const server = await Server.start(t)
  const channel = client(t, server.address, WebSocket).channel("echo:1")
  const outbox = new Outbox(channel)
  channel.join()
  await ok(channel)
  // The answer of the second shows that the first has arrived, whose own would take longer.
  const slow = ended(outbox, "async", { a: 1 })
  assert.deepEqual(await ended(outbox, "ping"), ["ok", {}])
  await server.restart()
  const late = ended(outbox, "ping", { b: 2 })
  assert.deepEqual(await slow, ["error", { reason: "outcome_unknown" }])
  assert.deepEqual(await late, ["ok", { b: 2 }])
})

/** Pushes, and waits for what becomes of it. */
function ended(outbox: Outbox, event: string, payload: object = {}) {
  const push = outbox.push(event, payload)
  return new Promise((resolve) => {
    for (const status of ["ok", "error"]) push.receive(status, (response) => resolve([status, response]))
  })
}
