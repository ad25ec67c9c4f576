import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { test, type TestContext } from "node:test"
import { WebSocket } from "ws"
import { LongPoll, Presence, Socket, type Channel, type Push, type SocketOptions, type TransportConstructor } from "../src/index.js"
import { Inbox } from "./inbox.js"

// The address of the conformance application, such as http://127.0.0.1:4101.
const base = process.env["ROOST_CONFORMANCE_URL"]
const skip = !base && process.env["CI"] !== "true" ? "ROOST_CONFORMANCE_URL is not set" : false
const transports: [string, TransportConstructor][] = [
  ["WebSocket", WebSocket],
  ["LongPoll", LongPoll],
]

test("the conformance application is there", { skip }, () => {
  assert.ok(base, "set ROOST_CONFORMANCE_URL to the address of the conformance application: in CI these tests may not be skipped")
})

/** A socket of its own user; it disconnects with the test. */
function client(t: TestContext, transport: TransportConstructor, opts: SocketOptions & { mount?: string } = {}): Socket {
  const { mount = "/socket", ...options } = opts
  const socket = new Socket(`${base!.replace(/^http/, "ws")}${mount}`, { transport, ...options })
  socket.connect()
  t.after(() => socket.disconnect())
  return socket
}

const reply = <R = any>(push: Push, status = "ok") =>
  new Promise<R>((resolve, reject) => {
    push.receive<R>(status, resolve)
    for (const other of ["ok", "error", "timeout"].filter((name) => name !== status)) {
      push.receive(other, (response) => reject(new Error(`expected ${status}, got ${other}: ${JSON.stringify(response)}`)))
    }
  })

const joined = async (channel: Channel): Promise<Channel> => {
  await reply(channel.join())
  return channel
}

const next = <P = any>(channel: Channel, event: string) =>
  new Promise<P>((resolve) => {
    const ref = channel.on<P>(event, (payload) => {
      channel.off(event, ref)
      resolve(payload)
    })
  })

const admin = async (path: string) => assert.equal((await fetch(`${base}/admin/${path}`)).status, 200)
const unique = (prefix: string) => `${prefix}:${randomUUID()}`

