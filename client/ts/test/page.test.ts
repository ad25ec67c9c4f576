import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Clock } from "./clock.js"
import { connect, event, Peer, socketTo } from "./peer.js"

/** As much of a page as a socket looks at. */
class Page {
  private readonly window = new EventTarget()
  private readonly document = Object.assign(new EventTarget(), { visibilityState: "visible" })

  constructor(t: TestContext) {
    const { window, document } = this
    Object.assign(globalThis, { window, document })
    t.after(() => {
      Reflect.deleteProperty(globalThis, "window")
      Reflect.deleteProperty(globalThis, "document")
    })
  }

  fire(type: "pagehide" | "pageshow"): void {
    this.window.dispatchEvent(new Event(type))
  }

  become(visibilityState: "visible" | "hidden"): void {
    this.document.visibilityState = visibilityState
    this.document.dispatchEvent(new Event("visibilitychange"))
  }
}

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

test("a page that comes back leaves alone what the application disconnected", async (t) => {
  const { page, peer, socket } = await world(t)
  const connection = await connect(socket, peer)
  page.fire("pagehide")
  socket.disconnect()
  page.fire("pageshow")
  await connection.closed
  assert.notEqual(socket.connectionState(), "connecting")
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
  page.become("hidden")
  assert.ok(socket.isConnected())
  const close = closed(socket)
  connection.terminate()
  await close
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
