import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { LongPoll, Socket, type SocketOptions } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, event, nodeWebSocket, Peer, type PeerConnection } from "./peer.js"
import { PollPeer, type PollRequest } from "./poll-peer.js"

/** Chance, in the hands of the test: a number from 0 up to 1. */
function chance(t: TestContext, value: number): void {
  t.mock.method(Math, "random", () => value)
}

async function world(t: TestContext, opts: SocketOptions = {}) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = new Socket(peer.url, { transport: nodeWebSocket, ...opts })
  t.after(() => socket.disconnect())
  const connection = await connect(socket, peer)
  return { clock, peer, socket, connection }
}

/** In how many milliseconds the socket tries again after the peer has ended the connection. */
async function wait(socket: Socket, end: () => void): Promise<number> {
  const scheduled = event<number>((resolve) => socket.onReconnect(resolve))
  end()
  return scheduled
}

/** The waits before so many tries that all fail. */
async function waits(t: TestContext, tries: number, opts: SocketOptions): Promise<number[]> {
  const { clock, peer, socket, connection } = await world(t, opts)
  const told: number[] = []
  peer.refuse()
  let next = wait(socket, () => connection.terminate())
  for (let i = 0; i < tries; i++) {
    told.push(await next)
    next = wait(socket, () => clock.tick(told[i]!))
  }
  return told
}

const byDefault = [10, 50, 100, 150, 200, 250, 500, 1000, 2000, 5000, 5000]

test("by default a try comes at a random time up to the one of the schedule", async (t) => {
  chance(t, 0.5)
  assert.deepEqual(await waits(t, 11, {}), byDefault.map((ms) => ms / 2))
})

test("without jitter tries keep to the schedule", async (t) => {
  chance(t, 0.5)
  assert.deepEqual(await waits(t, 11, { jitter: false }), byDefault)
})

test("a schedule of the application's own is kept to", async (t) => {
  chance(t, 0.5)
  assert.deepEqual(await waits(t, 3, { reconnectAfterMs: (tries) => tries * 7 }), [7, 14, 21])
})

test("the schedules that an application sees are those of phoenix.js", () => {
  const socket = new Socket("ws://peer.test/socket", { transport: nodeWebSocket })
  assert.deepEqual(byDefault.map((_, i) => socket.reconnectAfterMs(i + 1)), byDefault)
  assert.deepEqual([1, 2, 3, 4, 5].map((tries) => socket.rejoinAfterMs(tries)), [1000, 2000, 5000, 10000, 10000])
})

const reasons: [reason: string, told: number][] = [
  ["server shuts down; retry_after_ms=2000", 2000],
  ["server shuts down; retry_after_ms=1", 10],
  ["server shuts down; retry_after_ms=999999999", 300000],
  ["server shuts down; retry_after_ms=-5", 10],
  ["server shuts down; retry_after_ms=9999999999", 10],
  ["retry_after_ms=2000 is no hint", 10],
  ["", 10],
]

for (const [reason, told] of reasons) {
  test(`a server that closes with "${reason}" sees the client again after ${told} ms`, async (t) => {
    const { clock, peer, socket, connection } = await world(t, { jitter: false })
    assert.equal(await wait(socket, () => connection.close(1012, reason)), told)
    clock.tick(told - 1)
    assert.notEqual(socket.connectionState(), "connecting")
    clock.tick(1)
    await peer.next()
  })
}

for (const opts of [{}, { reconnectAfterMs: () => 10 }]) {
  test(`what the server tells is a least wait, with half as much by chance, ${opts.reconnectAfterMs ? "also beside a schedule" : "by default"}`, async (t) => {
    chance(t, 0.5)
    const { socket, connection } = await world(t, opts)
    assert.equal(await wait(socket, () => connection.close(1012, "restart; retry_after_ms=2000")), 2500)
  })
}

test("what the server tells holds for one try", async (t) => {
  const { clock, peer, socket, connection } = await world(t, { jitter: false })
  peer.refuse()
  clock.tick(await wait(socket, () => connection.close(1012, "restart; retry_after_ms=2000")))
  assert.equal(await event<number>((resolve) => socket.onReconnect(resolve)), 50)
})

test("an application that connects does not wait", async (t) => {
  const { peer, socket, connection } = await world(t)
  await wait(socket, () => connection.close(1012, "restart; retry_after_ms=60000"))
  socket.disconnect()
  socket.connect()
  await peer.next()
})

/** Refuses a join with what the peer says, and returns the connection. */
async function refusedJoin(connection: PeerConnection, socket: Socket, response: unknown) {
  const channel = socket.channel("room:1")
  const refused = event((resolve) => channel.join().receive("error", resolve))
  connection.reply(await connection.next(), "error", response)
  await refused
  return channel
}

test("a join that was refused is tried again when the server said so", async (t) => {
  const { clock, socket, connection } = await world(t, { jitter: false })
  const channel = await refusedJoin(connection, socket, { reason: "rate limited", retry_after_ms: 30000 })
  clock.tick(29999)
  assert.equal(channel.state, "errored")
  clock.tick(1)
  assert.equal(channel.state, "joining")
})

test("a join that was refused waits as long on another connection, too", async (t) => {
  const { clock, peer, socket, connection } = await world(t, { jitter: false })
  const channel = await refusedJoin(connection, socket, { reason: "rate limited", retry_after_ms: 30000 })
  const again = event<void>((resolve) => socket.onOpen(() => resolve()))
  clock.tick(await wait(socket, () => connection.terminate()))
  await peer.next()
  await again
  clock.tick(29999 - 10)
  assert.equal(channel.state, "errored")
  clock.tick(1)
  assert.equal(channel.state, "joining")
})

for (const response of [null, {}, { retry_after_ms: "soon" }, { retry_after_ms: 20 }, "no"]) {
  test(`a join that was refused with ${JSON.stringify(response)} is tried again by the schedule`, async (t) => {
    const { clock, socket, connection } = await world(t, { jitter: false })
    const channel = await refusedJoin(connection, socket, response)
    clock.tick(999)
    assert.equal(channel.state, "errored")
    clock.tick(1)
    assert.equal(channel.state, "joining")
  })
}

test("by default a channel rejoins at a random time up to the one of the schedule", async (t) => {
  chance(t, 0.25)
  const { clock, socket, connection } = await world(t)
  const channel = await refusedJoin(connection, socket, { reason: "no" })
  clock.tick(249)
  assert.equal(channel.state, "errored")
  clock.tick(1)
  assert.equal(channel.state, "joining")
})

const busy: [who: string, answer: (poll: PollRequest) => void][] = [
  ["the server", (poll) => poll.answer(500, undefined, [], { "retry-after": "5" })],
  ["a proxy", (poll) => poll.raw("<h1>Busy</h1>", { "retry-after": "5" })],
]
for (const [who, answer] of busy) {
  test(`a long poll that ${who} answers with Retry-After is followed by another when that is over`, async (t) => {
    const peer = await PollPeer.start(t)
    const socket = new Socket(peer.url, { transport: LongPoll, jitter: false })
    t.after(() => socket.disconnect())
    const scheduled = event<number>((resolve) => socket.onReconnect(resolve))
    socket.connect()
    answer(await peer.poll())
    const left = await scheduled
    assert.ok(left > 4000 && left <= 5000, `it waits for ${left} ms`)
  })
}
