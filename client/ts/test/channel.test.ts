import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Socket, type Channel, type SocketOptions } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, event, nodeWebSocket, Peer, socketTo, type PeerConnection } from "./peer.js"

const received = <R = unknown>(channel: Channel, status: string) =>
  event<R>((resolve) => channel.joinPush.receive<R>(status, resolve))

/** An open socket with its peer, and time in the hands of the test. */
async function open(t: TestContext, opts: SocketOptions = {}) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer, opts)
  const connection = await connect(socket, peer)
  return { clock, peer, socket, connection }
}

/** The same with a channel that has joined room:1. */
async function joined(t: TestContext, opts?: SocketOptions) {
  const world = await open(t, opts)
  const channel = world.socket.channel("room:1")
  await join(channel, world.connection)
  return { ...world, channel }
}

async function join(channel: Channel, connection: PeerConnection) {
  const ok = received(channel, "ok")
  channel.join()
  const frame = await connection.accept("phx_join")
  await ok
  return frame
}

/** Asserts that the peer gets nothing before the answer to this ping. */
async function nothingSent(socket: Socket, connection: PeerConnection) {
  socket.ping(() => {})
  assert.equal((await connection.accept("heartbeat"))[3], "heartbeat")
}

/** Sends a frame and waits until the client has dispatched it. */
async function deliver(socket: Socket, connection: PeerConnection, frame: Parameters<PeerConnection["send"]>[0]) {
  const seen = event((resolve) => {
    const ref = socket.onMessage((message) => {
      socket.off([ref])
      resolve(message)
    })
  })
  connection.send(frame)
  await seen
}

test("a new channel is closed, and takes its timeout from the socket", () => {
  const socket = new Socket("ws://example.test/socket", { transport: nodeWebSocket, timeout: 1234 })
  const channel = socket.channel("room:1", { a: 1 })
  assert.equal(channel.state, "closed")
  assert.equal(channel.topic, "room:1")
  assert.deepEqual(channel.params(), { a: 1 })
  assert.equal(channel.timeout, 1234)
  assert.equal(channel.joinedOnce, false)
  assert.deepEqual(channel.pushBuffer, [])
  assert.deepEqual(socket.channels, [channel])
})

test("a join carries the params under a ref that is its join_ref, and succeeds with the reply", async (t) => {
  const { socket, connection } = await open(t)
  const channel = socket.channel("room:1", { user: "ann" })
  const ok = received(channel, "ok")
  channel.join()
  assert.equal(channel.state, "joining")
  assert.ok(channel.joinedOnce)
  const [join_ref, ref, ...rest] = await connection.accept("phx_join", { hello: "world" })
  assert.equal(join_ref, ref)
  assert.deepEqual(rest, ["room:1", "phx_join", { user: "ann" }])
  assert.deepEqual(await ok, { hello: "world" })
  assert.equal(channel.state, "joined")
})

test("a second join of a channel throws", () => {
  const channel = new Socket("ws://example.test/socket", { transport: nodeWebSocket }).channel("room:1")
  channel.join()
  assert.throws(() => channel.join(), /"room:1" was already joined/)
  channel.leave()
})

test("a refused join is tried again after 1, 2, 5, 10 and 10 seconds, with the params of that moment", async (t) => {
  const { clock, socket, connection } = await open(t)
  let n = 0
  const channel = socket.channel("room:1", () => ({ n: ++n }))
  channel.join()
  for (const wait of [1000, 2000, 5000, 10000, 10000]) {
    const frame = await connection.next()
    assert.deepEqual(frame[4], { n })
    const error = event((resolve) => socket.onMessage(resolve))
    connection.reply(frame, "error", { reason: "unauthorized" })
    await error
    assert.equal(channel.state, "errored")
    clock.tick(wait - 1)
    assert.equal(channel.state, "errored")
    clock.tick(1)
    assert.equal(channel.state, "joining")
  }
  await connection.accept("phx_join")
  await received(channel, "ok")
  assert.equal(n, 6)
})

