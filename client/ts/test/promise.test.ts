import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Outbox, PushError, type Channel } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, event, Peer, settled, socketTo } from "./peer.js"

/** An open socket with a channel that has not joined. */
async function open(t: TestContext) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const connection = await connect(socket, peer)
  return { clock, peer, socket, connection, channel: socket.channel("room:1") }
}

async function joined(t: TestContext) {
  const world = await open(t)
  const join = world.channel.join()
  const frame = await world.connection.accept("phx_join", { hello: "world" })
  await join
  return { ...world, frame }
}

/** What a promise of a push rejects with. */
async function failure(push: PromiseLike<unknown>): Promise<Pick<PushError, "status" | "reason" | "response">> {
  const error = await push.then(() => assert.fail("did not reject"), (error: unknown) => error)
  assert.ok(error instanceof PushError)
  const { status, reason, response } = error
  return { status, reason, response }
}

const closed = { status: "closed", reason: "closed", response: {} }
const timeout = { status: "timeout", reason: "timeout", response: {} }

test("an awaited join gives the reply", async (t) => {
  const { connection, channel } = await open(t)
  const join = channel.join()
  await connection.accept("phx_join", { hello: "world" })
  assert.deepEqual(await join, { hello: "world" })
  assert.deepEqual(await join, { hello: "world" })
})

test("an awaited join tells how its first try ended, and the channel goes on trying", async (t) => {
  const { clock, connection, channel } = await open(t)
  const join = channel.join()
  connection.reply(await connection.next(), "error", { reason: "unauthorized", code: 42 })
  const refused = { status: "error", reason: "unauthorized", response: { reason: "unauthorized", code: 42 } }
  assert.deepEqual(await failure(join), refused)
  clock.tick(1000)
  const ok = event((resolve) => channel.joinPush.receive("ok", resolve))
  await connection.accept("phx_join")
  await ok
  assert.deepEqual(await failure(join), refused)
  assert.ok(channel.isJoined())
})

test("an awaited join that gets no reply rejects with the timeout", async (t) => {
  const { clock, channel } = await open(t)
  const failed = failure(channel.join())
  clock.tick(10000)
  assert.deepEqual(await failed, timeout)
})

const ends: [string, (channel: Channel) => unknown][] = [
  ["is left", (channel) => channel.leave()],
  ["is closed by the server", (channel) => channel.trigger("phx_close", {})],
  ["is replaced by another", (channel) => channel.socket.channel(channel.topic).join()],
]
for (const [how, end] of ends) {
  test(`an awaited join of a channel that ${how} before the reply rejects`, async (t) => {
    const { channel } = await open(t)
    const join = channel.join()
    const failed = failure(join)
    end(channel)
    assert.deepEqual(await failed, closed)
  })
}

test("a join that is awaited only after its channel was left rejects", async (t) => {
  const { channel } = await open(t)
  const join = channel.join()
  channel.leave()
  assert.deepEqual(await failure(join), closed)
})

test("an awaited push gives the reply, whenever it is asked for it", async (t) => {
  const { connection, channel } = await joined(t)
  const push = channel.push("ask")
  await connection.accept("ask", { a: 1 })
  assert.deepEqual(await push, { a: 1 })
  assert.deepEqual(await push.then(({ a }) => a + 1), 2)
  let over = false
  assert.deepEqual(await push.finally(() => (over = true)), { a: 1 })
  assert.ok(over)
})

test("an awaited push rejects with what the server replied instead of ok", async (t) => {
  const { connection, channel } = await joined(t)
  for (const [status, response, reason] of [["error", { reason: "bad" }, "bad"], ["error", {}, "error"], ["busy", [1], "busy"], ["error", null, "error"]] as const) {
    const failed = failure(channel.push("ask"))
    connection.reply(await connection.next(), status, response)
    assert.deepEqual(await failed, { status, reason, response })
  }
})

test("the error names the event, the topic and the reason", async (t) => {
  const { connection, channel } = await joined(t)
  const push = channel.push("ask")
  connection.reply(await connection.next(), "error", { reason: "bad" })
  await assert.rejects(push, { name: "PushError", message: '"ask" to "room:1" ended in "error": bad' })
})

test("an awaited push rejects at its timeout, in the buffer as well", async (t) => {
  const { clock, channel } = await joined(t)
  const sent = failure(channel.push("ask", {}, 100))
  channel.trigger("phx_error", {})
  const buffered = failure(channel.push("ask", {}, 100))
  clock.tick(100)
  assert.deepEqual(await Promise.all([sent, buffered]), [timeout, timeout])
})

test("an awaited push rejects when its channel is left, and its timeout still comes for who has a callback", async (t) => {
  const { clock, channel } = await joined(t)
  let late = false
  const push = channel.push("ask").receive("timeout", () => (late = true))
  const failed = failure(push)
  channel.leave()
  assert.deepEqual(await failed, closed)
  assert.ok(!late)
  clock.tick(10000)
  assert.ok(late)
})

test("an awaited leave is over at once", async (t) => {
  const { connection, channel } = await joined(t)
  assert.deepEqual(await channel.leave(), {})
  assert.equal(channel.state, "closed")
  await connection.accept("phx_leave")
})

test("nothing rejects until somebody asks", async (t) => {
  const { clock, socket, connection, channel } = await joined(t)
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  process.on("unhandledRejection", note)
  t.after(() => process.off("unhandledRejection", note))
  const push = channel.push("ask")
  connection.reply(await connection.next(), "error", {})
  channel.push("ask", {}, 100)
  await connection.next()
  clock.tick(100)
  await settled(socket, connection)
  await new Promise(setImmediate)
  assert.deepEqual(unhandled, [])
  assert.equal((await failure(push)).status, "error")
  await assert.rejects(push.finally())
  assert.equal(await push.catch(({ status }) => status), "error")
})

test("awaited pushes leave no callbacks behind", async (t) => {
  const { connection, channel } = await joined(t)
  const callbacks = () => [...(channel as any).bindings].map(([name, list]) => [name, list.length])
  const before = callbacks()
  for (let n = 0; n < 3; n++) {
    const push = channel.push("ask").then()
    await connection.accept("ask")
    await push
  }
  assert.deepEqual(callbacks(), before)
})

test("an awaited push of an Outbox rejects with the reason that it knows", async (t) => {
  const { connection, channel } = await open(t)
  const outbox = new Outbox(channel)
  const join = channel.join()
  await connection.accept("phx_join", { _once: { session: "s" } })
  await join
  const push = outbox.push("buy", { item: 7 })
  await connection.accept("buy", { order: 1 })
  assert.deepEqual(await push, { order: 1 })
  const sent = failure(outbox.push("buy"))
  channel.leave()
  const late = failure(outbox.push("buy"))
  assert.deepEqual((await sent).reason, "outcome_unknown")
  assert.deepEqual((await late).reason, "closed")
})
