import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Recovery, Serializer, type RecoveryOptions, type Socket, type SocketOptions } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, cut, event, Peer, settled, socketTo, type Frame, type PeerConnection } from "./peer.js"
import { Inbox } from "./inbox.js"
import { Page } from "./page.js"
import { MemoryStorage } from "./storage.js"

const TOPIC = "log:1"

/** An open socket with its peer, and time in the hands of the test. */
async function open(t: TestContext, opts: SocketOptions = {}) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer, opts)
  const connection = await connect(socket, peer)
  return { clock, peer, socket, connection }
}

/** A channel that recovers, and what it tells. */
function follow(socket: Socket, opts?: RecoveryOptions, params?: () => object) {
  const channel = socket.channel(TOPIC, params)
  const recovery = new Recovery(channel, opts)
  const told = new Inbox<unknown>()
  channel.on("said", (payload, ref) => told.put([payload, ref]))
  channel.on("_history", () => assert.fail("this is the client's own"))
  recovery.onRecovered((count) => told.put(`recovered ${count}`))
  recovery.onGap((response) => told.put(["gap", response]))
  channel.joinPush.receive("ok", (response) => told.put(["joined", response]))
  return { channel, recovery, told }
}

/** Answers the join that comes next, and returns what it asked. */
async function answer(connection: PeerConnection, told: Inbox<unknown>, history: object | undefined, snapshot = {}) {
  const [, , , , params] = await connection.accept("phx_join", history ? { _history: history, ...snapshot } : snapshot)
  await told.next()
  return params
}

/** The same with a channel that has joined at position "e.1.". */
async function following(t: TestContext, opts?: SocketOptions) {
  const world = await open(t, opts)
  const followed = follow(world.socket)
  followed.channel.join()
  await answer(world.connection, followed.told, { position: "e.1." })
  return { ...world, ...followed }
}

const said = (payload: unknown, position: string | null, join_ref: string | null = null): Frame => [join_ref, position, TOPIC, "said", payload]
const place = (position: string, payload: object = {}): Frame => [null, position, TOPIC, "_history", payload]

/** A binary frame as the server sends it (spec/protocol.md §7). */
function binary(kind: number, fields: string[], ...bytes: number[]): Buffer {
  return Buffer.concat([Buffer.from([kind, ...fields.map((field) => field.length)]), Buffer.from(fields.join("")), Buffer.from(bytes)])
}

/** A binary broadcast that has no position. */
const blob = (...bytes: number[]) => binary(2, [TOPIC, "said"], ...bytes)

const bytes = (...values: number[]) => new Uint8Array(values).buffer

test("a channel without a Recovery asks for nothing, and sees all", async (t) => {
  const { socket, connection } = await open(t)
  const channel = socket.channel(TOPIC, { a: 1 })
  const seen = new Inbox<unknown>()
  for (const name of ["said", "_history"]) channel.on(name, (payload, ref) => seen.put([payload, ref]))
  channel.join().receive("ok", (response) => seen.put(response))
  const [, , , , params] = await connection.accept("phx_join", { _history: 1 })
  assert.deepEqual(params, { a: 1 })
  assert.deepEqual(await seen.next(), { _history: 1 })
  connection.send(place("e.2."))
  assert.deepEqual(await seen.next(), [{}, "e.2."])
})

test("the first join asks for positions beside the params, and the reply is the application's alone", async (t) => {
  const { socket, connection } = await open(t)
  let n = 0
  const { channel, recovery, told } = follow(socket, {}, () => ({ n: ++n }))
  channel.join()
  const [, , , , params] = await connection.accept("phx_join", { _history: { position: "e.1." }, last: 7 })
  assert.deepEqual(params, { n: 1, _history: { binary: true } })
  assert.deepEqual(await told.next(), ["joined", { last: 7 }])
  assert.equal(recovery.position, "e.1.")
  channel.joinPush.receive("ok", (response) => assert.deepEqual(response, { last: 7 }))
})

