import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import type { Channel, CloseInfo, Socket } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, event, Peer, socketTo, type PeerConnection } from "./peer.js"

const closed = (socket: Socket) => event<CloseInfo>((resolve) => socket.onClose(resolve))
const errored = (channel: Channel) => event<unknown>((resolve) => channel.onError(resolve))

/** A connected socket with a joined channel, and time in the hands of the test. */
async function joined(t: TestContext) {
  const time = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const connection = await connect(socket, peer)
  const channel = socket.channel("room:1", () => ({ since: 7 }))
  const ok = event((resolve) => channel.join().receive("ok", resolve))
  await connection.accept("phx_join")
  await ok
  return { peer, socket, connection, channel, time }
}

/** The next connection of a socket, open at both ends. */
async function reopened(socket: Socket, peer: Peer, act: () => void): Promise<PeerConnection> {
  const open = event((resolve) => socket.onOpen(() => resolve(undefined)))
  act()
  const connection = await peer.next()
  await open
  return connection
}

for (const code of [1001, 1011, 1012, 4000]) {
  test(`a close with ${code} is followed by a reconnect, and the channels rejoin`, async (t) => {
    const { peer, socket, connection, channel, time } = await joined(t)
    const reason = errored(channel)
    const close = closed(socket)
    connection.close(code)
    assert.deepEqual(await reason, { source: "transport", reason: "connection_closed" })
    assert.equal((await close).code, code)
    assert.equal(channel.state, "errored")
    const next = await reopened(socket, peer, () => time.tick(10))
    const join = await next.accept("phx_join")
    assert.deepEqual(join[4], { since: 7 })
    assert.equal(join[0], join[1])
    await event((resolve) => channel.joinPush.receive("ok", resolve))
    assert.equal(channel.state, "joined")
  })
}

test("a connection that breaks off is followed by a reconnect", async (t) => {
  const { peer, socket, connection, time } = await joined(t)
  const close = closed(socket)
  connection.terminate()
  assert.equal((await close).code, 1006)
  await reopened(socket, peer, () => time.tick(10))
  assert.equal(socket.establishedConnections, 2)
})

test("onReconnect tells of each try that is scheduled, until it is removed", async (t) => {
  const { peer, socket, connection, time } = await joined(t)
  const told: [delayMs: number, tries: number][] = []
  const ref = socket.onReconnect((...scheduled) => told.push(scheduled))
  peer.refuse()
  const lost = closed(socket)
  connection.terminate()
  await lost
  assert.deepEqual(told, [[10, 1]])
  const refused = closed(socket)
  time.tick(10)
  await refused
  assert.deepEqual(told, [[10, 1], [50, 2]])
  peer.refuse(false)
  const next = await reopened(socket, peer, () => time.tick(50))
  const again = closed(socket)
  next.terminate()
  await again
  assert.deepEqual(told, [[10, 1], [50, 2], [10, 1]])
  socket.off([ref])
  const last = await reopened(socket, peer, () => time.tick(10))
  const end = closed(socket)
  last.terminate()
  await end
  assert.equal(told.length, 3)
})

test("a close with 1000 means to stay away, until connect is called", async (t) => {
  const { peer, socket, connection, channel, time } = await joined(t)
  const reason = errored(channel)
  const close = closed(socket)
  connection.close(1000)
  assert.deepEqual(await reason, { source: "transport", reason: "connection_closed" })
  await close
  time.tick(60000)
  assert.equal(socket.connectionState(), "closed")
  const next = await reopened(socket, peer, () => socket.connect())
  await next.accept("phx_join")
})

test("tries are further and further apart until one succeeds", async (t) => {
  const time = new Clock(t)
  const peer = await Peer.start(t)
  peer.refuse()
  const tries: number[] = []
  const reconnectAfterMs = (n: number) => {
    tries.push(n)
    return 10
  }
  const socket = socketTo(t, peer, { reconnectAfterMs })
  for (const n of [1, 2, 3]) {
    const close = closed(socket)
    if (n === 1) socket.connect()
    else time.tick(10)
    assert.equal((await close).code, 1006)
  }
  assert.deepEqual(tries, [1, 2, 3])
  peer.refuse(false)
  const connection = await reopened(socket, peer, () => time.tick(10))
  const close = closed(socket)
  connection.terminate()
  await close
  assert.deepEqual(tries, [1, 2, 3, 1])
})

test("connect during the wait for a reconnect changes nothing", async (t) => {
  const { peer, socket, connection, time } = await joined(t)
  const close = closed(socket)
  connection.terminate()
  await close
  socket.connect()
  await reopened(socket, peer, () => time.tick(10))
  time.tick(10)
  assert.equal(peer.unseen, 0)
})

test("a disconnect ends the wait for a reconnect", async (t) => {
  const { socket, connection, time } = await joined(t)
  const close = closed(socket)
  connection.terminate()
  await close
  socket.disconnect()
  time.tick(60000)
  assert.equal(socket.conn, null)
})

