import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { LongPoll, Socket, type CloseInfo, type Message } from "../src/index.js"
import { event } from "./peer.js"
import { PollPeer } from "./poll-peer.js"

const CONNECTING = 0
const OPEN = 1
const CLOSED = 3

/** A transport whose first poll waits for an answer. */
async function opening(t: TestContext, protocols?: string[] | null) {
  const peer = await PollPeer.start(t)
  const transport = new LongPoll(`${peer.url}/websocket?vsn=2.0.0`, protocols)
  t.after(() => transport.close())
  const events: unknown[] = []
  const opened = event((resolve) => (transport.onopen = resolve))
  const closed = event<CloseInfo>((resolve) => {
    transport.onclose = (info) => {
      events.push(info)
      resolve(info)
    }
  })
  transport.onerror = (error) => events.push(error)
  return { peer, transport, opened, closed, events, first: await peer.poll() }
}

/** A transport with session "s1" and a poll under way. */
async function open(t: TestContext) {
  const world = await opening(t)
  world.first.answer(410, "s1")
  await world.opened
  return { ...world, poll: await world.peer.poll() }
}

test("the first poll opens a session; those that follow name it in a header", async (t) => {
  const { peer, transport, opened, first } = await opening(t)
  assert.equal(transport.readyState, CONNECTING)
  assert.equal(first.url.pathname + first.url.search, "/socket/longpoll?vsn=2.0.0")
  assert.equal(first.headers.accept, "application/json")
  assert.equal(first.headers["x-phoenix-longpoll-token"], undefined)
  assert.equal(first.headers["x-phoenix-authtoken"], undefined)
  first.answer(410, "s1")
  await opened
  assert.equal(transport.readyState, OPEN)
  const second = await peer.poll()
  assert.equal(second.headers["x-phoenix-longpoll-token"], "s1")
  second.answer(204, "s2")
  assert.equal((await peer.poll()).headers["x-phoenix-longpoll-token"], "s2")
})

test("the auth token of the subprotocols goes in a header, with polls only", async (t) => {
  for (const [encoded, token] of [["YWI+Pj4", "ab>>>"], ["YWI_Pg", "ab?>"]]) {
    const { peer, transport, opened, first } = await opening(t, ["phoenix", `base64url.bearer.phx.${encoded}`])
    assert.equal(first.headers["x-phoenix-authtoken"], token)
    first.answer(410, "s1")
    await opened
    transport.send("[]")
    const post = await peer.post()
    assert.equal(post.headers["x-phoenix-authtoken"], undefined)
    assert.equal(post.headers["x-phoenix-longpoll-token"], "s1")
  }
})

test("subprotocols may be missing, null or empty", async (t) => {
  for (const protocols of [undefined, null, []]) {
    assert.equal((await opening(t, protocols)).first.headers["x-phoenix-authtoken"], undefined)
  }
})

test("only the path's last websocket becomes longpoll", (t) => {
  const transport = new LongPoll("wss://example.test/websocket/live/websocket")
  t.after(() => transport.close())
  assert.equal(transport.pollEndpoint, "https://example.test/websocket/live/longpoll")
})

test("messages come in order, each in a task of its own", async (t) => {
  const { peer, transport, poll } = await open(t)
  const seen: string[] = []
  const all = event((resolve) => {
    transport.onmessage = ({ data }) => {
      seen.push(data)
      void Promise.resolve().then(() => seen.push(`after ${data}`))
      if (data === "c") resolve(undefined)
    }
  })
  poll.answer(200, "s1", ["a", "b"])
  ;(await peer.poll()).answer(200, "s1", ["c"])
  await all
  assert.deepEqual(seen, ["a", "after a", "b", "after b", "c", "after c"])
})

test("frames of one turn go as lines of one request, and one request at a time", async (t) => {
  const { peer, transport } = await open(t)
  transport.send("[1]")
  transport.send("[2]")
  assert.equal(transport.bufferedAmount, 2)
  const first = await peer.post()
  assert.equal(first.headers["content-type"], "application/x-ndjson")
  assert.deepEqual(first.lines, ["[1]", "[2]"])
  transport.send("[3]")
  await new Promise((resolve) => setImmediate(resolve))
  transport.send("[4]")
  assert.equal(peer.unseenPosts, 0)
  first.answer(200)
  const second = await peer.post()
  assert.deepEqual(second.lines, ["[3]", "[4]"])
  second.answer(200)
  transport.send("[5]")
  assert.deepEqual((await peer.post()).lines, ["[5]"])
})