test("events move the position on before their callbacks run, which get it as the ref", async (t) => {
  const { channel, connection, recovery, told } = await following(t)
  const positions = new Inbox<unknown>()
  channel.on("said", () => positions.put(recovery.position))
  connection.send(said({ n: 1 }, "e.2."))
  connection.send(said({ n: 2 }, "e.5.", channel.joinRef()))
  connection.send(said({ n: 3 }, null))
  assert.deepEqual(await told.next(), [{ n: 1 }, "e.2."])
  assert.deepEqual(await told.next(), [{ n: 2 }, "e.5."])
  assert.deepEqual(await told.next(), [{ n: 3 }, null])
  assert.deepEqual([await positions.next(), await positions.next(), await positions.next()], ["e.2.", "e.5.", "e.5."])
})

test("a rejoin names the last position, and tells when all that was missed has come", async (t) => {
  const world = await following(t)
  const { connection, told, recovery } = world
  connection.send(said({ n: 1 }, "e.2."))
  await told.next()
  const again = await cut(world)
  assert.deepEqual(await answer(again, told, { position: "e.2.", recovered: true }), { _history: { after: "e.2.", binary: true } })
  again.send(said({ n: 2 }, "e.3."))
  again.send(place("e.4.", { recovered: 1 }))
  again.send(said({ n: 3 }, "e.5."))
  assert.deepEqual(await told.next(), [{ n: 2 }, "e.3."])
  assert.equal(await told.next(), "recovered 1")
  assert.deepEqual(await told.next(), [{ n: 3 }, "e.5."])
  assert.equal(recovery.position, "e.5.")
})

test("a connection lost in the middle of what was missed goes on from there", async (t) => {
  const world = await following(t)
  let connection = await cut(world)
  await answer(connection, world.told, { position: "e.1.", recovered: true })
  connection.send(said({ n: 1 }, "e.2."))
  await world.told.next()
  connection = await cut({ ...world, connection })
  const params = await answer(connection, world.told, { position: "e.2.", recovered: true })
  assert.deepEqual(params, { _history: { after: "e.2.", binary: true } })
})

test("a gap is told with the snapshot of the join, before the join's own callbacks", async (t) => {
  const world = await following(t)
  const again = await cut(world)
  await again.accept("phx_join", { _history: { position: "f.9.", recovered: false }, all: [1, 2] })
  assert.deepEqual(await world.told.next(), ["gap", { all: [1, 2] }])
  assert.deepEqual(await world.told.next(), ["joined", { all: [1, 2] }])
  assert.equal(world.recovery.position, "f.9.")
})

test("a topic that no longer keeps a history is a gap, once", async (t) => {
  const world = await following(t)
  let connection = await cut(world)
  await connection.accept("phx_join")
  assert.deepEqual(await world.told.next(), ["gap", {}])
  assert.deepEqual(await world.told.next(), ["joined", {}])
  assert.equal(world.recovery.position, undefined)
  connection = await cut({ ...world, connection })
  assert.deepEqual(await connection.accept("phx_join"), [world.channel.joinRef(), world.channel.joinRef(), TOPIC, "phx_join", { _history: { binary: true } }])
  assert.deepEqual(await world.told.next(), ["joined", {}])
})

test("a topic without a history is as if there were no Recovery", async (t) => {
  const { socket, connection } = await open(t)
  const { channel, told } = follow(socket)
  channel.join()
  await answer(connection, told, undefined)
  for (const frame of [said({ n: 1 }, null), blob(1), blob(1)]) connection.send(frame)
  assert.deepEqual(await told.next(), [{ n: 1 }, null])
  assert.deepEqual(await told.next(), [bytes(1), null])
  assert.deepEqual(await told.next(), [bytes(1), null])
})

