import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { test, type TestContext } from "node:test"
import { WebSocket } from "ws"
import { LongPoll, Outbox, Presence, Recovery, Socket, type Channel, type CloseInfo, type SocketOptions, type TransportConstructor } from "../src/index.js"
import { address, client, isThere, noProgram, ok, Server, skip } from "./conformance.js"
import { Gate, type Break } from "./gate.js"
import { MemoryStorage } from "./storage.js"

test("the conformance application is there, and its program", { skip }, () => {
  assert.ok(isThere, "set ROOST_CONFORMANCE_URL and ROOST_CONFORMANCE_PROGRAM: in CI these tests may not be skipped")
})

/** A socket that has fallen back to long polling, since the gate lets no WebSocket through. */
async function fallenBack(t: TestContext, gate: Gate, opts: SocketOptions & { upgradeAfterMs?: () => number } = {}) {
  const storage = new MemoryStorage()
  const socket = new Socket(`ws://${gate.address}/socket`, {
    transport: WebSocket,
    longPollFallbackMs: 1000,
    sessionStorage: storage,
    upgradeAfterMs: () => 20,
    reconnectAfterMs: () => 5,
    rejoinAfterMs: () => 5,
    ...opts,
  })
  t.after(() => socket.disconnect())
  const open = new Promise<void>((resolve) => socket.onOpen(() => resolve()))
  socket.connect()
  await open
  assert.equal(socket.transport, LongPoll)
  return { socket, storage }
}

/** Resolves when the socket goes over to a transport. */
const onto = (socket: Socket, transport: TransportConstructor) =>
  new Promise<void>((resolve) => socket.onTransport((next) => next === transport && resolve()))

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Counts up on a topic as fast as the server answers, on a connection that nobody breaks, until it is told to stop. */
async function counting(t: TestContext, address: string, topic: string) {
  const channel = client(t, address, WebSocket).channel(topic)
  channel.join()
  await ok(channel)
  let last = 0
  let counts = true
  const done = (async () => {
    while (counts) {
      await new Promise((resolve) => channel.push("shout_reply", { n: ++last }).receive("ok", resolve))
      await pause(1)
    }
  })()
  return async () => {
    counts = false
    await done
    return last
  }
}

/** The numbers that come on a channel. */
function numbers(channel: Channel): number[] {
  const got: number[] = []
  channel.on<{ n: number }>("shout", ({ n }) => got.push(n))
  return got
}

/** Pings with numbers, several at once, until it is told to stop; each is answered once, with its number. */
function pinging(channel: Channel) {
  let last = 0
  let answers = 0
  const open = new Set<number>()
  const timer = setInterval(() => {
    const n = ++last
    open.add(n)
    channel
      .push("ping", { n })
      .receive<{ n: number }>("ok", (response) => {
        assert.equal(response.n, n)
        assert.ok(open.delete(n), `push ${n} was answered twice`)
        answers++
      })
      .receive("timeout", () => assert.fail(`push ${n} was not answered`))
  }, 2)
  return async () => {
    clearInterval(timer)
    while (open.size > 0) await pause(5)
    assert.equal(answers, last)
    return last
  }
}

/** Waits for something that the test then asserts. */
async function until(condition: () => boolean) {
  for (const end = Date.now() + 10_000; !condition() && Date.now() < end; ) await pause(5)
}

/** Waits until a list is as long as that. */
const grown = (list: unknown[], length: number) => until(() => list.length >= length)

const inOrder = (list: number[]) => [...list].sort((a, b) => a - b)

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** Who comes and goes in a room, as one sees it who stays. */
async function watching(t: TestContext, address: string, topic: string) {
  const channel = client(t, address, WebSocket).channel(topic, { user: "watcher" })
  const seen: string[] = []
  const presence = new Presence(channel)
  presence.onJoin((user, current) => seen.push(`${user} ${current ? "again" : "joins"}`))
  presence.onLeave((user, current) => seen.push(`${user} ${current.metas.length > 0 ? "less" : "leaves"}`))
  channel.join()
  await ok(channel)
  await grown(seen, 1)
  seen.length = 0
  return seen
}

/** Where the WebSocket goes: to the node that polls and posts go to, or to another one of a cluster. */
const places: [string, (t: TestContext) => Promise<[polls: string, webSockets: string]>][] = [
  ["on one node", async () => [address, address]],
  ["with the WebSocket on another node", async (t) => {
    const [first, second] = await Server.cluster(t)
    return [first.address, second.address]
  }],
]