test("a refused join tells why", async (t) => {
  const { socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  channel.join()
  connection.reply(await connection.next(), "error", { reason: "unauthorized" })
  assert.deepEqual(await received(channel, "error"), { reason: "unauthorized" })
})

test("a join that gets no reply is given up with a leave, and tried again", async (t) => {
  const { clock, socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  let timeouts = 0
  channel.join(500).receive("timeout", () => timeouts++)
  const first = await connection.next()
  clock.tick(499)
  assert.equal(timeouts, 0)
  clock.tick(1)
  assert.equal(timeouts, 1)
  assert.equal(channel.state, "errored")
  const leave = await connection.next()
  assert.deepEqual([leave[0], leave[2], leave[3]], [first[0], "room:1", "phx_leave"])
  clock.tick(1000)
  const second = await connection.accept("phx_join")
  assert.notEqual(second[0], first[0])
  await received(channel, "ok")
  clock.tick(20000)
  assert.equal(timeouts, 1)
  assert.equal(channel.state, "joined")
})

test("a late reply to a join that was given up is ignored", async (t) => {
  const { clock, socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  channel.join(500)
  const first = await connection.next()
  clock.tick(500)
  await connection.next()
  await deliver(socket, connection, [first[0], first[1], "room:1", "phx_reply", { status: "ok", response: {} }])
  assert.equal(channel.state, "errored")
})

test("another channel with the topic is left before the join", async (t) => {
  const { socket, connection, channel } = await joined(t)
  const oldRef = channel.joinPush.ref
  const again = socket.channel("room:1")
  again.join()
  assert.equal(channel.state, "closed")
  const [leave, join] = [await connection.next(), await connection.next()]
  assert.deepEqual([leave[0], leave[3]], [oldRef, "phx_leave"])
  assert.deepEqual([join[0], join[3]], [again.joinPush.ref, "phx_join"])
  assert.deepEqual(socket.channels, [again])
})

test("events reach their callbacks with payload, ref and join_ref; broadcasts have no join_ref of their own", async (t) => {
  const { socket, connection, channel } = await joined(t)
  const joinRef = channel.joinPush.ref
  const seen: unknown[] = []
  channel.on("news", (...args) => seen.push(args))
  channel.on("other", () => assert.fail("another event"))
  await deliver(socket, connection, [joinRef, null, "room:1", "news", { n: 1 }])
  await deliver(socket, connection, [null, null, "room:1", "news", { n: 2 }])
  await deliver(socket, connection, [null, null, "room:2", "news", { n: 3 }])
  assert.deepEqual(seen, [
    [{ n: 1 }, null, joinRef],
    [{ n: 2 }, null, joinRef],
  ])
})

test("an event of a former join is dropped", async (t) => {
  const { socket, connection, channel } = await joined(t)
  channel.on("news", () => assert.fail("from a former join"))
  channel.onClose(() => assert.fail("a former join was closed"))
  await deliver(socket, connection, ["0", null, "room:1", "news", {}])
  await deliver(socket, connection, ["0", "0", "room:1", "phx_close", {}])
  assert.equal(channel.state, "joined")
})

test("callbacks are removed one by one, or all of an event", () => {
  const channel = new Socket("ws://example.test/socket").channel("room:1")
  const seen: string[] = []
  const first = channel.on("a", () => seen.push("a1"))
  const second = channel.on("a", () => seen.push("a2"))
  channel.on("b", () => seen.push("b"))
  assert.notEqual(first, second)
  channel.off("a", first)
  channel.trigger("a", {})
  channel.off("a")
  channel.trigger("a", {})
  channel.trigger("b", {})
  assert.deepEqual(seen, ["a2", "b"])
})

test("callbacks added or removed during an event count from the next one", () => {
  const channel = new Socket("ws://example.test/socket").channel("room:1")
  const seen: string[] = []
  channel.on("a", () => {
    seen.push("first")
    channel.off("a")
    channel.on("a", () => seen.push("added"))
  })
  channel.on("a", () => seen.push("second"))
  channel.trigger("a", {})
  assert.deepEqual(seen, ["first", "second"])
  channel.trigger("a", {})
  assert.deepEqual(seen, ["first", "second", "added"])
})

test("onMessage may change each payload, but not swallow it", () => {
  const channel = new Socket("ws://example.test/socket").channel("room:1")
  const seen: unknown[] = []
  channel.on("a", (payload) => seen.push(payload))
  channel.onMessage = (event, payload) => ({ event, payload })
  channel.trigger("a", 1)
  assert.deepEqual(seen, [{ event: "a", payload: 1 }])
  channel.onMessage = () => undefined
  assert.throws(() => channel.trigger("a", 1), /must return the payload/)
})

test("a crash tells why and is followed by a rejoin; more of them do not add more", async (t) => {
  const { clock, socket, connection, channel } = await joined(t)
  const reasons: unknown[] = []
  channel.onError((reason) => reasons.push(reason))
  const joinRef = channel.joinPush.ref
  for (let n = 0; n < 3; n++) {
    await deliver(socket, connection, [joinRef, joinRef, "room:1", "phx_error", { reason: "channel_crash" }])
  }
  assert.deepEqual(reasons[0], { reason: "channel_crash" })
  assert.equal(channel.state, "errored")
  clock.tick(1000)
  await connection.accept("phx_join")
  await received(channel, "ok")
  clock.tick(20000)
  await nothingSent(socket, connection)
})

test("a crash on a topic that the channel has not joined changes nothing", async (t) => {
  const { clock, socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  await deliver(socket, connection, [null, null, "room:1", "phx_error", {}])
  assert.equal(channel.state, "closed")
  clock.tick(20000)
  await nothingSent(socket, connection)
})

test("a join that is answered by a crash is no join", async (t) => {
  const { clock, socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  channel.join()
  const [ref] = await connection.next()
  await deliver(socket, connection, [ref, ref, "room:1", "phx_error", {}])
  assert.equal(channel.state, "errored")
  await deliver(socket, connection, [ref, ref, "room:1", "phx_reply", { status: "ok", response: {} }])
  assert.equal(channel.state, "errored")
  clock.tick(1000)
  assert.equal(channel.state, "joining")
})

test("a channel that the server closes is gone for good", async (t) => {
  const { clock, socket, connection, channel } = await joined(t)
  let closes = 0
  channel.onClose(() => closes++)
  const joinRef = channel.joinPush.ref
  await deliver(socket, connection, [joinRef, joinRef, "room:1", "phx_close", {}])
  assert.equal(channel.state, "closed")
  assert.equal(closes, 1)
  assert.deepEqual(socket.channels, [])
  clock.tick(20000)
  await nothingSent(socket, connection)
})

test("leave tells the server, closes at once, and ends events", async (t) => {
  const { socket, connection, channel } = await joined(t)
  channel.on("news", () => assert.fail("has left"))
  let closes = 0
  channel.onClose(() => closes++)
  let left = false
  channel.leave().receive("ok", () => (left = true))
  assert.ok(left)
  assert.equal(channel.state, "closed")
  assert.equal(closes, 1)
  const leave = await connection.accept("phx_leave")
  assert.equal(leave[0], channel.joinPush.ref)
  await deliver(socket, connection, [null, null, "room:1", "news", {}])
  assert.equal(closes, 1)
})

test("leave of a channel that never joined tells the server nothing", async (t) => {
  const { socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  channel.leave()
  assert.equal(channel.state, "closed")
  await nothingSent(socket, connection)
})

test("a join and a leave without a connection leave nothing to send", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  socket.channel("room:1").join()
  socket.channels[0]!.leave()
  const connection = await connect(socket, peer)
  await nothingSent(socket, connection)
})

test("leave and join at once: the leave goes first, and the old close does not touch the new channel", async (t) => {
  const { socket, connection, channel } = await joined(t)
  channel.leave()
  const again = socket.channel("room:1")
  again.join()
  const leave = await connection.next()
  assert.equal(leave[3], "phx_leave")
  await connection.accept("phx_join")
  await received(again, "ok")
  await deliver(socket, connection, [leave[0], leave[0], "room:1", "phx_close", {}])
  assert.equal(again.state, "joined")
})

test("a rejoin that waits its turn does not happen after a leave", async (t) => {
  const { clock, socket, connection, channel } = await joined(t)
  const joinRef = channel.joinPush.ref
  await deliver(socket, connection, [joinRef, joinRef, "room:1", "phx_error", {}])
  channel.leave()
  clock.tick(20000)
  await connection.next()
  await nothingSent(socket, connection)
})