test("what still comes of a join that timed out is dropped, since it comes again", async (t) => {
  const world = await following(t)
  const { channel, clock, recovery, socket, told } = world
  const again = await cut(world)
  assert.equal((await again.next())[3], "phx_join")
  clock.tick(channel.timeout)
  const left = await again.next()
  assert.equal(left[3], "phx_leave")
  again.send(said({ n: 1 }, "e.2."))
  again.send(binary(5, ["e.3.", TOPIC, "said"], 7))
  again.send(place("e.3.", { recovered: 2 }))
  await settled(socket, again)
  clock.tick(1000)
  again.send(said({ n: 3 }, "e.4."))
  assert.equal(recovery.position, "e.1.")
  assert.deepEqual(await answer(again, told, { position: "e.1.", recovered: true }), { _history: { after: "e.1.", binary: true } })
  again.send(said({ n: 1 }, "e.2."))
  assert.deepEqual(await told.next(), [{ n: 1 }, "e.2."])
})

test("a refused rejoin keeps the position", async (t) => {
  const world = await following(t)
  const again = await cut(world)
  const refused = event((resolve) => world.channel.joinPush.receive("error", resolve))
  again.reply(await again.next(), "error", { reason: "busy" })
  await refused
  world.clock.tick(1000)
  assert.deepEqual(await answer(again, world.told, { position: "e.1.", recovered: true }), { _history: { after: "e.1.", binary: true } })
})

test("bytes come with their position, be it of a broadcast or of what the server made for this client", async (t) => {
  const { channel, connection, recovery, told } = await following(t)
  connection.send(binary(5, ["e.2.", TOPIC, "said"], 1, 2))
  assert.deepEqual(await told.next(), [bytes(1, 2), "e.2."])
  assert.equal(recovery.position, "e.2.")
  connection.send(binary(6, [channel.joinRef()!, "e.3.", TOPIC, "said"], 3))
  connection.send(binary(6, ["of another join", "e.9.", TOPIC, "said"], 4))
  connection.send(binary(5, ["e.4.", TOPIC, "said"]))
  assert.deepEqual(await told.next(), [bytes(3), "e.3."])
  assert.deepEqual(await told.next(), [bytes(), "e.4."])
  assert.equal(recovery.position, "e.4.")
})

test("a rejoin behind bytes goes on behind them", async (t) => {
  const world = await following(t)
  world.connection.send(binary(5, ["e.2.", TOPIC, "said"], 1))
  await world.told.next()
  const again = await cut(world)
  assert.deepEqual(await answer(again, world.told, { position: "e.2.", recovered: true }), { _history: { after: "e.2.", binary: true } })
})

test("a decode of the application's own is not given positions in bytes: they come in a frame behind, which nobody sees", async (t) => {
  const world = await open(t, { decode: (frame, callback) => Serializer.decode(frame, callback) })
  const { channel, recovery, told } = follow(world.socket)
  channel.join()
  assert.deepEqual(await answer(world.connection, told, { position: "e.1." }), { _history: { binary: false } })
  world.connection.send(blob(1, 2))
  world.connection.send(place("e.2."))
  await settled(world.socket, world.connection)
  assert.deepEqual(await told.next(), [bytes(1, 2), null])
  assert.equal(told.size, 0)
  assert.equal(recovery.position, "e.2.")
})

test("bytes that a join pushes are told after each join", async (t) => {
  const world = await following(t)
  const { channel, socket, told } = world
  const pushed = () => binary(0, [channel.joinRef()!, TOPIC, "said"], 5)
  world.connection.send(pushed())
  assert.deepEqual(await told.next(), [bytes(5), null])
  const again = await cut(world)
  await answer(again, told, { position: "e.1.", recovered: true })
  again.send(pushed())
  await settled(socket, again)
  assert.deepEqual(await told.next(), [bytes(5), null])
})

test("a Recovery is made before the join, and for params that have room", (t) => {
  const socket = socketTo(t, { url: "ws://example.test/socket" })
  const channel = socket.channel(TOPIC, new Uint8Array([1]))
  new Recovery(channel)
  assert.throws(() => channel.join(), /join params of "log:1" are bytes/)
  assert.throws(() => new Recovery(channel), /"log:1" has joined already/)
  channel.leave()
})

test("a position may be set before the join", async (t) => {
  const { socket, connection } = await open(t)
  const { channel, recovery, told } = follow(socket)
  recovery.position = "e.7."
  channel.join()
  assert.deepEqual(await answer(connection, told, { position: "e.7.", recovered: true }), { _history: { after: "e.7.", binary: true } })
})