test("a socket that cannot get its params when reconnecting says so and tries again", async (t) => {
  const time = new Clock(t)
  const peer = await Peer.start(t)
  let fail = false
  const params = () => {
    if (fail) throw new Error("no token yet")
    return {}
  }
  const socket = socketTo(t, peer, { params })
  const connection = await connect(socket, peer)
  fail = true
  const close = closed(socket)
  connection.terminate()
  await close
  const error = event<Error>((resolve) => socket.onError((reason) => resolve(reason as Error)))
  time.tick(10)
  assert.equal((await error).message, "no token yet")
  fail = false
  await reopened(socket, peer, () => time.tick(50))
})

test("an error tells the transport, and how many connections there had been", async (t) => {
  const peer = await Peer.start(t)
  peer.refuse()
  const socket = socketTo(t, peer)
  const channel = socket.channel("room:1")
  channel.join()
  const reason = errored(channel)
  const seen = event<unknown[]>((resolve) => socket.onError((...args) => resolve(args)))
  socket.connect()
  const [error, transport, established] = await seen
  assert.ok(error)
  assert.equal(transport, socket.transport)
  assert.equal(established, 0)
  assert.deepEqual(await reason, { source: "transport", reason: "connection_error" })
})

test("a channel that is left because of another's loss does not hear of its own", async (t) => {
  const { socket, connection, channel } = await joined(t)
  const other = socket.channel("room:2")
  other.join()
  other.onError(() => assert.fail("was left"))
  channel.onError(() => other.leave())
  const close = closed(socket)
  connection.terminate()
  await close
  assert.deepEqual([channel.state, other.state], ["errored", "closed"])
})

test("a channel that joins once the loss is known waits for the next connection", async (t) => {
  const peer = await Peer.start(t)
  peer.refuse()
  const socket = socketTo(t, peer)
  const [lost, late] = [socket.channel("room:1"), socket.channel("room:2")]
  late.onError(() => assert.fail("was not on the lost connection"))
  lost.onError(() => late.join())
  lost.join()
  const close = closed(socket)
  socket.connect()
  await close
  assert.deepEqual([lost.state, late.state], ["errored", "joining"])
  late.leave()
})

test("the join of a connection that failed is not sent in addition to the rejoin", async (t) => {
  const time = new Clock(t)
  const peer = await Peer.start(t)
  peer.refuse()
  const socket = socketTo(t, peer, { reconnectAfterMs: () => 10 })
  const channel = socket.channel("room:1")
  channel.join()
  const close = closed(socket)
  socket.connect()
  await close
  peer.refuse(false)
  const connection = await reopened(socket, peer, () => time.tick(10))
  await connection.accept("phx_join")
  socket.ping(() => {})
  assert.equal((await connection.next())[3], "heartbeat")
})

test("a channel that was left does not hear of the connection", async (t) => {
  const { socket, connection, channel } = await joined(t)
  channel.leave()
  channel.onError(() => assert.fail("was left"))
  const close = closed(socket)
  connection.terminate()
  await close
})

test("a heartbeat goes out 30 seconds after the open, and 30 seconds after each answer", async (t) => {
  const time = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const connection = await connect(socket, peer)
  for (let beats = 0; beats < 3; beats++) {
    time.tick(29999)
    time.tick(1)
    const answered = event((resolve) => {
      const ref = socket.onMessage((message) => {
        socket.off([ref])
        resolve(message)
      })
    })
    const [join_ref, ref, ...rest] = await connection.accept("heartbeat")
    assert.equal(join_ref, null)
    assert.match(ref!, /^\d+$/)
    assert.deepEqual(rest, ["phoenix", "heartbeat", {}])
    await answered
  }
})

test("a heartbeat without an answer within 30 seconds ends the connection, and the socket reconnects", async (t) => {
  const time = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const connection = await connect(socket, peer)
  const channel = socket.channel("room:1")
  const ok = event((resolve) => channel.join().receive("ok", resolve))
  await connection.accept("phx_join")
  await ok
  time.tick(30000)
  await connection.next()
  const reason = errored(channel)
  const close = closed(socket)
  time.tick(30000)
  assert.deepEqual(await reason, { source: "transport", reason: "heartbeat_timeout" })
  assert.deepEqual(await connection.closed, { code: 1000, reason: "heartbeat timeout" })
  await close
  time.tick(150)
  const next = await reopened(socket, peer, () => time.tick(10))
  await next.accept("phx_join")
})

test("a disconnect takes precedence over the reconnect that a heartbeat timeout began", async (t) => {
  const { peer, socket, connection, time } = await joined(t)
  time.tick(60000)
  const close = closed(socket)
  socket.disconnect()
  await connection.closed
  await close
  time.tick(60000)
  assert.equal(socket.conn, null)
  assert.equal(peer.unseen, 0)
})

test("there is no heartbeat after a disconnect", async (t) => {
  const { peer, socket, connection, time } = await joined(t)
  socket.disconnect()
  await connection.closed
  time.tick(120000)
  assert.equal(socket.conn, null)
  assert.equal(peer.unseen, 0)
})
