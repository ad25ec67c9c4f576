import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Clock } from "./clock.js"
import { Page } from "./page.js"
import { connect, event, Peer, socketTo } from "./peer.js"

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
