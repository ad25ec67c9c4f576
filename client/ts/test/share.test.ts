import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Presence, Socket, type SharedChannel } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, event, nodeWebSocket, Peer, settled, socketTo } from "./peer.js"

const TOPIC = "room:1"

/** An open socket, and time in the hands of the test. */
async function open(t: TestContext) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  return { clock, peer, socket, connection: await connect(socket, peer) }
}

/** The same with a holder who has joined. */
async function joined(t: TestContext) {
  const world = await open(t)
  const first = world.socket.share(TOPIC)
  const join = first.join()
  const [joinRef] = await world.connection.accept("phx_join", { hello: "world" })
  await join
  const says = async (event: string, payload: unknown) => {
    world.connection.send([null, null, TOPIC, event, payload as object])
    await settled(world.socket, world.connection)
  }
  return { ...world, first, joinRef: joinRef!, says }
}

/** What a holder hears of an event from now on. */
function heard(holder: SharedChannel, event: string): unknown[] {
  const payloads: unknown[] = []
  holder.on(event, (payload) => payloads.push(payload))
  return payloads
}

/** Lets the end of the turn come, at which a topic that nobody holds is left. */
const endTurn = (clock: Clock) => clock.tick(0)

test("holders of a topic have one conversation, and callbacks of their own", async (t) => {
  const { socket, connection, first, says } = await joined(t)
  const second = socket.share(TOPIC)
  assert.equal(second.state, "closed")
  const [a, b] = [heard(first, "news"), heard(second, "news")]
  await says("news", 1)
  assert.deepEqual(await second.join(), { hello: "world" })
  assert.equal(second.state, "joined")
  await says("news", 2)
  assert.deepEqual([a, b], [[1, 2], [2]])
  assert.equal(socket.channels.length, 1)
  await settled(socket, connection)
})

test("a later holder gets the reply of the last join at once, and those of rejoins with the others", async (t) => {
  const { clock, socket, connection, first, joinRef } = await joined(t)
  const second = socket.share(TOPIC)
  const replies: unknown[] = []
  second.join().receive("ok", (reply) => replies.push(reply))
  assert.deepEqual(replies, [{ hello: "world" }])
  const errors: unknown[] = []
  for (const holder of [first, second]) holder.onError((reason) => errors.push(reason))
  connection.send([joinRef, joinRef, TOPIC, "phx_error", {}])
  await settled(socket, connection)
  assert.deepEqual(errors, [{}, {}])
  clock.tick(1000)
  const again = event((resolve) => first.joinPush.receive("ok", (reply) => (reply as any).n === 2 && resolve(reply)))
  await connection.accept("phx_join", { n: 2 })
  await again
  assert.deepEqual(replies, [{ hello: "world" }, { n: 2 }])
})

test("a holder who joins while the first join is on its way gets its outcome", async (t) => {
  const { socket, connection } = await open(t)
  const [first, second] = [socket.share(TOPIC), socket.share(TOPIC)]
  const joins = [first.join(), second.join()]
  const outcomes = Promise.allSettled(joins)
  connection.reply(await connection.next(), "error", { reason: "full" })
  assert.deepEqual((await outcomes).map(({ status }) => status), ["rejected", "rejected"])
})

test("the callbacks of a holder end when it leaves, and the topic is left with the last", async (t) => {
  const { clock, socket, connection, first, joinRef, says } = await joined(t)
  const second = socket.share(TOPIC)
  await second.join()
  const [a, b] = [heard(first, "news"), heard(second, "news")]
  const closes: unknown[] = []
  first.onClose((payload) => closes.push(payload))
  second.onClose(() => closes.push("the second"))
  assert.deepEqual(await first.leave(), {})
  assert.deepEqual(closes, ["leave"])
  assert.equal(first.state, "closed")
  endTurn(clock)
  await says("news", 1)
  assert.deepEqual([a, b], [[], [1]])
  second.leave()
  endTurn(clock)
  assert.equal((await connection.accept("phx_leave"))[0], joinRef)
  assert.deepEqual(closes, ["leave", "the second"])
  assert.deepEqual(socket.channels, [])
})

test("a holder that leaves in a callback hears nothing more, be it in that of its leave", async (t) => {
  const { clock, socket, first, says } = await joined(t)
  await says("presence_state", { ann: { metas: [{ phx_ref: "1" }] } })
  const second = socket.share(TOPIC)
  const calls: string[] = []
  second.on("presence_state", () => {
    calls.push("state")
    second.leave()
  })
  second.on("presence_state", () => calls.push("state, though it has left"))
  second.onClose(() => {
    calls.push("close")
    second.leave()
  })
  second.onClose(() => calls.push("close, as well"))
  await second.join()
  assert.deepEqual(calls, ["state", "close", "close, as well"])
  assert.equal(second.state, "closed")
  endTurn(clock)
  assert.equal(first.state, "joined")
})

test("who leaves twice gives back one part only", async (t) => {
  const { clock, socket, connection, first } = await joined(t)
  const second = socket.share(TOPIC)
  first.leave()
  first.leave()
  endTurn(clock)
  await settled(socket, connection)
  assert.deepEqual(await second.join(), { hello: "world" })
})

test("a share right after the last leave goes on with the conversation, and misses nothing", async (t) => {
  const { clock, socket, connection, first, says } = await joined(t)
  first.leave()
  const again = socket.share(TOPIC)
  const news = heard(again, "news")
  assert.deepEqual(await again.join(), { hello: "world" })
  endTurn(clock)
  await says("news", 1)
  assert.deepEqual(news, [1])
  await settled(socket, connection)
})

