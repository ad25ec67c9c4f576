import assert from "node:assert/strict"
import { createServer } from "node:http"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import { test, type TestContext } from "node:test"
import { WebSocketServer } from "ws"
import { LongPoll, Socket, type SessionStorage, type SocketOptions, type TransportConstructor } from "../src/index.js"
import { Clock } from "./clock.js"
import { event, nodeWebSocket } from "./peer.js"

class MemoryStorage implements SessionStorage {
  readonly items = new Map<string, string>()

  getItem(key: string): string | null {
    return this.items.get(key) ?? null
  }

  setItem(key: string, value: string): void {
    this.items.set(key, value)
  }
}

/** How a server treats WebSockets: it refuses, never answers, accepts but passes nothing on, or works. */
type Behaviour = "refuse" | "hang" | "mute" | "work"

/** A server on which long polling works and WebSockets do as told, and a socket to it. */
async function serve(t: TestContext, initially: Behaviour, opts: SocketOptions = {}) {
  let behaviour = initially
  const clock = new Clock(t)
  const server = createServer((request, response) => {
    // The first poll opens; the next ones wait.
    if (!request.headers["x-phoenix-longpoll-token"]) response.end(JSON.stringify({ status: 410, token: "s1", messages: [] }))
  })
  const sockets = new WebSocketServer({ noServer: true })
  const streams: Duplex[] = []
  const upgraded = event((resolve) => {
    server.on("upgrade", (request, stream, head) => {
      if (behaviour === "refuse") stream.end("HTTP/1.1 403 Forbidden\r\n\r\n")
      streams.push(stream)
      if (behaviour === "mute" || behaviour === "work") sockets.handleUpgrade(request, stream, head, (ws) => sockets.emit("connection", ws))
      resolve(undefined)
    })
  })
  sockets.on("connection", (ws) => {
    ws.on("message", (data) => {
      const [join_ref, ref, topic] = JSON.parse(data.toString())
      if (behaviour === "work") ws.send(JSON.stringify([join_ref, ref, topic, "phx_reply", { status: "ok", response: {} }]))
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const storage = new MemoryStorage()
  const socket = new Socket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/socket`, {
    transport: nodeWebSocket,
    longPollFallbackMs: 2500,
    sessionStorage: storage,
    ...opts,
  })
  t.after(() => {
    socket.disconnect()
    for (const ws of sockets.clients) ws.terminate()
    server.close()
    server.closeAllConnections()
  })
  const become = (next: Behaviour) => (behaviour = next)
  return { clock, socket, storage, upgraded, sockets, streams, become }
}

const opened = (socket: Socket) => event((resolve) => socket.onOpen(() => resolve(undefined)))

/** LongPoll polls and opens in tasks of their own, which the clock has to let run. */
async function openOverLongPoll(clock: Clock, socket: Socket) {
  let open = false
  void opened(socket).then(() => (open = true))
  while (!open) {
    clock.tick(0)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test("a transport that works is kept", async (t) => {
  const { clock, socket, storage } = await serve(t, "work")
  const answered = event((resolve) => socket.onMessage(resolve))
  socket.connect()
  await answered
  clock.tick(10000)
  assert.equal(socket.transport, nodeWebSocket)
  assert.ok(socket.isConnected())
  assert.equal(storage.items.size, 0)
})

test("a transport that fails before it opens is replaced at once, and the tab remembers", async (t) => {
  const { clock, socket, storage } = await serve(t, "refuse")
  const channel = socket.channel("room:1")
  channel.onError(() => assert.fail("its join just waits for the other transport"))
  channel.join()
  const failed = event((resolve) => socket.onError(resolve))
  const told: TransportConstructor[] = []
  socket.onTransport((transport) => told.push(transport))
  socket.connect()
  await failed
  assert.equal(socket.transport, LongPoll)
  assert.deepEqual(told, [LongPoll])
  await openOverLongPoll(clock, socket)
  assert.deepEqual([...storage.items], [["phx:fallback:LongPoll", "true"]])
  assert.equal(channel.state, "joining")
  channel.leave()
})

test("a transport that worked once is replaced when it fails to open again, but the tab does not remember", async (t) => {
  const { clock, socket, storage, sockets, become } = await serve(t, "work")
  const answered = event((resolve) => socket.onMessage(resolve))
  socket.connect()
  await answered
  become("refuse")
  const closed = event((resolve) => socket.onClose(resolve))
  for (const ws of sockets.clients) ws.terminate()
  await closed
  const failed = event((resolve) => socket.onError(resolve))
  clock.tick(10)
  await failed
  assert.equal(socket.transport, LongPoll)
  await openOverLongPoll(clock, socket)
  assert.equal(storage.items.size, 0)
})

test("a transport that fails after it opened is kept, and reconnects", async (t) => {
  const { clock, socket, streams } = await serve(t, "work")
  const answered = event((resolve) => socket.onMessage(resolve))
  socket.connect()
  await answered
  const failed = event((resolve) => socket.onError(resolve))
  const closed = event((resolve) => socket.onClose(resolve))
  // A frame with bits that nobody agreed on.
  streams[0]!.write(Buffer.from([0xff, 0]))
  await failed
  await closed
  const again = opened(socket)
  clock.tick(10)
  await again
  assert.equal(socket.transport, nodeWebSocket)
})

test("a transport that does not open in time is replaced", async (t) => {
  const { clock, socket, storage, upgraded } = await serve(t, "hang")
  socket.connect()
  await upgraded
  clock.tick(2499)
  assert.equal(socket.transport, nodeWebSocket)
  clock.tick(1)
  assert.equal(socket.transport, LongPoll)
  await openOverLongPoll(clock, socket)
  assert.equal(storage.getItem("phx:fallback:LongPoll"), "true")
})

test("a transport that opens but does not answer a ping in time is replaced, and the channels rejoin", async (t) => {
  const { clock, socket } = await serve(t, "mute")
  const channel = socket.channel("room:1")
  channel.join()
  const open = opened(socket)
  socket.connect()
  await open
  const errored = event<unknown>((resolve) => channel.onError(resolve))
  clock.tick(2499)
  assert.equal(socket.transport, nodeWebSocket)
  clock.tick(1)
  assert.equal(socket.transport, LongPoll)
  assert.deepEqual(await errored, { source: "transport", reason: "connection_closed" })
  await openOverLongPoll(clock, socket)
  assert.equal(channel.state, "joining")
})

test("a tab that remembers starts with LongPoll", async (t) => {
  const { clock, socket, storage } = await serve(t, "work")
  storage.setItem("phx:fallback:LongPoll", "true")
  socket.connect()
  assert.equal(socket.transport, LongPoll)
  await openOverLongPoll(clock, socket)
  assert.ok(socket.isConnected())
})

test("without the option nothing is replaced", async (t) => {
  const { clock, socket } = await serve(t, "refuse", { longPollFallbackMs: 0, reconnectAfterMs: () => 60000 })
  const closed = event((resolve) => socket.onClose(resolve))
  socket.connect()
  await closed
  clock.tick(10000)
  assert.equal(socket.transport, nodeWebSocket)
})

test("a disconnect ends the attempt", async (t) => {
  const { clock, socket, upgraded } = await serve(t, "hang")
  socket.connect()
  await upgraded
  socket.disconnect()
  clock.tick(10000)
  assert.equal(socket.transport, nodeWebSocket)
  assert.equal(socket.conn, null)
})