test("150 frames go as 100 and 50, in order", async (t) => {
  const { peer, transport } = await open(t)
  const frames = Array.from({ length: 150 }, (_, n) => `[${n}]`)
  for (const frame of frames) transport.send(frame)
  const first = await peer.post()
  first.answer(200)
  const second = await peer.post()
  second.answer(200)
  assert.deepEqual([first.lines.length, second.lines.length], [100, 50])
  assert.deepEqual([...first.lines, ...second.lines], frames)
})

test("binary frames go as base64", async (t) => {
  const { peer, transport } = await open(t)
  transport.send(new Uint8Array([0, 255, 128]).buffer)
  assert.deepEqual((await peer.post()).lines, ["AP+A"])
})

test("a lost session is a close that the socket comes back from", async (t) => {
  const { transport, closed, events, poll } = await open(t)
  poll.answer(410, "s2")
  await closed
  assert.deepEqual(events, [410, { code: 3410, reason: "session_gone", wasClean: false }])
  assert.equal(transport.readyState, CONNECTING)
})

test("a refusal is a close with 1008", async (t) => {
  const { transport, closed, events, first } = await opening(t)
  first.answer(403)
  await closed
  assert.deepEqual(events, [403, { code: 1008, reason: "forbidden", wasClean: false }])
  assert.equal(transport.readyState, CLOSED)
})

const answersThatMakeNoSense: [string, (poll: Awaited<ReturnType<PollPeer["poll"]>>) => void, number][] = [
  ["500", (poll) => poll.answer(500), 500],
  ["an unknown status", (poll) => poll.answer(299), 299],
  ["no JSON", (poll) => poll.raw("<html>"), 500],
  ["null", (poll) => poll.raw("null"), 500],
  ["a broken connection", (poll) => poll.cut(), 500],
]
for (const [name, answer, error] of answersThatMakeNoSense) {
  test(`a poll that is answered by ${name} is a close with 1011`, async (t) => {
    const { transport, closed, events, poll } = await open(t)
    answer(poll)
    await closed
    assert.deepEqual(events, [error, { code: 1011, reason: "internal server error", wasClean: false }])
    assert.equal(transport.readyState, CONNECTING)
  })
}

test("a post that fails is a close with 1011, and ends the poll", async (t) => {
  const { peer, transport, closed, events, poll } = await open(t)
  transport.send("[1]")
  ;(await peer.post()).answer(408)
  await closed
  await poll.aborted
  assert.deepEqual(events, [408, { code: 1011, reason: "internal server error", wasClean: false }])
  assert.equal(transport.bufferedAmount, 0)
})

test("a request without an answer in time is a close with 1005", async (t) => {
  const { peer, transport, closed, events } = await open(t)
  transport.timeout = 1
  transport.send("[1]")
  const post = await peer.post()
  await closed
  await post.aborted
  assert.deepEqual(events, ["timeout", { code: 1005, reason: "timeout", wasClean: false }])
  assert.equal(transport.readyState, CONNECTING)
})

test("a transport that is closed by a message delivers no more of them", async (t) => {
  const { transport, closed, poll } = await open(t)
  transport.onmessage = ({ data }) => {
    assert.equal(data, "a")
    transport.close()
  }
  poll.answer(200, "s1", ["a", "b"])
  await closed
  await new Promise((resolve) => setTimeout(resolve, 0))
})

test("close ends the poll and is said once", async (t) => {
  const { transport, events, poll } = await open(t)
  transport.close(4000, "bye")
  transport.close()
  await poll.aborted
  assert.equal(transport.readyState, CLOSED)
  assert.deepEqual(events, [{ code: 4000, reason: "bye", wasClean: true }])
})

/** A socket over LongPoll with session "s1" and a poll under way. */
async function openSocket(t: TestContext) {
  const peer = await PollPeer.start(t)
  const socket = new Socket(peer.url, { transport: LongPoll, reconnectAfterMs: () => 0 })
  t.after(() => socket.disconnect())
  const opened = event((resolve) => socket.onOpen(() => resolve(undefined)))
  socket.connect()
  ;(await peer.poll()).answer(410, "s1")
  await opened
  return { peer, socket, poll: await peer.poll() }
}

