import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { Outbox, Push, Recovery, Serializer, type Channel, type OutboxOptions, type SocketOptions } from "../src/index.js"
import { Clock } from "./clock.js"
import { Inbox } from "./inbox.js"
import { connect, cut, event, Peer, settled, socketTo, type PeerConnection } from "./peer.js"

const TOPIC = "room:1"

/** An open socket with an Outbox, and time in the hands of the test. */
async function open(t: TestContext, opts: OutboxOptions = {}, socketOpts: SocketOptions = {}) {
  const clock = new Clock(t)
  const peer = await Peer.start(t)
  const socket = socketTo(t, peer, socketOpts)
  const connection = await connect(socket, peer)
  const channel = socket.channel(TOPIC)
  const outbox = new Outbox(channel, opts)
  const told = new Inbox<unknown>()
  /** Pushes, and has told get what becomes of it. */
  const push = (name: string, payload: object = {}, timeout?: number) => {
    const push = outbox.push(name, payload, timeout)
    for (const status of ["ok", "error", "timeout"]) push.receive(status, (response) => told.put([name, status, response]))
    return push
  }
  return { clock, peer, socket, connection, channel, outbox, told, push }
}

/** Answers the join that comes next, and returns what it asked. */
async function answer(connection: PeerConnection, channel: Channel, once: object | undefined) {
  const ok = event<unknown>((resolve) => channel.joinPush.receive("ok", resolve))
  const [, , , , params] = await connection.accept("phx_join", once ? { _once: once } : {})
  assert.deepEqual(await ok, {}, "the application does not see the session")
  return params
}

/** The same with a channel that has joined in the session "s". */
async function joined(t: TestContext, opts?: OutboxOptions, socketOpts?: SocketOptions) {
  const world = await open(t, opts, socketOpts)
  world.channel.join()
  assert.deepEqual(await answer(world.connection, world.channel, { session: "s" }), { _once: true })
  return world
}

/** Cuts the connection, and lets the channel join again; its session is kept if not said otherwise. */
async function rejoined(world: Awaited<ReturnType<typeof open>>, once: object = { session: "s", kept: true }) {
  const connection = await cut(world)
  assert.deepEqual(await answer(connection, world.channel, once), { _once: { session: "s" } })
  return connection
}

/** The event and payload of the next frames. */
async function sent(connection: PeerConnection, count: number) {
  const frames = []
  for (let n = 0; n < count; n++) {
    const [, , , name, payload] = await connection.next()
    frames.push([name, payload])
  }
  return frames
}

const mark = (id: number, done: number) => ({ _once: { id, done } })
const again = { reason: "busy", _once: "again" }

test("pushes are numbered, and say up to where all are answered", async (t) => {
  const { connection, push, told, outbox } = await joined(t)
  assert.ok(push("buy", { item: 7 }) instanceof Push)
  push("sell", { item: 8 })
  push("look")
  const [buy, sell, look] = [await connection.next(), await connection.next(), await connection.next()]
  assert.deepEqual(buy!.slice(2), [TOPIC, "buy", { item: 7, ...mark(1, 0) }])
  assert.deepEqual(sell!.slice(2), [TOPIC, "sell", { item: 8, ...mark(2, 0) }])
  assert.deepEqual(look!.slice(2), [TOPIC, "look", mark(3, 0)])
  assert.equal(outbox.size, 3)
  connection.reply(sell!, "ok", { price: 1 })
  assert.deepEqual(await told.next(), ["sell", "ok", { price: 1 }])
  push("four")
  assert.deepEqual(await sent(connection, 1), [["four", mark(4, 0)]])
  connection.reply(buy!, "error", { reason: "sold out", detail: { _once: "stays" } })
  assert.deepEqual(await told.next(), ["buy", "error", { reason: "sold out", detail: { _once: "stays" } }])
  push("five")
  assert.deepEqual(await sent(connection, 1), [["five", mark(5, 2)]])
})

