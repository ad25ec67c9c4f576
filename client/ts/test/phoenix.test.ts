// What phoenix.js documents and tests of itself and no other file here shows: README.md says where each line of it is.

import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { LongPoll, Socket, type SocketOptions } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, event, nodeWebSocket, Peer, settled, socketTo } from "./peer.js"
import { PollPeer } from "./poll-peer.js"

/** A socket that is open, unless it is to be slow, and time in the hands of the test. */
async function open(t: TestContext, opts: SocketOptions = {}) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer, opts)
  return { clock, peer, socket, connection: await connect(socket, peer) }
}

const offline = () => new Socket("ws://example.test/socket", { transport: nodeWebSocket })

test("a join that is never answered is tried again and again, each try with a join and a leave", async (t) => {
  const { clock, socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  channel.join(500)
  for (const wait of [1000, 2000, 5000]) {
    const join = await connection.next()
    assert.equal(join[3], "phx_join")
    clock.tick(500)
    const leave = await connection.next()
    assert.deepEqual([leave[0], leave[3], channel.state], [join[0], "phx_leave", "errored"])
    clock.tick(wait - 1)
    assert.equal(channel.state, "errored")
    clock.tick(1)
  }
  await connection.accept("phx_join")
  await channel.joinPush.then(() => {}, () => {})
})

test("a join with a timeout of its own gives it to the channel's pushes", async (t) => {
  const { clock, socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  const joined = event((resolve) => channel.join(500).receive("ok", resolve))
  await connection.accept("phx_join")
  await joined
  assert.equal(channel.timeout, 500)
  let late = false
  channel.push("ask").receive("timeout", () => (late = true))
  clock.tick(499)
  assert.ok(!late)
  clock.tick(1)
  assert.ok(late)
})

test("a join waits for a socket that is slow to open, and is sent once", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const channel = socket.channel("room:1")
  const join = channel.join()
  const connection = await connect(socket, peer)
  await connection.accept("phx_join", { hello: "world" })
  assert.deepEqual(await join, { hello: "world" })
  await settled(socket, connection)
})

test("a join that times out before the socket is open is sent again when it is", async (t) => {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const channel = socket.channel("room:1")
  const join = channel.join(500)
  clock.tick(500)
  assert.equal(channel.state, "errored")
  await assert.rejects(join, { status: "timeout" })
  const ok = event((resolve) => channel.joinPush.receive("ok", resolve))
  const connection = await connect(socket, peer)
  await connection.accept("phx_join")
  await ok
  assert.equal(channel.state, "joined")
  await settled(socket, connection)
})

test("callbacks of a join are called for its reply, whether they were there before or come later", async (t) => {
  const { socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  const never = () => assert.fail("was ok")
  const before = event((resolve) => channel.join().receive("error", never).receive("timeout", never).receive("ok", resolve))
  await connection.accept("phx_join", { a: 1 })
  assert.deepEqual(await before, { a: 1 })
  let after: unknown
  channel.joinPush.receive("ok", (response) => (after = response)).receive("error", never)
  assert.deepEqual(after, { a: 1 })
})

for (const [what, fail] of [
  ["is refused", { status: "error", wait: 0 }],
  ["times out", { status: undefined, wait: 500 }],
] as const) {
  test(`what waits for a join that ${what} is not sent, and goes with the next one`, async (t) => {
    const { clock, socket, connection } = await open(t)
    const channel = socket.channel("room:1")
    const join = channel.join(500)
    channel.push("ask", {}, 10_000)
    const frame = await connection.next()
    if (fail.status) connection.reply(frame, fail.status)
    clock.tick(fail.wait)
    await assert.rejects(join)
    if (!fail.status) assert.equal((await connection.next())[3], "phx_leave")
    assert.equal(channel.pushBuffer.length, 1)
    await settled(socket, connection)
    clock.tick(1000)
    await connection.accept("phx_join")
    await connection.accept("ask")
    assert.deepEqual(channel.pushBuffer, [])
  })
}

test("a channel can push when it has joined and the socket is connected", async (t) => {
  const { socket, connection } = await open(t)
  const channel = socket.channel("room:1")
  assert.ok(!channel.canPush())
  const join = channel.join()
  assert.ok(!channel.canPush())
  await connection.accept("phx_join")
  await join
  assert.ok(channel.canPush())
  const lost = event((resolve) => channel.onError(resolve))
  connection.terminate()
  await lost
  assert.ok(!channel.canPush())
})

test("a push that times out in the buffer leaves no callback behind", (t) => {
  const clock = new Clock(t)
  const channel = offline().channel("room:1")
  channel.join(60_000)
  const callbacks = () => [...(channel as any).bindings.keys()].sort()
  const before = callbacks()
  channel.push("ask", {}, 100)
  assert.notDeepEqual(callbacks(), before)
  clock.tick(100)
  assert.deepEqual(callbacks(), before)
  channel.leave()
})

test("a socket has the channels that were made, until they are closed", () => {
  const socket = offline()
  const [a, b] = [socket.channel("a"), socket.channel("b")]
  assert.deepEqual(socket.channels, [a, b])
  a.leave()
  assert.deepEqual(socket.channels, [b])
})

test("refs start again when they are used up", () => {
  const socket = offline()
  ;(socket as any).ref = Number.MAX_SAFE_INTEGER - 1
  assert.deepEqual([socket.makeRef(), socket.makeRef(), socket.makeRef()], [String(Number.MAX_SAFE_INTEGER), "0", "1"])
})

test("the state of the connection is that of the transport, by name", () => {
  const transport = { readyState: 0, close() {}, send() {} }
  const socket = new Socket("ws://example.test/socket", { transport: function () { return transport } as any })
  assert.equal(socket.connectionState(), "closed")
  socket.connect()
  const states = [0, 1, 2, 3, 4].map((state) => {
    transport.readyState = state
    return [socket.connectionState(), socket.isConnected()]
  })
  assert.deepEqual(states, [["connecting", false], ["open", true], ["closing", false], ["closed", false], ["closed", false]])
})

test("connect over LongPoll opens one session, however often it is called", async (t) => {
  const peer = await PollPeer.start(t)
  let made = 0
  class Counted extends LongPoll {
    constructor(...args: ConstructorParameters<typeof LongPoll>) {
      super(...args)
      made++
    }
  }
  const socket = socketTo(t, peer, { transport: Counted })
  socket.connect()
  socket.connect()
  assert.equal(made, 1)
})

test("params and the auth token may be values or functions", () => {
  for (const params of [{ a: 1 }, () => ({ a: 1 })]) {
    const made: [string, string[] | undefined][] = []
    const transport = function (url: string, protocols?: string[]) {
      made.push([url, protocols])
      return { readyState: 0, close() {}, send() {} }
    } as any
    new Socket("ws://example.test/socket", { transport, params, authToken: typeof params === "function" ? () => "secret" : "secret" }).connect()
    assert.deepEqual(made, [["ws://example.test/socket/websocket?a=1&vsn=2.0.0", ["phoenix", "base64url.bearer.phx.c2VjcmV0"]]])
  }
})