for (const [name, transport] of base ? transports : []) {
  test(`${name}: a join is answered with what the server makes of its params`, async (t) => {
    const channel = client(t, transport).channel("echo:join_reply", { a: [1, null, "é"] })
    assert.deepEqual(await reply(channel.join()), { hello: "world", params: { a: [1, null, "é"] } })
    assert.equal(channel.state, "joined")
  })

  test(`${name}: a refused join tells why`, async (t) => {
    const socket = client(t, transport)
    assert.deepEqual(await reply(socket.channel("echo:join_error").join(), "error"), { reason: "nope", code: 42 })
    assert.deepEqual(await reply(socket.channel("room:private").join(), "error"), { reason: "unauthorized" })
    assert.deepEqual(await reply(socket.channel("nowhere:1").join(), "error"), { reason: "unmatched topic" })
    assert.deepEqual(await reply(socket.channel("echo:join_crash").join(), "error"), { reason: "join crashed" })
  })

  test(`${name}: what the server pushes after the join arrives`, async (t) => {
    const channel = client(t, transport).channel("echo:join_push")
    const welcome = next(channel, "welcome")
    await joined(channel)
    assert.deepEqual(await welcome, { msg: "hi" })
  })

  test(`${name}: pushes are answered, at once, later, or with an error`, async (t) => {
    const channel = await joined(client(t, transport).channel(unique("echo")))
    assert.deepEqual(await reply(channel.push("ping", { n: 1 })), { n: 1 })
    assert.deepEqual(await reply(channel.push("async", { n: 2 })), { n: 2 })
    assert.deepEqual(await reply(channel.push("err"), "error"), { reason: "bad" })
    assert.deepEqual(await reply(channel.push("reply_custom", { n: 3 }), "custom_status"), { n: 3 })
    assert.deepEqual(await reply(channel.push("reply_atom")), {})
  })

  test(`${name}: a push that nobody answers times out`, async (t) => {
    const channel = await joined(client(t, transport).channel(unique("echo")))
    await reply(channel.push("noreply", {}, 100), "timeout")
  })

  test(`${name}: pushes made before the join arrive in order`, async (t) => {
    const channel = client(t, transport).channel(unique("echo"))
    channel.join()
    const order: unknown[] = []
    const last = Array.from({ length: 120 }, (_, n) => reply(channel.push("ping", { n })).then((response) => order.push(response.n)))
    await Promise.all(last)
    assert.deepEqual(order, Array.from({ length: 120 }, (_, n) => n))
  })

  test(`${name}: a broadcast reaches everybody on the topic, or all but its sender`, async (t) => {
    const topic = unique("echo")
    const [ann, bob] = [await joined(client(t, transport).channel(topic)), await joined(client(t, transport).channel(topic))]
    const heard = [next(ann, "shout"), next(bob, "shout")]
    await reply(ann.push("shout_reply", { n: 1 }))
    assert.deepEqual(await Promise.all(heard), [{ n: 1 }, { n: 1 }])
    const shouts = new Inbox<unknown>()
    ann.on("shout", (payload) => shouts.put(payload))
    const bobHeard = next(bob, "shout")
    ann.push("shout_from", { n: 2 }, 1000)
    assert.deepEqual(await bobHeard, { n: 2 })
    await reply(ann.push("ping"))
    assert.equal(shouts.size, 0)
    await admin(`broadcast?topic=${topic}&event=shout&payload=${encodeURIComponent('{"n":3}')}`)
    assert.deepEqual(await shouts.next(), { n: 3 })
  })

  test(`${name}: bytes reach the server as bytes`, async (t) => {
    const channel = await joined(client(t, transport).channel(unique("echo")))
    // Long polling has no way to bring bytes back, so there the server is asked for an answer without any.
    assert.deepEqual(await reply(channel.push("reply_atom", new Uint8Array([0, 1, 255]))), {})
    assert.deepEqual(await reply(channel.push("reply_atom", new Uint8Array([0, 1, 255]).buffer)), {})
  })

  test(`${name}: presence knows a user with two sessions`, async (t) => {
    const topic = unique("room")
    const watcher = client(t, transport).channel(topic, { user: "eve" })
    const presence = new Presence(watcher)
    const log = new Inbox<string>()
    // The watcher's own join is in the state and, before or after it, in a diff of its own.
    const others = (key: string, line: string) => key === "eve" || log.put(line)
    presence.onJoin((key, current, joined) => others(key, `join ${key} ${current?.metas.length ?? 0}+${joined.metas.length}`))
    presence.onLeave((key, current, left) => others(key, `leave ${key} ${current.metas.length}-${left.metas.length}`))
    const synced = new Promise<void>((resolve) => presence.onSync(resolve))
    await joined(watcher)
    await synced
    assert.deepEqual(presence.list((key, { metas }) => [key, metas.length]), [["eve", 1]])

    const [first, second] = [client(t, transport).channel(topic, { user: "ann" }), client(t, transport).channel(topic, { user: "ann" })]
    await joined(first)
    assert.equal(await log.next(), "join ann 0+1")
    await joined(second)
    assert.equal(await log.next(), "join ann 1+1")
    assert.deepEqual(presence.list((key, { metas }) => [key, metas.length]), [["eve", 1], ["ann", 2]])

    await reply(first.push("status", { status: "away" }))
    assert.equal(await log.next(), "join ann 2+1")
    assert.equal(await log.next(), "leave ann 2-1")
    assert.ok(presence.state["ann"]!.metas.some((meta: any) => meta["status"] === "away"))

    first.leave()
    assert.equal(await log.next(), "leave ann 1-1")
    second.leave()
    assert.equal(await log.next(), "leave ann 0-1")
    assert.deepEqual(presence.list((key) => key), ["eve"])
  })

  test(`${name}: components share a conversation, and a later one sees who is there`, async (t) => {
    const socket = client(t, transport, { params: { user: "ann" } })
    const topic = unique("room")
    const first = socket.share(topic)
    const synced = new Promise<void>((resolve) => new Presence(first).onSync(resolve))
    await first.join()
    await synced
    const second = socket.share(topic)
    const presence = new Presence(second)
    const known = new Promise<void>((resolve) => presence.onSync(resolve))
    await second.join()
    await known
    assert.deepEqual(presence.list((key) => key), ["ann"])
    first.leave()
    const heard = new Promise((resolve) => second.on("shout", resolve))
    second.push("shout", { n: 1 })
    assert.deepEqual(await heard, { n: 1 })
    second.leave()
    const again = await socket.share(topic).join()
    assert.deepEqual(again, {})
    assert.equal(socket.channels.length, 1)
  })

  test(`${name}: joins and pushes are awaited`, async (t) => {
    const socket = client(t, transport)
    const channel = socket.channel(unique("echo"))
    assert.deepEqual(await channel.join(), {})
    assert.deepEqual(await channel.push("ping", { a: 1 }), { a: 1 })
    await assert.rejects(channel.push("err"), { name: "PushError", status: "error", reason: "bad" })
    await assert.rejects(channel.push("reply_custom", { a: 1 }), { status: "custom_status", response: { a: 1 } })
    await assert.rejects(channel.push("noreply", {}, { timeout: 50 }), { status: "timeout" })
    await assert.rejects(channel.push("noreply", {}, { signal: AbortSignal.timeout(50) }), { name: "TimeoutError" })
    await assert.rejects(socket.channel("echo:join_error").join(), { status: "error", reason: "nope", response: { reason: "nope", code: 42 } })
    assert.deepEqual(await channel.leave(), {})
  })

  test(`${name}: after a leave the topic is quiet`, async (t) => {
    const topic = unique("echo")
    const socket = client(t, transport)
    const [leaver, stayer] = [await joined(socket.channel(topic)), await joined(client(t, transport).channel(topic))]
    leaver.on("shout", () => assert.fail("has left"))
    await reply(leaver.leave())
    assert.equal(leaver.state, "closed")
    const other = await joined(socket.channel(unique("echo")))
    await reply(stayer.push("shout_reply", {}))
    await reply(other.push("ping"))
  })

  test(`${name}: leave and join at once gives a channel that works`, async (t) => {
    const topic = unique("echo")
    const socket = client(t, transport)
    for (let n = 0; n < 5; n++) {
      const channel = await joined(socket.channel(topic))
      assert.deepEqual(await reply(channel.push("ping", { n })), { n })
      channel.leave()
    }
  })

  test(`${name}: a second channel with a topic takes it over`, async (t) => {
    const topic = unique("echo")
    const socket = client(t, transport)
    const first = await joined(socket.channel(topic))
    const second = await joined(socket.channel(topic))
    assert.equal(first.state, "closed")
    assert.deepEqual(await reply(second.push("ping", { n: 1 })), { n: 1 })
    assert.equal(second.state, "joined")
  })

  test(`${name}: a crash is followed by a rejoin`, async (t) => {
    const socket = client(t, transport, { rejoinAfterMs: () => 10 })
    const [channel, other] = [socket.channel(unique("echo")), await joined(socket.channel(unique("echo")))]
    const noCrash = other.onError(() => assert.fail("did not crash"))
    await joined(channel)
    const reason = new Promise((resolve) => channel.onError(resolve))
    const rejoined = new Promise<void>((resolve) => channel.onError(() => channel.joinPush.receive("ok", () => resolve())))
    channel.push("crash", {}, 1000)
    assert.deepEqual(await reason, { reason: "channel_crash" })
    await rejoined
    assert.deepEqual(await reply(channel.push("ping", { n: 1 })), { n: 1 })
    assert.deepEqual(await reply(other.push("ping", { n: 2 })), { n: 2 })
    other.off("phx_error", noCrash)
  })

  test(`${name}: a channel that the server ends in good order stays closed`, async (t) => {
    const channel = await joined(client(t, transport, { rejoinAfterMs: () => 10 }).channel(unique("echo")))
    const closed = new Promise((resolve) => channel.onClose(resolve))
    channel.push("stop", {}, 1000)
    await closed
    assert.equal(channel.state, "closed")
  })

  test(`${name}: a user who is disconnected comes back and rejoins`, async (t) => {
    const user = randomUUID()
    const socket = client(t, transport, { params: { user } })
    const channel = await joined(socket.channel(unique("echo")))
    const rejoined = new Promise<void>((resolve) => channel.onError(() => channel.joinPush.receive("ok", () => resolve())))
    const closed = new Promise<{ code?: number }>((resolve) => socket.onClose(resolve))
    await admin(`disconnect?user=${user}`)
    assert.equal((await closed).code, transport === LongPoll ? 3410 : 1001)
    await rejoined
    assert.equal((await reply(channel.push("whoami"))).user, user)
    assert.equal(socket.establishedConnections, 2)
  })

  test(`${name}: the auth token arrives`, async (t) => {
    for (const token of ["abc.DEF-123", "ab>>>", "ab?>"]) {
      const socket = client(t, transport, { mount: "/auth", authToken: () => token })
      const channel = await joined(socket.channel(unique("echo")))
      assert.equal((await reply(channel.push("whoami"))).auth_token, token)
    }
  })

  test(`${name}: ping measures the round trip`, async (t) => {
    const socket = client(t, transport)
    await new Promise<void>((resolve) => socket.onOpen(resolve))
    assert.ok((await new Promise<number>((resolve) => socket.ping(resolve))) >= 0)
  })

  test(`${name}: a refused connection is an error, and tried again`, async (t) => {
    const socket = client(t, transport, { params: { reject: 1 }, reconnectAfterMs: () => 10 })
    const errors = new Inbox<unknown>()
    socket.onError((error) => errors.put(error))
    await errors.next()
    await errors.next()
    assert.equal(socket.establishedConnections, 0)
  })
}