test("a status of the server's own choice is an answer, too", async (t) => {
  const { connection, outbox } = await joined(t)
  const got = event((resolve) => outbox.push("ask").receive("later", resolve))
  connection.reply(await connection.next(), "later", [1])
  assert.deepEqual(await got, [1])
  assert.equal(outbox.size, 0)
})

test("what is not answered is sent again after each rejoin, in order, with what came meanwhile", async (t) => {
  const world = await joined(t)
  const { connection, push, told, socket } = world
  for (const name of ["one", "two", "three"]) push(name)
  const [, two] = [await connection.next(), await connection.next(), await connection.next()]
  connection.reply(two!, "ok")
  assert.deepEqual(await told.next(), ["two", "ok", {}])
  world.connection = await cut(world)
  push("four")
  assert.deepEqual(await answer(world.connection, world.channel, { session: "s2", kept: true }), { _once: { session: "s" } })
  assert.deepEqual(await sent(world.connection, 3), [["one", mark(1, 0)], ["three", mark(3, 0)], ["four", mark(4, 0)]])

  const third = await cut(world)
  assert.deepEqual(await answer(third, world.channel, { session: "s2", kept: true }), { _once: { session: "s2" } })
  for (const name of ["one", "three", "four"]) {
    const frame = await third.next()
    assert.equal(frame[0], world.channel.joinPush.ref)
    third.reply(frame, "ok")
    assert.deepEqual(await told.next(), [name, "ok", {}])
  }
  await settled(socket, third)
  assert.equal(told.size, 0)
})

test("a payload is that of the moment of the push, and never changed", async (t) => {
  const { channel, connection, outbox } = await open(t)
  channel.join()
  const payload = { at: new Date(0), list: [1] }
  outbox.push("say", payload)
  payload.list.push(2)
  await answer(connection, channel, { session: "s" })
  assert.deepEqual(await sent(connection, 1), [["say", { at: "1970-01-01T00:00:00.000Z", list: [1], ...mark(1, 0) }]])
  assert.deepEqual(payload, { at: new Date(0), list: [1, 2] })
})

test("bytes are marked in the frame, and are those of the moment of the push", async (t) => {
  const world = await joined(t)
  const bytes = new Uint8Array([1, 2])
  const push = world.outbox.push("upload", bytes)
  bytes[0] = 9
  const frame = () => {
    const fields = [world.channel.joinRef()!, push.ref!, TOPIC, "upload", '{"id":1,"done":0}']
    return Buffer.concat([Buffer.from([7, ...fields.map((field) => field.length)]), Buffer.from(fields.join("")), Buffer.from([1, 2])])
  }
  assert.deepEqual(await world.connection.nextBinary(), frame())
  const next = await rejoined(world)
  assert.deepEqual(await next.nextBinary(), frame())
})

test("bytes need the default serializer, and a payload room for a mark", async (t) => {
  const { outbox } = await joined(t, {}, { encode: (message, callback) => Serializer.encode(message, callback) })
  assert.throws(() => outbox.push("upload", new Uint8Array(1)), /cannot mark the bytes of "upload": the socket has an encode of its own/)
  for (const payload of [[1], "text", 5, null, () => {}]) {
    assert.throws(() => outbox.push("say", payload as object), /cannot mark the payload of "say": it must be an object, or bytes/)
  }
  assert.throws(() => outbox.push("say", { big: 1n }), /BigInt/)
  assert.equal(outbox.size, 0)
})

test("a payload that the server would find too large is refused at once", async (t) => {
  const { connection, outbox } = await joined(t, { maxBytes: 10 })
  assert.throws(() => outbox.push("say", { a: "ééé" }), /cannot push "say": its payload of 14 bytes is larger than maxBytes, 10/)
  assert.throws(() => outbox.push("upload", new Uint8Array(11)), /cannot push "upload": its payload of 11 bytes is larger than maxBytes, 10/)
  outbox.push("say", { a: "é" })
  outbox.push("upload", new Uint8Array(10))
  assert.deepEqual(await sent(connection, 1), [["say", { a: "é", ...mark(1, 0) }]])
  assert.ok(await connection.nextBinary())
})

