import assert from "node:assert/strict"
import { test } from "node:test"
import { LongPoll, Socket, type CloseInfo, type Message, type SocketOptions } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, event, nodeWebSocket, Peer, socketTo } from "./peer.js"

test("the defaults are those of phoenix.js", () => {
  const socket = new Socket("wss://example.test/socket")
  assert.equal(socket.endPoint, "wss://example.test/socket/websocket")
  assert.equal(socket.timeout, 10000)
  assert.equal(socket.heartbeatIntervalMs, 30000)
  assert.equal(socket.longpollerTimeout, 20000)
  assert.equal(socket.binaryType, "arraybuffer")
  assert.equal(socket.vsn, "2.0.0")
  assert.equal(socket.connectionState(), "closed")
  assert.equal(socket.getLongPollTransport(), LongPoll)
  const tries = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
  assert.deepEqual(tries.map(socket.reconnectAfterMs), [10, 50, 100, 150, 200, 250, 500, 1000, 2000, 5000, 5000])
  assert.deepEqual([1, 2, 3, 4, 5].map(socket.rejoinAfterMs), [1000, 2000, 5000, 10000, 10000])
})

test("without a WebSocket in the host, the transport is LongPoll", (t) => {
  const had = Object.getOwnPropertyDescriptor(globalThis, "WebSocket")
  Reflect.deleteProperty(globalThis, "WebSocket")
  t.after(() => had && Object.defineProperty(globalThis, "WebSocket", had))
  assert.equal(new Socket("ws://example.test/socket").transport, LongPoll)
})

test("params go into the query, nested ones in brackets, and are asked for at each connect", () => {
  let calls = 0
  const params = () => ({ n: ++calls, user: { name: "a&b", tags: ["x"] }, none: null, missing: undefined })
  const socket = new Socket("ws://example.test/socket", { params })
  const query = (n: number) => `n=${n}&user%5Bname%5D=a%26b&user%5Btags%5D%5B0%5D=x&vsn=2.0.0`
  assert.equal(socket.endPointURL(), `ws://example.test/socket/websocket?${query(1)}`)
  assert.equal(socket.endPointURL(), `ws://example.test/socket/websocket?${query(2)}`)
})

test("an endpoint without a host is that of the page", (t) => {
  t.after(() => Reflect.deleteProperty(globalThis, "location"))
  const urls = (protocol: string) => {
    Object.defineProperty(globalThis, "location", { value: { protocol, host: "page.test:4000" }, configurable: true })
    return ["/socket", "//other.test/socket", "ws://full.test/socket"].map((endPoint) => new Socket(endPoint).endPointURL())
  }
  const path = "/socket/websocket?vsn=2.0.0"
  assert.deepEqual(urls("https:"), [`wss://page.test:4000${path}`, `wss://other.test${path}`, `ws://full.test${path}`])
  assert.deepEqual(urls("http:"), [`ws://page.test:4000${path}`, `ws://other.test${path}`, `ws://full.test${path}`])
})

test("an endpoint without a host and without a page is an error", () => {
  const socket = new Socket("/socket", { transport: nodeWebSocket })
  assert.throws(() => socket.connect(), /endpoint "\/socket\/websocket" is relative/)
})

test("connect opens one connection, however often it is called", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer, { params: { token: "t" } })
  const opened = event(() => socket.onOpen(() => socket.connect()))
  void opened
  socket.connect()
  assert.equal(socket.connectionState(), "connecting")
  const connection = await connect(socket, peer)
  assert.equal(connection.url.pathname + connection.url.search, "/socket/websocket?token=t&vsn=2.0.0")
  assert.deepEqual(connection.protocols, [""])
  assert.ok(socket.isConnected())
  socket.connect()
  socket.ping(() => {})
  await connection.accept("heartbeat")
  assert.equal(peer.unseen, 0)
})

test("the auth token travels as a subprotocol and is asked for at each connect", async (t) => {
  const peer = await Peer.start(t)
  let token = "ab?>"
  const socket = socketTo(t, peer, { authToken: () => token })
  const first = await connect(socket, peer)
  // The standard alphabet would put a "/" into the name of a subprotocol, where it is illegal.
  assert.deepEqual(first.protocols, ["phoenix", "base64url.bearer.phx.YWI_Pg"])
  token = "ab>>>"
  first.terminate()
  const second = await peer.next()
  assert.deepEqual(second.protocols, ["phoenix", "base64url.bearer.phx.YWI+Pj4"])
})

test("an auth token that cannot be sent is an error that says so", () => {
  const socket = new Socket("ws://example.test/socket", { transport: nodeWebSocket, authToken: "schlüssel€" })
  assert.throws(() => socket.connect(), /authToken holds a character above U\+00FF/)
})

