import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Clock } from "./clock.js"
import { Page } from "./page.js"
import { Socket } from "../src/index.js"
import { connect, event, nodeWebSocket, Peer, settled, socketTo } from "./peer.js"

async function world(t: TestContext) {
  const clock = new Clock(t)
  const page = new Page(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  return { clock, page, peer, socket }
}

const closed = (socket: Awaited<ReturnType<typeof world>>["socket"]) => event((resolve) => socket.onClose(resolve))

test("a page that goes into the cache disconnects, and connects again when it comes back", async (t) => {
  const { clock, page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  const close = closed(socket)
  page.fire("pagehide")
  await connection.closed
  await close
  clock.tick(150)
  assert.equal(socket.conn, null)
  const open = event((resolve) => socket.onOpen(() => resolve(undefined)))
  page.fire("pageshow")
  await peer.next()
  await open
})

for (const order of ["before", "after"]) {
  test(`a page that comes back leaves alone what the application disconnected ${order} it went`, async (t) => {
    const { page, peer, socket } = await world(t)
    const connection = await connect(socket, peer)
    if (order === "before") socket.disconnect()
    page.fire("pagehide")
    if (order === "after") socket.disconnect()
    page.fire("pageshow")
    assert.equal(socket.connectionState(), "closing")
    await connection.closed
  })
}

test("a page that is hidden stays connected", async (t) => {
  const { page, peer, socket } = await world(t)
  await connect(socket, peer)
  page.become("hidden")
  assert.ok(socket.isConnected())
})

test("a page that is shown for the first time connects nothing", async (t) => {
  const { page, socket } = await world(t)
  page.fire("pageshow")
  page.become("visible")
  assert.equal(socket.conn, null)
})

test("a hidden page does not reconnect until it is visible, then at once", async (t) => {
  const { clock, page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  const close = closed(socket)
  connection.terminate()
  await close
  page.become("hidden")
  clock.tick(60000)
  assert.equal(socket.conn, null)
  const open = event((resolve) => socket.onOpen(() => resolve(undefined)))
  page.become("visible")
  await peer.next()
  await open
})

test("a page that becomes visible does not wait for the next try", async (t) => {
  const { clock, page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  const close = closed(socket)
  connection.terminate()
  await close
  const open = event((resolve) => socket.onOpen(() => resolve(undefined)))
  page.become("visible")
  await peer.next()
  await open
  clock.tick(5000)
  assert.ok(socket.isConnected())
  assert.equal(peer.unseen, 0)
})

test("a page that becomes visible does not bring back a socket that was told to stay away", async (t) => {
  const { page, peer, socket } = await world(t)
  for (const end of ["by the application", "by the server"]) {
    const connection = await connect(socket, peer)
    const close = closed(socket)
    if (end === "by the application") socket.disconnect()
    else connection.close(1000)
    await close
    page.become("hidden")
    page.become("visible")
    assert.notEqual(socket.connectionState(), "connecting", end)
  }
})

test("a page that becomes visible during a heartbeat timeout connects once", async (t) => {
  const { clock, page, peer, socket } = await world(t)
  await connect(socket, peer)
  clock.tick(60000)
  const close = closed(socket)
  page.become("visible")
  await close
  const open = event((resolve) => socket.onOpen(() => resolve(undefined)))
  clock.tick(160)
  const connection = await peer.next()
  await open
  clock.tick(5000)
  assert.ok(socket.isConnected())
  socket.ping(() => {})
  await connection.accept("heartbeat")
  assert.equal(peer.unseen, 0)
})

test("a disconnect takes precedence over the reconnect of a page that became visible", async (t) => {
  const { clock, page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  clock.tick(60000)
  const close = closed(socket)
  page.become("visible")
  socket.disconnect()
  await connection.closed
  await close
  clock.tick(5000)
  assert.equal(socket.conn, null)
  assert.equal(peer.unseen, 0)
})

const wakes: [what: string, act: (page: Page) => void][] = [
  ["becomes visible", (page) => page.become("visible")],
  ["is woken up", (page) => page.resume()],
  ["is online again", (page) => page.goes("online")],
  ["is on another network", (page) => page.uses("cellular")],
  ["has lost its network", (page) => page.goes("offline")],
]

for (const [what, act] of wakes) {
  test(`a page that ${what} asks for a sign of life, and stays connected if it gets one`, async (t) => {
    const { clock, page, peer, socket } = await world(t)
    const connection = await connect(socket, peer)
    act(page)
    await connection.accept("heartbeat")
    await settled(socket, connection)
    clock.tick(29999)
    assert.ok(socket.isConnected())
    clock.tick(1)
    await connection.accept("heartbeat")
  })

  test(`a page that ${what} gives up a connection that gives no sign of life within 3 seconds`, async (t) => {
    const { clock, page, peer, socket } = await world(t)
    await connect(socket, peer)
    act(page)
    clock.tick(2999)
    assert.ok(socket.isConnected())
    const scheduled = event<number>((resolve) => socket.onReconnect(resolve))
    const close = closed(socket)
    clock.tick(1)
    await close
    clock.tick(150)
    const wait = await scheduled
    assert.equal(wait, what === "has lost its network" ? 5000 : 10)
    clock.tick(wait)
    await peer.next()
  })
}

for (const [what, act] of wakes.slice(1, 4)) {
  test(`a page that ${what} does not wait for the next try`, async (t) => {
    const { clock, page, peer, socket } = await world(t)
    const connection = await connect(socket, peer)
    const close = closed(socket)
    connection.terminate()
    await close
    act(page)
    await peer.next()
    clock.tick(5000)
    assert.equal(peer.unseen, 0)
  })
}

test("all that happens when a page comes back asks for one sign of life", async (t) => {
  const { clock, page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  for (let i = 0; i < 5; i++) for (const [, act] of wakes.slice(0, 3)) act(page)
  await connection.accept("heartbeat")
  await settled(socket, connection)
  const close = closed(socket)
  clock.tick(10000)
  assert.ok(socket.isConnected())
  connection.terminate()
  await close
})

test("all that happens when a page comes back makes one connection", async (t) => {
  const { clock, page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  const close = closed(socket)
  connection.terminate()
  await close
  const open = event((resolve) => socket.onOpen(() => resolve(undefined)))
  for (let i = 0; i < 5; i++) for (const [, act] of wakes.slice(0, 4)) act(page)
  const next = await peer.next()
  await open
  await settled(socket, next)
  clock.tick(5000)
  assert.equal(peer.unseen, 0)
})

test("without a network tries are at least 5 seconds apart, and come at once when there is one", async (t) => {
  const { clock, page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  page.goes("offline")
  peer.refuse()
  const waits: number[] = []
  for (let i = 0; i < 3; i++) {
    const scheduled = event<number>((resolve) => socket.onReconnect(resolve))
    if (i === 0) connection.terminate()
    else clock.tick(5000)
    waits.push(await scheduled)
  }
  assert.deepEqual(waits, [5000, 5000, 5000])
  peer.refuse(false)
  page.goes("online")
  await peer.next()
})

test("a page that is told to stay away does so whatever happens to it", async (t) => {
  const { clock, page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  const close = closed(socket)
  connection.close(1012, "server shuts down; retry_after_ms=20000")
  await close
  clock.tick(19999)
  for (const [, act] of wakes.slice(0, 4)) act(page)
  assert.notEqual(socket.connectionState(), "connecting")
  clock.tick(1)
  await peer.next()
})

test("a network that has merely become slower is the same one", async (t) => {
  const { page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  page.uses("wifi")
  await settled(socket, connection)
})

test("without a page nothing is listened to", async (t) => {
  const listen = t.mock.method(EventTarget.prototype, "addEventListener")
  new Socket("ws://peer.test/socket", { transport: nodeWebSocket })
  assert.equal(listen.mock.callCount(), 0)
})