for (const [place, nodes] of places) {
  test(`${place}, a conversation goes on from long polling over a WebSocket, and nobody notices`, { skip: skip || noProgram }, async (t) => {
    const [polls, webSockets] = await nodes(t)
    const gate = await Gate.start(t, polls, webSockets)
    const id = randomUUID()
    const seen = await watching(t, polls, `room:${id}`)
    const { socket, storage } = await fallenBack(t, gate)
    assert.equal(storage.getItem("phx:fallback:LongPoll"), "true")
    const room = socket.channel(`room:${id}`, { user: "ada" })
    const channel = socket.channel(`echo:${id}`)
    let joins = 0
    let leaving = false
    for (const each of [room, channel]) {
      each.onError((reason) => leaving || assert.fail(`a conversation was interrupted: ${JSON.stringify(reason)}`))
      each.join().receive("ok", () => joins++)
      await ok(each)
    }
    socket.onClose(() => leaving || assert.fail("the connection was lost"))
    const got = numbers(channel)
    const stopCounting = await counting(t, polls, `echo:${id}`)
    const stopPinging = pinging(channel)
    await grown(got, 50)
    assert.ok(gate.asked > 1, "it has not tried again to open a WebSocket")
    const upgraded = onto(socket, WebSocket)
    gate.open = true
    await upgraded
    const before = got.length
    await grown(got, before + 100)
    const rtt = await new Promise((resolve) => socket.ping(resolve))
    assert.equal(typeof rtt, "number")
    const last = await stopCounting()
    await stopPinging()
    await until(() => got.includes(last))
    assert.deepEqual(got, upTo(last, got[0]))
    assert.equal(joins, 2)
    assert.deepEqual(seen, ["ada joins"])
    assert.ok(!storage.getItem("phx:fallback:LongPoll"), "the next page would begin with long polling")
    leaving = true
    socket.disconnect()
    await grown(seen, 2)
    assert.deepEqual(seen, ["ada joins", "ada leaves"])
  })

  const breaks: [string, Break | "at the handshake", lost: boolean][] = [
    ["at the handshake", "at the handshake", false],
    ["before the probe gets through", { side: "client", nth: 1 }, false],
    ["before the probe is answered", { side: "server", nth: 1 }, false],
    ["before it says that it moves", { side: "client", nth: 2 }, false],
    ["before it has moved", { side: "client", nth: 3 }, false],
    ["when it has moved and does not know", { side: "server", nth: 2 }, true],
    ["right when it has moved", { side: "server", nth: 3 }, true],
    ["with the first that it says when it has moved", { side: "client", nth: 4 }, true],
  ]
  for (const [when, at, lost] of breaks) {
    test(`${place}, a WebSocket that breaks ${when} costs ${lost ? "a rejoin" : "nothing"}`, { skip: skip || noProgram }, async (t) => {
      const [polls, webSockets] = await nodes(t)
      const gate = await Gate.start(t, polls, webSockets)
      const { socket } = await fallenBack(t, gate, { timeout: 60_000 })
      // Where there is a cluster here it keeps no history, so that a loss shows.
      const recovers = lost && polls === webSockets
      const topic = `${recovers ? "log" : "echo"}:${randomUUID()}`
      const channel = socket.channel(topic)
      if (recovers) new Recovery(channel)
      const outbox = new Outbox(channel)
      const interruptions: unknown[] = []
      channel.onError((reason) => interruptions.push(reason))
      channel.join()
      await ok(channel)
      const got = numbers(channel)
      const stopCounting = await counting(t, polls, topic)
      let asked = 0
      const answers: number[] = []
      const timer = setInterval(() => {
        const n = ++asked
        outbox.push("ping", { n }).receive<{ n: number }>("ok", (response) => answers.push(response.n))
      }, 5)
      gate.breaks = at
      gate.open = true
      while (gate.broken === 0) await pause(5)
      gate.breaks = undefined
      if (socket.transport === LongPoll) await onto(socket, WebSocket)
      const before = got.length
      await grown(got, before + 50)
      clearInterval(timer)
      const last = await stopCounting()
      await until(() => got.includes(last))
      await grown(answers, asked)
      assert.deepEqual(inOrder(answers), upTo(asked))
      if (recovers || !lost) assert.deepEqual(got, upTo(last, got[0]))
      else assert.deepEqual(got, inOrder([...new Set(got)]))
      assert.equal(interruptions.length, lost ? 1 : 0)
      assert.ok(socket.isConnected())
    })
  }
}

test("what is pushed while a session moves arrives in order, and so does what the news makes an application push", { skip }, async (t) => {
  const gate = await Gate.start(t, address)
  const { socket } = await fallenBack(t, gate)
  const channel = socket.channel(`echo:${randomUUID()}`)
  channel.join()
  await ok(channel)
  const got = numbers(channel)
  let last = 0
  const shout = () => channel.push("shout", { n: ++last })
  const timer = setInterval(() => upTo(5).forEach(shout), 1)
  socket.onTransport(shout)
  const upgraded = onto(socket, WebSocket)
  gate.open = true
  await upgraded
  await until(() => got.length > 500)
  clearInterval(timer)
  await grown(got, last)
  assert.deepEqual(got, upTo(last))
})