test("what is pushed before the socket is open is sent in order when it is", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  for (const ref of ["1", "2"]) socket.push({ join_ref: null, ref, topic: "t", event: "e", payload: {} })
  const connection = await connect(socket, peer)
  assert.deepEqual(await connection.next(), [null, "1", "t", "e", {}])
  assert.deepEqual(await connection.next(), [null, "2", "t", "e", {}])
})

test("a buffered message that cannot be encoded is dropped alone", async (t) => {
  const peer = await Peer.start(t)
  const log: string[] = []
  const socket = socketTo(t, peer, { logger: (_kind, message) => log.push(message) })
  socket.push({ join_ref: null, ref: "1", topic: "bad", event: "e", payload: 1n })
  socket.push({ join_ref: null, ref: "2", topic: "good", event: "e", payload: {} })
  const connection = await connect(socket, peer)
  assert.equal((await connection.next())[2], "good")
  assert.ok(log.includes("dropping a message to bad that cannot be encoded"))
})

test("a buffered message that is no longer wanted is dropped, at the latest when more is buffered", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const message = { join_ref: null, ref: "1", event: "e", payload: {} }
  let wanted = false
  socket.push({ ...message, topic: "unwanted" }, () => wanted)
  socket.push({ ...message, topic: "wanted" })
  wanted = true
  const connection = await connect(socket, peer)
  assert.equal((await connection.next())[2], "wanted")
})

test("messages reach the channel of their topic and every message callback", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const connection = await connect(socket, peer)
  const seen: string[] = []
  socket.channel("a").on("news", () => seen.push("a"))
  socket.channel("b").on("news", () => seen.push("b"))
  const message = event<Message>((resolve) => socket.onMessage(resolve))
  connection.send([null, null, "b", "news", { n: 1 }])
  assert.deepEqual(await message, { join_ref: null, ref: null, topic: "b", event: "news", payload: { n: 1 } })
  assert.deepEqual(seen, ["b"])
})

test("a malformed frame is dropped and the connection goes on", async (t) => {
  const peer = await Peer.start(t)
  const log: string[] = []
  const socket = socketTo(t, peer, { logger: (_kind, message) => log.push(message) })
  const connection = await connect(socket, peer)
  const message = event<Message>((resolve) => socket.onMessage(resolve))
  connection.send("{oops")
  connection.send(Buffer.from([9]))
  connection.send([null, null, "t", "fine", {}])
  assert.equal((await message).event, "fine")
  assert.equal(log.filter((line) => line === "dropping malformed message").length, 2)
})

test("removed callbacks are not called", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const never = () => assert.fail("was removed")
  socket.off([socket.onOpen(never), socket.onClose(never), socket.onError(never), socket.onMessage(never)])
  const connection = await connect(socket, peer)
  connection.send([null, null, "t", "e", {}])
  await event((resolve) => socket.disconnect(() => resolve(undefined)))
})

test("a logger sees what is sent and received, but neither params nor token", async (t) => {
  const peer = await Peer.start(t)
  const log: string[] = []
  const logger = (...line: unknown[]) => log.push(JSON.stringify(line))
  const socket = socketTo(t, peer, { logger, params: { secret: "in-params" }, authToken: "in-token" })
  assert.ok(socket.hasLogger())
  const connection = await connect(socket, peer)
  socket.push({ join_ref: null, ref: "7", topic: "t", event: "e", payload: { a: 1 } })
  await connection.accept("e")
  await event((resolve) => socket.onMessage(resolve))
  assert.ok(log.includes('["push","t e (null, 7)",{"a":1}]'))
  assert.ok(log.some((line) => line.startsWith('["receive","t phx_reply (null, 7)"')))
  assert.ok(!log.some((line) => /in-params|in-token/.test(line)))
})

test("ping measures the round trip, and says false when the socket is not open", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  assert.equal(socket.ping(() => assert.fail("not open")), false)
  const connection = await connect(socket, peer)
  const rtt = event<number>((resolve) => assert.equal(socket.ping(resolve), true))
  const frame = await connection.accept("heartbeat")
  assert.deepEqual([frame[0], frame[2], frame[4]], [null, "phoenix", {}])
  assert.ok((await rtt) >= 0)
})

test("refs are counted by the socket, as strings", () => {
  const socket = new Socket("ws://example.test/socket")
  assert.deepEqual([socket.makeRef(), socket.makeRef(), socket.makeRef()], ["1", "2", "3"])
})

test("disconnect closes with code and reason, calls back, and does not come back", async (t) => {
  const time = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const connection = await connect(socket, peer)
  const closeEvent = event<CloseInfo>((resolve) => socket.onClose(resolve))
  const done = event<void>((resolve) => socket.disconnect(() => resolve(), 4001, "bye"))
  assert.deepEqual(await connection.closed, { code: 4001, reason: "bye" })
  assert.equal((await closeEvent).code, 4001)
  time.tick(150)
  await done
  assert.equal(socket.conn, null)
  time.tick(60000)
  assert.equal(socket.conn, null)
})