test("WebSocket: bytes go both ways, in pushes, replies and broadcasts", { skip: !base }, async (t) => {
  const topic = unique("echo")
  const channel = await joined(client(t, WebSocket).channel(topic))
  const bytes = new Uint8Array([0, 1, 254, 255])
  assert.deepEqual(await reply(channel.push("ping", bytes)), bytes.buffer)
  assert.deepEqual(await reply(channel.push("ping_bin", {})), new Uint8Array([1, 2, 3, 255]).buffer)
  assert.deepEqual(await reply(channel.push("err_bin", bytes), "error"), bytes.buffer)
  for (const [event, heard] of [["push", "pushed"], ["shout", "shout"]] as const) {
    const arrived = next(channel, heard)
    channel.push(event, bytes, 1000)
    assert.deepEqual(await arrived, bytes.buffer)
  }
  const arrived = next(channel, "blob")
  await admin(`broadcast_bin?topic=${topic}&event=blob&hex=00ff`)
  assert.deepEqual(await arrived, new Uint8Array([0, 255]).buffer)
})

test("WebSocket: the heartbeats keep a connection alive that the server would close for silence", { skip: !base }, async (t) => {
  const socket = client(t, WebSocket, { mount: "/short", heartbeatIntervalMs: 500 })
  const beats = new Inbox<string>()
  socket.onMessage(({ topic }) => beats.put(topic))
  // Five times the half second is more than the two seconds that the mount allows.
  for (let n = 0; n < 5; n++) assert.equal(await beats.next(), "phoenix")
  assert.equal(socket.establishedConnections, 1)
})