test("what cannot be encoded otherwise ends in an error, and the others go", async (t) => {
  const { connection, push, told } = await joined(t)
  const long = "e".repeat(256)
  push(long, new Uint8Array(1))
  push("good")
  const [, status, response] = (await told.next()) as [string, string, { reason: string }]
  assert.equal(status, "error")
  assert.match(response.reason, /unable to convert event to binary/)
  assert.deepEqual(await sent(connection, 1), [["good", mark(2, 1)]])
})

test("beyond the limit a push throws, until one is answered", async (t) => {
  const { connection, outbox } = await joined(t, { limit: 2 })
  const answered = event<void>((resolve) => {
    outbox.push("one").receive("ok", () => {
      outbox.push("three")
      resolve()
    })
  })
  outbox.push("two")
  assert.throws(() => outbox.push("three"), /cannot push "three" to "room:1": 2 pushes wait for their answers, and that is the limit/)
  connection.reply(await connection.next(), "ok")
  await answered
  assert.deepEqual(await sent(connection, 2), [["two", mark(2, 0)], ["three", mark(3, 1)]])
})

test("no more than 32 are on their way at once", async (t) => {
  const world = await joined(t)
  for (let n = 1; n <= 50; n++) world.push("say", { n })
  const frames = []
  for (let n = 0; n < 32; n++) frames.push(await world.connection.next())
  await settled(world.socket, world.connection)
  world.connection.reply(frames[4]!, "ok")
  assert.deepEqual(await sent(world.connection, 1), [["say", { n: 33, ...mark(33, 0) }]])
  const next = await rejoined(world)
  const numbers = (await sent(next, 32)).map(([, payload]) => payload.n)
  assert.deepEqual(numbers, [1, 2, 3, 4, ...Array.from({ length: 28 }, (_, i) => i + 6)])
  await settled(world.socket, next)
})

test("who is told to come again does so after a pause that grows, and nobody hears of it", async (t) => {
  const { clock, connection, push, socket, told } = await joined(t)
  push("one")
  push("two")
  let [one, two] = [await connection.next(), await connection.next()]
  for (const pause of [50, 100, 200, 500, 1000, 2000, 5000, 5000]) {
    connection.reply(one, "error", again)
    connection.reply(two, "error", again)
    await settled(socket, connection)
    clock.tick(pause - 1)
    await settled(socket, connection)
    clock.tick(1)
    const next = [await connection.next(), await connection.next()] as const
    assert.deepEqual(next.map(([, , , name]) => name), ["one", "two"])
    ;[one, two] = next
  }
  connection.reply(one, "ok")
  assert.deepEqual(await told.next(), ["one", "ok", {}])
  connection.reply(two, "error", again)
  await settled(socket, connection)
  clock.tick(50) // it was answered meanwhile: the pauses begin anew
  connection.reply(await connection.next(), "ok")
  assert.deepEqual(await told.next(), ["two", "ok", {}])
})

test("who is told when to come again does not come earlier", async (t) => {
  const { clock, connection, push, socket } = await joined(t, {}, { jitter: false, heartbeatIntervalMs: 1 << 30 })
  push("one")
  connection.reply(await connection.next(), "error", { ...again, retry_after_ms: 30000 })
  await settled(socket, connection)
  clock.tick(29999)
  await settled(socket, connection)
  clock.tick(1)
  assert.deepEqual(await sent(connection, 1), [["one", mark(1, 0)]])
})

test("what is pushed while the server is busy waits for its turn; a rejoin ends the pause", async (t) => {
  const world = await joined(t)
  world.push("one")
  world.connection.reply(await world.connection.next(), "error", again)
  await settled(world.socket, world.connection)
  world.push("two")
  await settled(world.socket, world.connection)
  const next = await rejoined(world)
  assert.deepEqual(await sent(next, 2), [["one", mark(1, 0)], ["two", mark(2, 0)]])
})

