import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Clock } from "./clock.js"
import { Page } from "./page.js"
import { connect, event, Peer, socketTo } from "./peer.js"
import type { SocketOptions } from "../src/index.js"

/** A promise that the test settles. */
function deferred<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle))
  return { promise, resolve, reject }
}

/** A socket whose token comes when the test says so; each time it is asked for is in `asked`. */
async function world(t: TestContext, opts: SocketOptions = {}) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const asked: ReturnType<typeof deferred<string>>[] = []
  const socket = socketTo(t, peer, {
    authToken: () => {
      const next = deferred<string>()
      asked.push(next)
      return next.promise
    },
    ...opts,
  })
  return { clock, peer, socket, asked }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const bearer = (token: string) => ["phoenix", `base64url.bearer.phx.${btoa(token).replaceAll("=", "")}`]

test("params and a token that come by promises are sent", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer, { params: async () => ({ room: 7 }), authToken: () => Promise.resolve("t1") })
  const connection = await connect(socket, peer)
  assert.equal(connection.url.search, "?room=7&vsn=2.0.0")
  assert.deepEqual(connection.protocols, bearer("t1"))
})

test("without promises connect opens the transport before it returns", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer, { params: () => ({ a: 1 }), authToken: "t" })
  socket.connect()
  assert.equal(socket.connectionState(), "connecting")
})

test("promises are asked for again at each reconnect", async (t) => {
  const { clock, peer, socket, asked } = await world(t)
  socket.connect()
  asked[0]!.resolve("t1")
  const connection = await peer.next()
  const closed = event((resolve) => socket.onClose(resolve))
  connection.terminate()
  await closed
  clock.tick(10)
  assert.equal(asked.length, 2)
  asked[1]!.resolve("t2")
  assert.deepEqual((await peer.next()).protocols, bearer("t2"))
})

test("a connect while a promise is pending changes nothing", async (t) => {
  const { peer, socket, asked } = await world(t)
  socket.connect()
  socket.connect()
  assert.equal(asked.length, 1)
  asked[0]!.resolve("t")
  const connection = await connect(socket, peer)
  socket.ping(() => {})
  await connection.accept("heartbeat")
  assert.equal(peer.unseen, 0)
})

test("a disconnect while a promise is pending is the end of it", async (t) => {
  const { clock, peer, socket, asked } = await world(t)
  socket.connect()
  socket.disconnect()
  asked[0]!.resolve("t")
  await turn()
  clock.tick(60000)
  assert.equal(socket.conn, null)
  assert.equal(peer.unseen, 0)
})

test("of two connects the one behind the disconnect connects, whichever promise resolves first", async (t) => {
  const { peer, socket, asked } = await world(t)
  socket.connect()
  socket.disconnect()
  socket.connect()
  asked[1]!.resolve("new")
  const connection = await peer.next()
  assert.deepEqual(connection.protocols, bearer("new"))
  asked[0]!.resolve("stale")
  await turn()
  await event((resolve) => (socket.isConnected() ? resolve(0) : socket.onOpen(() => resolve(0))))
  socket.ping(() => {})
  await connection.accept("heartbeat")
  assert.equal(peer.unseen, 0)
})

test("a rejection is an error and counts as a try", async (t) => {
  const { clock, peer, socket, asked } = await world(t)
  const told: [number, number][] = []
  socket.onReconnect((...scheduled) => told.push(scheduled))
  const errors: unknown[] = []
  socket.onError((error) => errors.push(error))
  const noToken = new Error("no token")
  socket.connect()
  for (const wait of [10, 50, 100]) {
    asked.at(-1)!.reject(noToken)
    await turn()
    clock.tick(wait)
  }
  assert.deepEqual(errors, [noToken, noToken, noToken])
  assert.deepEqual(told, [[10, 1], [50, 2], [100, 3]])
  asked.at(-1)!.resolve("t")
  await peer.next()
  assert.equal(peer.unseen, 0)
})

for (const [what, reject] of [
  ["rejection", () => Promise.reject(new Error("logged out"))],
  ["throw during a reconnect", () => assert.fail("logged out")],
] as const) {
  test(`an application that disconnects at a ${what} is not connected again`, async (t) => {
    const clock = new Clock(t)
    const peer = await Peer.start(t)
    let asked = 0
    const socket = socketTo(t, peer, { authToken: () => (++asked === 1 ? "t" : reject()) })
    const connection = await connect(socket, peer)
    const reconnects: number[] = []
    const stopped = event<void>((resolve) =>
      socket.onError(() => {
        socket.onReconnect((delayMs) => reconnects.push(delayMs))
        socket.disconnect()
        resolve()
      }),
    )
    const closed = event((resolve) => socket.onClose(resolve))
    connection.terminate()
    await closed
    clock.tick(10)
    await stopped
    await turn()
    clock.tick(60_000)
    assert.deepEqual(reconnects, [])
    assert.equal(asked, 2)
  })
}

test("a rejection is no reason to go over to long polling", async (t) => {
  const { socket, asked } = await world(t, { longPollFallbackMs: 1000 })
  const primary = socket.transport
  const error = event((resolve) => socket.onError(resolve))
  socket.connect()
  asked[0]!.reject(new Error("no token"))
  await error
  assert.equal(socket.transport, primary)
})

test("a promise that does not settle within the timeout counts as a try", async (t) => {
  const { clock, peer, socket, asked } = await world(t)
  const error = event<Error>((resolve) => socket.onError((reason) => resolve(reason as Error)))
  socket.connect()
  clock.tick(10000)
  assert.match((await error).message, /no params and authToken within 10000 ms/)
  asked[0]!.resolve("late")
  await turn()
  clock.tick(10)
  asked[1]!.resolve("t")
  assert.deepEqual((await peer.next()).protocols, bearer("t"))
  assert.equal(peer.unseen, 0)
})

test("a page that is left while a promise is pending connects when it comes back", async (t) => {
  const page = new Page(t)
  const { peer, socket, asked } = await world(t)
  socket.connect()
  page.fire("pagehide")
  asked[0]!.resolve("stale")
  await turn()
  assert.equal(socket.conn, null)
  page.fire("pageshow")
  asked[1]!.resolve("t")
  assert.deepEqual((await peer.next()).protocols, bearer("t"))
  assert.equal(peer.unseen, 0)
})

test("endPointURL has no params that come by a promise", async (t) => {
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer, { params: async () => ({ a: 1 }) })
  assert.equal(new URL(socket.endPointURL()).search, "?vsn=2.0.0")
})