test("a position outlives the page in a storage, under the endpoint, the scope and the topic", async (t) => {
  const { clock, socket, connection } = await open(t)
  const storage = new MemoryStorage()
  const first = follow(socket, { storage, scope: "ann" })
  first.channel.join()
  assert.deepEqual(await answer(connection, first.told, { position: "e.1." }), { _history: { binary: true } })
  clock.tick(1000)
  const reloaded = (topic: string, scope?: string) => new Recovery(socket.channel(topic), { storage, ...(scope ? { scope } : {}) }).position
  assert.equal(reloaded(TOPIC, "ann"), "e.1.")
  assert.equal(reloaded(TOPIC, "bob"), undefined)
  assert.equal(reloaded(TOPIC), undefined)
  assert.equal(reloaded("log:2", "ann"), undefined)
})

test("a storage is written at most once a second", async (t) => {
  const { clock, socket, connection } = await open(t)
  const storage = new MemoryStorage()
  const { channel, told } = follow(socket, { storage })
  channel.join()
  await answer(connection, told, { position: "e.1." })
  for (let n = 2; n < 100; n++) {
    connection.send(said({ n }, `e.${n}.`))
    await told.next()
  }
  assert.equal(storage.writes, 0)
  clock.tick(999)
  assert.equal(storage.writes, 0)
  clock.tick(1)
  assert.equal(storage.writes, 1)
  assert.equal(new Recovery(socket.channel(TOPIC), { storage }).position, "e.99.")
  clock.tick(5000)
  assert.equal(storage.writes, 1)
})

test("a page that goes away writes at once", async (t) => {
  const page = new Page(t)
  const { socket, connection } = await open(t)
  const storage = new MemoryStorage()
  const { channel, told } = follow(socket, { storage })
  channel.join()
  await answer(connection, told, { position: "e.1." })
  page.fire("pagehide")
  assert.equal(new Recovery(socket.channel(TOPIC), { storage }).position, "e.1.")
})

test("who leaves a topic begins anew when he comes back", async (t) => {
  const page = new Page(t)
  const { clock, socket, connection } = await open(t)
  const storage = new MemoryStorage()
  const { channel, told } = follow(socket, { storage })
  channel.join()
  await answer(connection, told, { position: "e.1." })
  clock.tick(1000)
  connection.send(said({}, "e.2."))
  await told.next()
  channel.leave()
  page.fire("pagehide")
  clock.tick(1000)
  assert.equal(new Recovery(socket.channel(TOPIC), { storage }).position, undefined)
})

test("a storage holds the last hundred topics", async (t) => {
  const { clock, socket, connection } = await open(t)
  const storage = new MemoryStorage()
  for (let n = 0; n < 120; n++) {
    const channel = socket.channel(`log:${n}`)
    new Recovery(channel, { storage })
    const ok = event((resolve) => channel.joinPush.receive("ok", resolve))
    channel.join()
    await connection.accept("phx_join", { _history: { position: `e.${n}.` } })
    await ok
  }
  clock.tick(1000)
  const position = (n: number) => new Recovery(socket.channel(`log:${n}`), { storage }).position
  assert.equal(position(19), undefined)
  assert.equal(position(20), "e.20.")
  assert.equal(position(119), "e.119.")
})

for (const [name, storage] of [
  ["throws", { getItem: () => { throw new Error("forbidden") }, setItem: () => { throw new Error("full") } }],
  ...["", "garbage", "5", "null", "{}", '"abc"', `[["${TOPIC}",7]]`, "[5]"].map((kept) => [`holds ${kept || "nothing"}`, { getItem: () => kept, setItem: () => {} }] as const),
] as const) {
  test(`a storage that ${name} does no harm`, async (t) => {
    const { clock, socket, connection } = await open(t)
    const { channel, recovery, told } = follow(socket, { storage })
    channel.join()
    assert.deepEqual(await answer(connection, told, { position: "e.1." }), { _history: { binary: true } })
    clock.tick(1000)
    channel.leave()
    assert.equal(recovery.position, "e.1.")
  })
}