for (const which of ["that has the session", "that has the WebSocket"]) {
  test(`when the node ${which} stops, the WebSocket is closed so that the client comes back`, { skip: skip || noProgram }, async (t) => {
    const [first, second] = await Server.cluster(t)
    const gate = await Gate.start(t, first.address, second.address)
    const { socket } = await fallenBack(t, gate, { reconnectAfterMs: () => 60_000 })
    const channel = socket.channel(`echo:${randomUUID()}`)
    channel.join()
    await ok(channel)
    const upgraded = onto(socket, WebSocket)
    gate.open = true
    await upgraded
    const closed = new Promise<CloseInfo>((resolve) => socket.onClose(resolve))
    const began = Date.now()
    await (which === "that has the session" ? first : second).stop()
    const { code } = await closed
    assert.ok(code === 1001 || code === 1012, `closed with ${code}`)
    assert.ok(Date.now() - began < 4000, `it took ${Date.now() - began} ms`)
  })
}

for (const [place, nodes] of places) {
  test(`${place}, bytes come and go once a session has moved`, { skip: skip || noProgram }, async (t) => {
    const [polls, webSockets] = await nodes(t)
    const gate = await Gate.start(t, polls, webSockets)
    const { socket } = await fallenBack(t, gate)
    const channel = socket.channel(`echo:${randomUUID()}`)
    const interruptions: unknown[] = []
    channel.onError((reason) => interruptions.push(reason))
    await channel.join()
    const upgraded = onto(socket, WebSocket)
    gate.open = true
    await upgraded
    const shouted = new Promise<ArrayBuffer>((resolve) => channel.on("shout", resolve))
    assert.deepEqual(await channel.push("ping_bin", new Uint8Array([1, 0, 255])), new Uint8Array([1, 0, 255]).buffer)
    channel.push("shout", new Uint8Array([2, 255]))
    assert.deepEqual(await shouted, new Uint8Array([2, 255]).buffer)
    assert.deepEqual(interruptions, [])
  })
}

test("a storage that cannot be written is no obstacle", { skip }, async (t) => {
  const gate = await Gate.start(t, address)
  const full = () => {
    throw new Error("full")
  }
  const { socket } = await fallenBack(t, gate, { sessionStorage: { getItem: () => null, setItem: full } })
  const channel = socket.channel(`echo:${randomUUID()}`)
  await channel.join()
  const upgraded = onto(socket, WebSocket)
  gate.open = true
  await upgraded
  assert.deepEqual(await channel.push("ping", { n: 1 }), { n: 1 })
})

test("a session that ends before it has moved is an ordinary loss", { skip: skip || noProgram }, async (t) => {
  const server = await Server.start(t)
  const gate = await Gate.start(t, server.address)
  const { socket } = await fallenBack(t, gate)
  const channel = socket.channel(`echo:${randomUUID()}`)
  channel.join()
  await ok(channel)
  gate.open = true
  gate.breaks = { side: "server", nth: 1 }
  while (gate.broken === 0) await pause(5)
  gate.breaks = undefined
  const lost = new Promise((resolve) => channel.onError(resolve))
  await server.restart()
  await lost
  await until(() => channel.isJoined() && socket.transport === WebSocket)
  assert.equal(channel.state, "joined")
  assert.equal(socket.transport, WebSocket)
})

test("a socket with a serializer of its own stays with long polling", { skip }, async (t) => {
  const gate = await Gate.start(t, address)
  const { socket } = await fallenBack(t, gate, { encode: (message, callback) => callback(JSON.stringify(message)) })
  const asked = gate.asked
  gate.open = true
  await pause(200)
  assert.equal(socket.transport, LongPoll)
  assert.equal(gate.asked, asked)
})

test("Infinity means to stay with long polling", { skip }, async (t) => {
  const gate = await Gate.start(t, address)
  const { socket } = await fallenBack(t, gate, { upgradeAfterMs: () => Infinity })
  const asked = gate.asked
  gate.open = true
  await pause(200)
  assert.equal(socket.transport, LongPoll)
  assert.equal(gate.asked, asked)
})

test("when it has moved and is lost, the next connection is a WebSocket", { skip }, async (t) => {
  const gate = await Gate.start(t, address)
  const { socket } = await fallenBack(t, gate)
  const upgraded = onto(socket, WebSocket)
  gate.open = true
  await upgraded
  const open = new Promise<void>((resolve) => socket.onOpen(() => resolve()))
  gate.cutAll()
  await open
  assert.equal(socket.transport, WebSocket)
})
