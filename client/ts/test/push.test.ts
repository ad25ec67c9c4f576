import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Socket, type Channel } from "../src/index.js"
import { Clock } from "./clock.js"
import { connect, event, nodeWebSocket, Peer, socketTo, type PeerConnection } from "./peer.js"

/** An open socket with a channel that is joining; accept() lets it join. */
async function joining(t: TestContext) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer)
  const connection = await connect(socket, peer)
  const channel = socket.channel("room:1")
  channel.join()
  const join = await connection.next()
  const accept = async () => {
    const ok = event((resolve) => channel.joinPush.receive("ok", resolve))
    connection.reply(join, "ok")
    await ok
  }
  return { clock, peer, socket, connection, channel, join, accept }
}

/** Sends a push, lets the peer answer it, and gives the response of that status. */
async function exchange(channel: Channel, connection: PeerConnection, status: string, response: unknown) {
  const got = event<unknown>((resolve) => channel.push("ask", {}).receive(status, resolve))
  connection.reply(await connection.next(), status, response)
  return got
}

test("a push on a joined channel is sent at once, with the join_ref and a ref of its own", async (t) => {
  const { connection, channel, join, accept } = await joining(t)
  await accept()
  const push = channel.push("ask", { q: 1 })
  assert.ok(push.sent)
  const [join_ref, ref, ...rest] = await connection.next()
  assert.equal(join_ref, join[0])
  assert.notEqual(ref, join_ref)
  assert.deepEqual(rest, ["room:1", "ask", { q: 1 }])
})

test("a payload may be any JSON; none at all is an empty object", async (t) => {
  const { connection, channel, accept } = await joining(t)
  await accept()
  for (const payload of [0, false, "", [1], undefined, null]) channel.push("ask", payload)
  const sent = []
  for (let n = 0; n < 6; n++) sent.push((await connection.next())[4])
  assert.deepEqual(sent, [0, false, "", [1], {}, {}])
})

test("bytes are pushed as bytes", async (t) => {
  const { connection, channel, accept } = await joining(t)
  await accept()
  const push = channel.push("ask", new Uint8Array([1, 2]))
  const frame = await connection.nextBinary()
  const head = `${channel.joinPush.ref}${push.ref}room:1ask`
  assert.equal(frame.subarray(5).toString("latin1"), `${head}\x01\x02`)
})

test("a reply reaches the hooks of its status, whatever that is", async (t) => {
  const { connection, channel, accept } = await joining(t)
  await accept()
  assert.deepEqual(await exchange(channel, connection, "ok", { a: 1 }), { a: 1 })
  assert.deepEqual(await exchange(channel, connection, "error", { reason: "bad" }), { reason: "bad" })
  assert.deepEqual(await exchange(channel, connection, "custom_status", [1]), [1])
})

test("a reply reaches no hooks of other statuses, and no other push", async (t) => {
  const { connection, channel, accept } = await joining(t)
  await accept()
  const never = () => assert.fail("not this one")
  const other = channel.push("other", {}).receive("ok", never)
  await connection.next()
  const got = event((resolve) => channel.push("ask", {}).receive("error", never).receive("timeout", never).receive("ok", resolve))
  connection.reply(await connection.next(), "ok")
  await got
  assert.ok(other.sent)
})

test("a hook that comes after the reply is called at once", async (t) => {
  const { connection, channel, accept } = await joining(t)
  await accept()
  const push = channel.push("ask", {})
  const got = event((resolve) => push.receive("ok", resolve))
  connection.reply(await connection.next(), "ok", { a: 1 })
  await got
  let late: unknown
  push.receive("ok", (response) => (late = response))
  push.receive("error", () => assert.fail("was ok"))
  assert.deepEqual(late, { a: 1 })
})

test("a push without a reply times out after 10 seconds, or after its own timeout", async (t) => {
  const { clock, channel, accept } = await joining(t)
  await accept()
  const late: string[] = []
  channel.push("slow", {}).receive("timeout", () => late.push("slow"))
  channel.push("fast", {}, 100).receive("timeout", () => late.push("fast"))
  clock.tick(99)
  assert.deepEqual(late, [])
  clock.tick(1)
  assert.deepEqual(late, ["fast"])
  clock.tick(9899)
  assert.deepEqual(late, ["fast"])
  clock.tick(1)
  assert.deepEqual(late, ["fast", "slow"])
})

test("a push that got its reply does not time out", async (t) => {
  const { clock, connection, channel, accept } = await joining(t)
  await accept()
  const got = event((resolve) => channel.push("ask", {}).receive("timeout", () => assert.fail("had a reply")).receive("ok", resolve))
  connection.reply(await connection.next(), "ok")
  await got
  clock.tick(60000)
})

test("pushes wait for the join and go in order", async (t) => {
  const { connection, channel, join, accept } = await joining(t)
  channel.push("one", {})
  channel.push("two", {})
  assert.equal(channel.pushBuffer.length, 2)
  await accept()
  const sent = [await connection.next(), await connection.next()]
  assert.deepEqual(sent.map(([join_ref, , , name]) => [join_ref, name]), [[join[0], "one"], [join[0], "two"]])
  assert.deepEqual(channel.pushBuffer, [])
})

test("a push that waits too long is dropped, and the others go", async (t) => {
  const { clock, connection, channel, accept } = await joining(t)
  let dropped = false
  channel.push("short", {}, 100).receive("timeout", () => (dropped = true))
  channel.push("long", {})
  clock.tick(100)
  assert.ok(dropped)
  assert.equal(channel.pushBuffer.length, 1)
  await accept()
  assert.equal((await connection.next())[3], "long")
})

test("a push that waited has its whole timeout from when it is sent", async (t) => {
  const { clock, connection, channel, accept } = await joining(t)
  let timedOut = false
  channel.push("ask", {}, 1000).receive("timeout", () => (timedOut = true))
  clock.tick(900)
  await accept()
  await connection.next()
  clock.tick(999)
  assert.ok(!timedOut)
  clock.tick(1)
  assert.ok(timedOut)
})

test("a push made offline survives the reconnect; one that was on its way does not", async (t) => {
  const { clock, peer, socket, connection, channel, accept } = await joining(t)
  await accept()
  let lost = false
  channel.push("on its way", {}).receive("timeout", () => (lost = true))
  await connection.next()
  const closed = event((resolve) => socket.onClose(resolve))
  connection.terminate()
  await closed
  channel.push("offline", {})
  clock.tick(10)
  const next = await peer.next()
  const join = await next.accept("phx_join")
  const push = await next.next()
  assert.deepEqual([push[0], push[3]], [join[0], "offline"])
  clock.tick(10000)
  assert.ok(lost)
})

test("a push before the join throws", () => {
  const channel = new Socket("ws://example.test/socket", { transport: nodeWebSocket }).channel("room:1")
  assert.throws(() => channel.push("ask", {}), /tried to push "ask" to "room:1" before joining/)
})

test("a payload that cannot be encoded throws when pushed, and ends in an error if it had to wait", async (t) => {
  const { connection, channel, accept } = await joining(t)
  const failed = event<{ reason: string }>((resolve) => channel.push("bad", { big: 1n }).receive<{ reason: string }>("error", resolve))
  channel.push("good", {})
  await accept()
  assert.match((await failed).reason, /BigInt/)
  assert.equal((await connection.next())[3], "good")
  assert.throws(() => channel.push("bad", { big: 1n }), /BigInt/)
  assert.throws(() => channel.push("e".repeat(256), new Uint8Array(1)), /unable to convert event to binary/)
})