test("disconnect without a connection calls back at once", () => {
  let called = false
  new Socket("ws://example.test/socket").disconnect(() => (called = true))
  assert.ok(called)
})

test("two disconnects both call back", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  await connect(socket, peer)
  await Promise.all([1, 2].map(() => event<void>((resolve) => socket.disconnect(() => resolve()))))
  assert.equal(socket.connectionState(), "closed")
})

test("connect right after disconnect leaves one connection, and the channels rejoin on it", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const first = await connect(socket, peer)
  const channel = socket.channel("room:1")
  channel.join()
  await first.accept("phx_join")
  await event((resolve) => channel.joinPush.receive("ok", resolve))
  const disconnected = event<void>((resolve) => socket.disconnect(() => resolve()))
  const second = await connect(socket, peer)
  await Promise.all([first.closed, disconnected])
  assert.equal((await second.accept("phx_join"))[2], "room:1")
  assert.ok(socket.isConnected())
  assert.equal(peer.unseen, 0)
})

test("a socket that is told to go before it is open goes quietly", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  socket.onError(() => assert.fail("closing is no error"))
  socket.connect()
  await event<void>((resolve) => socket.disconnect(() => resolve()))
  assert.equal(socket.connectionState(), "closed")
})

test("the transport may be replaced", async (t) => {
  const [peer, other] = [await Peer.start(t), await Peer.start(t)]
  const socket = socketTo(t, peer)
  const first = await connect(socket, peer)
  class Elsewhere extends (nodeWebSocket as any) {
    constructor() {
      super(`${other.url}/websocket`)
    }
  }
  const heard = [
    socket.onClose(() => assert.fail("the old transport concerns nobody")),
    socket.onError(() => assert.fail("the old transport concerns nobody")),
  ]
  socket.replaceTransport(Elsewhere as unknown as typeof nodeWebSocket)
  assert.equal(socket.conn, null)
  await first.closed
  const second = await connect(socket, other)
  socket.ping(() => {})
  await second.accept("heartbeat")
  socket.off(heard)
})

test("own encode and decode take the place of the serializer", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer, {
    encode: (message, callback) => callback(JSON.stringify([message.join_ref, message.ref, message.topic, "encoded", {}])),
    decode: (_frame, callback) => callback({ join_ref: null, ref: null, topic: "t", event: "decoded", payload: {} }),
  })
  const connection = await connect(socket, peer)
  socket.push({ join_ref: null, ref: "1", topic: "t", event: "e", payload: {} })
  assert.equal((await connection.next())[3], "encoded")
  const message = event<Message>((resolve) => socket.onMessage(resolve))
  connection.send("anything")
  assert.equal((await message).event, "decoded")
})

for (const [type, opts] of [["an ArrayBuffer", {}], ["a Uint8Array", { uint8Arrays: true }]] as const) {
  test(`bytes arrive as ${type}, in events and replies, and JSON as it is`, async (t) => {
    const peer = await Peer.start(t)
    const socket = socketTo(t, peer, opts)
    const connection = await connect(socket, peer)
    const seen: unknown[] = []
    socket.onMessage(({ payload }) => seen.push(payload))
    connection.send(Buffer.from("\x02\x01\x01te\x07", "latin1"))
    connection.send(Buffer.from("\x01\x01\x01\x01\x0212tok\x07", "latin1"))
    connection.send([null, null, "t", "e", { response: [1] }])
    connection.send(["1", "9", "t", "phx_reply", { status: "ok", response: {} }])
    await new Promise<void>((resolve) => {
      socket.onMessage(({ ref }) => ref === "9" && resolve())
    })
    const bytes = "uint8Arrays" in opts ? new Uint8Array([7]) : new Uint8Array([7]).buffer
    assert.deepEqual(seen, [bytes, { status: "ok", response: bytes }, { response: [1] }, { status: "ok", response: {} }])
  })
}

test("a message whose decoding ends after its connection does is dropped", async (t) => {
  const peer = await Peer.start(t)
  const options: SocketOptions = {}
  const decoding = event<() => void>((resolve) => {
    options.decode = (_frame, callback) => resolve(() => callback({ join_ref: null, ref: null, topic: "t", event: "late", payload: {} }))
  })
  const socket = socketTo(t, peer, options)
  socket.onMessage(() => assert.fail("the connection is gone"))
  const connection = await connect(socket, peer)
  connection.send("anything")
  const finish = await decoding
  await event<void>((resolve) => socket.disconnect(() => resolve()))
  finish()
})