test("where the session is lost, what was sent has an unknown outcome, and the rest goes on", async (t) => {
  const world = await joined(t)
  const { connection, push, told } = world
  push("sent")
  push("refused")
  await connection.next()
  connection.reply(await connection.next(), "error", again)
  await settled(world.socket, connection)
  push("kept back")
  const next = await rejoined(world, { session: "t", kept: false })
  assert.deepEqual(await told.next(), ["sent", "error", { reason: "outcome_unknown" }])
  assert.deepEqual(await sent(next, 2), [["refused", mark(2, 1)], ["kept back", mark(3, 1)]])
  assert.equal(told.size, 0)
})

test("a callback that throws is not in the way of other pushes", async (t) => {
  const world = await joined(t)
  const threw = event((resolve) => process.setUncaughtExceptionCaptureCallback(resolve))
  t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  world.outbox.push("bad").receive("error", () => assert.fail("thrown by the application"))
  world.push("good")
  await sent(world.connection, 2)
  await rejoined(world, { session: "t", kept: false })
  assert.match(String(await threw), /thrown by the application/)
  assert.deepEqual(await world.told.next(), ["good", "error", { reason: "outcome_unknown" }])
})

test("a server that takes no marks gets no pushes", async (t) => {
  const { channel, connection, push, socket, told } = await open(t)
  channel.join()
  push("early")
  assert.deepEqual(await answer(connection, channel, undefined), { _once: true })
  assert.deepEqual(await told.next(), ["early", "error", { reason: "not_supported" }])
  push("late")
  assert.deepEqual(await told.next(), ["late", "error", { reason: "not_supported" }])
  await settled(socket, connection)
})

test("a server that no longer takes marks gets none, and one that does again a new session", async (t) => {
  const world = await joined(t)
  const { channel, push, told } = world
  push("sent")
  await world.connection.next()
  world.connection = await cut(world)
  push("not sent")
  assert.deepEqual(await answer(world.connection, channel, undefined), { _once: { session: "s" } })
  assert.deepEqual(await told.next(), ["sent", "error", { reason: "outcome_unknown" }])
  assert.deepEqual(await told.next(), ["not sent", "error", { reason: "not_supported" }])
  const third = await cut(world)
  push("later")
  assert.deepEqual(await answer(third, channel, { session: "t" }), { _once: true })
  assert.deepEqual(await sent(third, 1), [["later", mark(3, 2)]])
})

test("a push waits as long as it takes, unless it has a timeout", async (t) => {
  const world = await joined(t)
  const { clock, connection, push, told } = world
  push("patient")
  push("hasty", {}, 1000)
  await sent(connection, 2)
  clock.tick(900)
  const next = await rejoined(world)
  const [patient, hasty] = [await next.next(), await next.next()]
  clock.tick(90)
  assert.deepEqual(await told.next(), ["hasty", "timeout", {}])
  next.reply(hasty, "ok")
  clock.tick(20_000) // twice what others wait
  next.reply(patient, "ok")
  assert.deepEqual(await told.next(), ["patient", "ok", {}])
  assert.equal(told.size, 0)
})

test("what timed out is not sent any more, and counts as answered", async (t) => {
  const world = await joined(t)
  world.push("sent", {}, 100)
  await world.connection.next()
  world.connection = await cut(world)
  world.push("not sent", {}, 80)
  world.push("patient")
  world.clock.tick(90)
  assert.deepEqual(await world.told.next(), ["not sent", "timeout", {}])
  assert.deepEqual(await world.told.next(), ["sent", "timeout", {}])
  await answer(world.connection, world.channel, { session: "s", kept: true })
  assert.deepEqual(await sent(world.connection, 1), [["patient", mark(3, 2)]])
})