test("a share after the topic was left begins a new conversation", async (t) => {
  const { clock, socket, connection, first } = await joined(t)
  first.leave()
  endTurn(clock)
  await connection.accept("phx_leave")
  const again = socket.share(TOPIC, { other: "params" })
  const join = again.join()
  const [, , , , params] = await connection.accept("phx_join", { hello: "again" })
  assert.deepEqual(params, { other: "params" })
  assert.deepEqual(await join, { hello: "again" })
})

test("params are those of the first holder: others may leave them out, and must not have others", async (t) => {
  const { clock, socket, connection } = await open(t)
  const first = socket.share(TOPIC, () => ({ since: 7 }))
  socket.share(TOPIC).leave()
  socket.share(TOPIC, { since: 7 }).leave()
  assert.throws(() => socket.share(TOPIC, { since: 8 }), /"room:1" is shared with other params: leave them out/)
  first.leave()
  const other = socket.share(TOPIC, { since: 8 })
  other.join()
  endTurn(clock)
  assert.deepEqual((await connection.accept("phx_join"))[4], { since: 8 })
})

test("a push is answered, also when its holder has left", async (t) => {
  const { clock, socket, connection, first } = await joined(t)
  const second = socket.share(TOPIC)
  await second.join()
  const push = first.push("ask", { q: 1 })
  first.leave()
  endTurn(clock)
  await connection.accept("ask", { a: 1 })
  assert.deepEqual(await push, { a: 1 })
  assert.throws(() => first.push("ask"), /tried to push "ask" to "room:1" before joining, or after leaving/)
  assert.throws(() => socket.share(TOPIC).push("ask"), /before joining/)
})

test("a holder joins once", async (t) => {
  const { first } = await joined(t)
  assert.throws(() => first.join(), /"room:1" was already joined, or left: take part again with socket.share\(\)/)
  first.leave()
  assert.throws(() => first.join(), /already joined, or left/)
})

test("an awaited join of a holder who leaves before the reply rejects, and so does one whose signal aborts", async (t) => {
  const { socket, connection } = await open(t)
  const [staying, leaving, aborting] = [socket.share(TOPIC), socket.share(TOPIC), socket.share(TOPIC)]
  const join = staying.join()
  const left = assert.rejects(leaving.join(), { status: "closed" })
  const controller = new AbortController()
  const aborted = assert.rejects(aborting.join({ signal: controller.signal }), { message: "changed my mind" })
  leaving.leave()
  controller.abort(new Error("changed my mind"))
  await Promise.all([left, aborted])
  assert.equal(aborting.state, "closed")
  await connection.accept("phx_join")
  await join
  assert.equal(staying.state, "joined")
})

test("off removes a holder's own callbacks, one by one or all of an event", async (t) => {
  const { socket, first, says } = await joined(t)
  const second = socket.share(TOPIC)
  await second.join()
  const seen: string[] = []
  const ref = first.on("news", () => seen.push("first a"))
  first.on("news", () => seen.push("first b"))
  second.on("news", () => seen.push("second"))
  first.off("news", ref)
  await says("news", 1)
  first.off("news")
  await says("news", 2)
  assert.deepEqual(seen, ["first b", "second", "second"])
})

test("a later holder's Presence knows who is there, and follows", async (t) => {
  const { socket, first, says } = await joined(t)
  const before = new Presence(first)
  await says("presence_state", { ann: { metas: [{ phx_ref: "1" }] } })
  await says("presence_diff", { joins: { bob: { metas: [{ phx_ref: "2" }] } }, leaves: {} })
  const second = socket.share(TOPIC)
  const after = new Presence(second)
  const joins: string[] = []
  after.onJoin((key) => joins.push(key))
  await second.join()
  const keys = (presence: Presence) => presence.list((key: string) => key)
  assert.deepEqual([keys(before), keys(after), joins], [["ann", "bob"], ["ann", "bob"], ["ann", "bob"]])
  await says("presence_diff", { joins: {}, leaves: { ann: { metas: [{ phx_ref: "1" }] } } })
  assert.deepEqual([keys(before), keys(after)], [["bob"], ["bob"]])
  first.leave()
  await says("presence_diff", { joins: { eve: { metas: [{ phx_ref: "3" }] } }, leaves: {} })
  assert.deepEqual([keys(before), keys(after)], [["bob"], ["bob", "eve"]])
})

test("a conversation that the server closes is over for all, and a share begins a new one", async (t) => {
  const { socket, connection, first, joinRef } = await joined(t)
  const second = socket.share(TOPIC)
  await second.join()
  let closes = 0
  for (const holder of [first, second]) holder.onClose(() => closes++)
  connection.send([joinRef, joinRef, TOPIC, "phx_close", {}])
  await settled(socket, connection)
  assert.deepEqual([closes, first.state, second.state], [2, "closed", "closed"])
  first.leave()
  assert.equal(closes, 2)
  const join = socket.share(TOPIC).join()
  await connection.accept("phx_join")
  await join
})

test("sockets share nothing with each other, nor with their channels", () => {
  const [one, other] = [1, 2].map(() => new Socket("ws://peer.test/socket", { transport: nodeWebSocket })) as [Socket, Socket]
  const a = one.share(TOPIC)
  assert.notEqual(a.channel, other.share(TOPIC).channel)
  assert.notEqual(a.channel, one.channel(TOPIC))
  assert.equal(a.channel, one.share(TOPIC).channel)
})