const replyTo = (line: string, status: string): string => {
  const [join_ref, ref, topic] = JSON.parse(line)
  return JSON.stringify([join_ref, ref, topic, "phx_reply", { status, response: {} }])
}

test("a socket over LongPoll joins, pushes, and sends no heartbeats", async (t) => {
  const { peer, socket, poll } = await openSocket(t)
  assert.ok(socket.isConnected())
  assert.ok(socket.conn!.skipHeartbeat)
  const channel = socket.channel("room:1")
  const ok = event((resolve) => channel.join().receive("ok", resolve))
  const join = await peer.post()
  join.answer(200)
  poll.answer(200, "s1", [replyTo(join.body, "ok")])
  await ok
  assert.equal(channel.state, "joined")
})

test("a socket over LongPoll that loses its session rejoins in a new one", async (t) => {
  const { peer, socket, poll } = await openSocket(t)
  const channel = socket.channel("room:1")
  const ok = event((resolve) => channel.join().receive("ok", resolve))
  const join = await peer.post()
  join.answer(200)
  poll.answer(200, "s1", [replyTo(join.body, "ok")])
  await ok
  const errored = event<unknown>((resolve) => channel.onError(resolve))
  const closed = event<CloseInfo>((resolve) => socket.onClose(resolve))
  ;(await peer.poll()).answer(410, "s2")
  assert.deepEqual(await errored, { source: "transport", reason: "connection_error" })
  assert.equal((await closed).code, 3410)
  const again = await peer.poll()
  assert.equal(again.headers["x-phoenix-longpoll-token"], undefined)
  again.answer(410, "s3")
  const rejoin = await peer.post()
  assert.equal(JSON.parse(rejoin.body)[3], "phx_join")
  assert.equal(rejoin.headers["x-phoenix-longpoll-token"], "s3")
})

test("disconnect over LongPoll lets the last frames go", async (t) => {
  const { peer, socket, poll } = await openSocket(t)
  socket.push({ join_ref: null, ref: "1", topic: "t", event: "last words", payload: {} })
  const closed = event<CloseInfo>((resolve) => socket.onClose(resolve))
  socket.disconnect(undefined, 4000, "bye")
  const post = await peer.post()
  assert.equal(JSON.parse(post.body)[3], "last words")
  post.answer(200)
  assert.deepEqual(await closed, { code: 4000, reason: "bye", wasClean: true })
  await poll.aborted
})

test("connect while a disconnect still sends makes a new session, where the channels rejoin", async (t) => {
  const { peer, socket, poll } = await openSocket(t)
  const channel = socket.channel("room:1")
  const ok = event((resolve) => channel.join().receive("ok", resolve))
  const join = await peer.post()
  join.answer(200)
  poll.answer(200, "s1", [replyTo(join.body, "ok")])
  await ok
  await peer.poll()
  channel.push("last words", {}, 1)
  socket.disconnect()
  assert.equal(channel.state, "joined")
  socket.connect()
  assert.equal(channel.state, "errored")
  ;(await peer.poll()).answer(410, "s2")
  const [words, rejoin] = [await peer.post(), await peer.post()]
  assert.deepEqual([words, rejoin].map((post) => [post.headers["x-phoenix-longpoll-token"], JSON.parse(post.body)[3]]), [
    ["s1", "last words"],
    ["s2", "phx_join"],
  ])
})

test("own encode and decode are not used over LongPoll", async (t) => {
  const peer = await PollPeer.start(t)
  const never = () => assert.fail("not over LongPoll")
  const socket = new Socket(peer.url, { transport: LongPoll, encode: never, decode: never })
  t.after(() => socket.disconnect())
  socket.push({ join_ref: null, ref: "1", topic: "t", event: "e", payload: {} })
  const message = event<Message>((resolve) => socket.onMessage(resolve))
  socket.connect()
  ;(await peer.poll()).answer(410, "s1")
  const post = await peer.post()
  assert.equal(post.body, '[null,"1","t","e",{}]')
  post.answer(200)
  ;(await peer.poll()).answer(200, "s1", [replyTo(post.body, "ok")])
  assert.equal((await message).event, "phx_reply")
})