for (const [who, end] of [
  ["leave", ({ channel }) => void channel.leave()],
  ["the server", ({ channel, connection }) => connection.send([channel.joinRef(), null, TOPIC, "phx_close", {}])],
] as [string, (world: { channel: Channel; connection: PeerConnection }) => void][]) {
  test(`a channel that is closed by ${who} ends all that waits`, async (t) => {
    const world = await joined(t)
    for (let n = 1; n <= 33; n++) world.push(`push ${n}`)
    end(world)
    for (let n = 1; n <= 32; n++) assert.deepEqual(await world.told.next(), [`push ${n}`, "error", { reason: "outcome_unknown" }])
    assert.deepEqual(await world.told.next(), ["push 33", "error", { reason: "closed" }])
    world.push("late")
    assert.deepEqual(await world.told.next(), ["late", "error", { reason: "closed" }])
    assert.equal(world.outbox.size, 0)
  })
}

test("a push that crashes the conversation is sent again after the rejoin, for its answer", async (t) => {
  const world = await joined(t)
  const { channel, clock, connection, push, told } = world
  push("crash")
  await connection.next()
  const crashed = event((resolve) => channel.onError(resolve))
  connection.send([channel.joinRef(), channel.joinRef(), TOPIC, "phx_error", { reason: "channel_crash" }])
  await crashed
  clock.tick(1000)
  assert.deepEqual(await answer(connection, channel, { session: "s", kept: true }), { _once: { session: "s" } })
  const frame = await connection.next()
  assert.deepEqual(frame.slice(3), ["crash", mark(1, 0)])
  connection.reply(frame, "error", { reason: "crashed" })
  assert.deepEqual(await told.next(), ["crash", "error", { reason: "crashed" }])
})

test("a callback of the join may push, and pushes on the channel itself are not marked", async (t) => {
  const { channel, connection, outbox } = await open(t)
  channel.joinPush.receive("ok", () => {
    channel.push("plain")
    outbox.push("marked")
  })
  channel.join()
  await connection.accept("phx_join", { _once: { session: "s" } })
  assert.deepEqual(await sent(connection, 2), [["plain", {}], ["marked", mark(1, 0)]])
})

test("an Outbox is the only one of its channel, and made before the join", async (t) => {
  const { channel, outbox } = await open(t)
  assert.throws(() => new Outbox(channel), /"room:1" has its Outbox already/)
  assert.throws(() => outbox.push("early"), /tried to push "early" to "room:1" before joining/)
  channel.join()
  assert.throws(() => new Outbox(channel), /"room:1" has joined already: make its Outbox before/)
})

for (const order of ["an Outbox and a Recovery", "a Recovery and an Outbox"]) {
  test(`a channel may have ${order}`, async (t) => {
    const clock = new Clock(t)
    const peer = await Peer.start(t)
    const socket = socketTo(t, peer)
    const connection = await connect(socket, peer)
    const channel = socket.channel(TOPIC, { a: 1 })
    const makers = [() => void (outbox = new Outbox(channel)), () => void (recovery = new Recovery(channel))]
    let outbox!: Outbox
    let recovery!: Recovery
    for (const make of order.startsWith("a R") ? makers.reverse() : makers) make()
    const gap = event<unknown>((resolve) => recovery.onGap(resolve))
    channel.join()
    outbox.push("say")
    const ok = event((resolve) => channel.joinPush.receive("ok", resolve))
    const [, , , , params] = await connection.accept("phx_join", { b: 2, _once: { session: "s" }, _history: { position: "e.1." } })
    assert.deepEqual(params, { a: 1, _once: true, _history: { binary: true } })
    assert.deepEqual(await ok, { b: 2 })
    assert.deepEqual(await sent(connection, 1), [["say", mark(1, 0)]])
    const next = await cut({ channel, connection, clock, peer })
    const [, , , , asked] = await next.accept("phx_join", { c: 3, _once: { session: "s", kept: true }, _history: { position: "e.9.", recovered: false } })
    assert.deepEqual(asked, { a: 1, _once: { session: "s" }, _history: { after: "e.1.", binary: true } })
    assert.deepEqual(await gap, { c: 3 })
    assert.equal(recovery.position, "e.9.")
    assert.deepEqual(await sent(next, 1), [["say", mark(1, 0)]])
  })
}
