import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Outbox } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, Peer, settled, socketTo } from "./peer.js"

/** An open socket with a channel that is to join, and a signal. */
async function open(t: TestContext) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const connection = await connect(socket, peer)
  const controller = new AbortController()
  const abort = () => controller.abort(new Error("changed my mind"))
  return { clock, socket, connection, channel: socket.channel("room:1"), signal: controller.signal, abort }
}

async function joined(t: TestContext) {
  const world = await open(t)
  const join = world.channel.join()
  await world.connection.accept("phx_join")
  await join
  return world
}

const changed = { message: "changed my mind" }
const never = () => assert.fail("was aborted")

test("a push that waits for the join is dropped when its signal aborts", async (t) => {
  const { clock, socket, connection, channel, signal, abort } = await open(t)
  const join = channel.join()
  const push = channel.push("unwanted", {}, { signal }).receive("ok", never).receive("timeout", never)
  channel.push("wanted")
  const rejected = assert.rejects(push, changed)
  abort()
  await rejected
  assert.equal(channel.pushBuffer.length, 1)
  await connection.accept("phx_join")
  await join
  await connection.accept("wanted")
  await settled(socket, connection)
  clock.tick(20000)
})

test("a push that was sent is not waited for when its signal aborts, and its reply is ignored", async (t) => {
  const { clock, socket, connection, channel, signal, abort } = await joined(t)
  const push = channel.push("ask", {}, { signal }).receive("ok", never).receive("timeout", never)
  const frame = await connection.next()
  abort()
  connection.reply(frame, "ok")
  await settled(socket, connection)
  clock.tick(20000)
  await assert.rejects(push, changed)
})

test("a signal that has aborted before sends nothing", async (t) => {
  const { clock, socket, connection, channel, signal, abort } = await joined(t)
  abort()
  await assert.rejects(channel.push("ask", {}, { signal }).receive("timeout", never), changed)
  await settled(socket, connection)
  clock.tick(20000)
})

test("a push may have a timeout beside its signal, which then concerns it no longer", async (t) => {
  const { clock, channel, signal, abort } = await joined(t)
  const rejected = assert.rejects(channel.push("ask", {}, { signal, timeout: 100 }), { status: "timeout" })
  clock.tick(100)
  abort()
  await rejected
})

test("a signal that outlives many pushes keeps none of them", async (t) => {
  const { connection, channel, signal } = await joined(t)
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => (listeners++, addEventListener.apply(signal, args))
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => (listeners--, removeEventListener.apply(signal, args))
  const push = channel.push("ask", {}, { signal })
  assert.equal(listeners, 1)
  await connection.accept("ask")
  await push
  assert.equal(listeners, 0)
})

test("a channel is left when the signal of its join aborts before it has joined", async (t) => {
  const { socket, connection, channel, signal, abort } = await open(t)
  const join = channel.join({ signal }).receive("ok", never)
  const frame = await connection.next()
  abort()
  await assert.rejects(join, changed)
  assert.equal(channel.state, "closed")
  const leave = await connection.accept("phx_leave")
  assert.equal(leave[0], frame[0])
  connection.reply(frame, "ok")
  await settled(socket, connection)
  assert.equal(channel.state, "closed")
})

test("a channel that would try to join again is left when the signal aborts", async (t) => {
  const { clock, socket, connection, channel, signal, abort } = await open(t)
  const join = channel.join({ signal, timeout: 500 })
  connection.reply(await connection.next(), "error", { reason: "not yet" })
  await assert.rejects(join, { reason: "not yet" })
  abort()
  assert.equal(channel.state, "closed")
  await connection.accept("phx_leave")
  clock.tick(20000)
  await settled(socket, connection)
})

test("a signal that has aborted before joins nothing", async (t) => {
  const { socket, connection, channel, signal, abort } = await open(t)
  abort()
  await assert.rejects(channel.join({ signal }), changed)
  assert.equal(channel.state, "closed")
  await settled(socket, connection)
})

test("a channel that has joined does not mind the signal of its join", async (t) => {
  const { connection, channel, signal, abort } = await open(t)
  const join = channel.join({ signal })
  await connection.accept("phx_join")
  await join
  abort()
  assert.ok(channel.isJoined())
})

test("a push of an Outbox is not sent when its signal aborts first, and counts as answered", async (t) => {
  const { connection, channel, signal, abort } = await open(t)
  const outbox = new Outbox(channel)
  const join = channel.join()
  const push = outbox.push("unwanted", {}, { signal }).receive("error", never)
  const rejected = assert.rejects(push, changed)
  outbox.push("wanted", {}, { timeout: 60_000 })
  abort()
  await rejected
  assert.equal(outbox.size, 1)
  await connection.accept("phx_join", { _once: { session: "s" } })
  await join
  const [, , , event, payload] = await connection.accept("wanted")
  assert.deepEqual([event, payload], ["wanted", { _once: { id: 2, done: 1 } }])
  await assert.rejects(outbox.push("unwanted", {}, { signal }), changed)
})
