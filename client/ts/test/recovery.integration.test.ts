import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { test, type TestContext } from "node:test"
import { WebSocket } from "ws"
import { LongPoll, Recovery, type Channel, type RecoveryOptions, type Socket } from "../src/index.js"
import { address, client, isThere, noProgram, ok, seed, Server, skip, ways } from "./conformance.js"
import { chance, Cutter } from "./cutter.js"
import { Inbox } from "./inbox.js"
import { MemoryStorage } from "./storage.js"

/** A channel that recovers, and the numbers it was told. */
function follow(socket: Socket, topic: string, opts: RecoveryOptions = {}) {
  const channel = socket.channel(topic)
  const recovery = new Recovery(channel, opts)
  const numbers = new Inbox<number>()
  const notes = new Inbox<string>()
  channel.on<{ n: number }>("shout", ({ n }) => numbers.put(n))
  channel.on<ArrayBuffer>("blob", (bytes) => numbers.put(new DataView(bytes).getUint32(0)))
  recovery.onRecovered((count) => notes.put(`recovered ${count}`))
  recovery.onGap(() => notes.put("gap"))
  return { channel, recovery, numbers, notes }
}

async function joined<F extends { channel: Channel }>(followed: F): Promise<F> {
  followed.channel.join()
  await ok(followed.channel)
  return followed
}

/** Says events with the numbers from first to last on a topic. */
async function publish(t: TestContext, address: string, topic: string, first: number, last: number, pauseEvery = 50) {
  const socket = client(t, address, WebSocket)
  const channel = socket.channel(topic)
  channel.join()
  await ok(channel)
  for (let n = first; n <= last; n++) {
    const push = channel.push(n % pauseEvery === 0 || n === last ? "shout_reply" : "shout", { n }, 1000)
    if (push.event === "shout_reply") await new Promise<void>((resolve) => push.receive("ok", () => resolve()))
  }
  socket.disconnect()
}

async function broadcastBytes(address: string, topic: string, n: number) {
  const hex = n.toString(16).padStart(8, "0")
  assert.equal((await fetch(`http://${address}/admin/broadcast_bin?topic=${topic}&event=blob&hex=${hex}`)).status, 200)
}

async function expectNumbers(numbers: Inbox<number>, first: number, last: number) {
  for (let n = first; n <= last; n++) assert.equal(await numbers.next(), n)
}

const unique = () => `log:${randomUUID()}`

test("the conformance application is there, and its program", { skip }, () => {
  assert.ok(isThere, "set ROOST_CONFORMANCE_URL and ROOST_CONFORMANCE_PROGRAM: in CI these tests may not be skipped")
})

for (const [name, transport, opts] of ways) {
  test(`${name}: however often the connection is cut, each event comes once and in order`, async (t) => {
    t.diagnostic(`ROOST_SEED=${seed}`)
    const below = chance(seed)
    const topic = unique()
    const last = 600
    const followers = []
    const cutters: Cutter[] = []
    for (let i = 0; i < 4; i++) {
      const cutter = await Cutter.start(t, address)
      const follower = await joined(follow(client(t, cutter.address, transport, opts), topic))
      cutters.push(cutter)
      followers.push(follower)
      // A poll's answer goes through as a whole or not at all, and can be all that was missed.
      cutter.budget = () => 100 + (transport === LongPoll ? 100 * 2 ** below(10) : below(4000))
    }
    for (const cutter of cutters) cutter.cutAll()
    await publish(t, address, topic, 1, last, 10)
    for (const { numbers } of followers) await expectNumbers(numbers, 1, last)
    for (const cutter of cutters) cutter.budget = () => Infinity
    // What is told now can only be live: had something come twice it would be here before it.
    await publish(t, address, topic, last + 1, last + 1)
    for (const { numbers, notes } of followers) {
      await expectNumbers(numbers, last + 1, last + 1)
      while (notes.size > 0) assert.match(await notes.next(), /^recovered/)
    }
    const cuts = cutters.reduce((sum, cutter) => sum + cutter.cuts, 0)
    assert.ok(cuts >= 10, `only ${cuts} cuts`)
  })

  test(`${name}: a reload of the page goes on where the page before it was`, async (t) => {
    const topic = unique()
    const storage = new MemoryStorage()
    const written = () => new Promise<void>((resolve) => (storage.onWrite = resolve))
    const before = client(t, address, transport, opts)
    const first = await joined(follow(before, topic, { storage, scope: "ann" }))
    await publish(t, address, topic, 1, 3)
    await expectNumbers(first.numbers, 1, 3)
    await written()
    before.disconnect() // and not leave, which a page does not get to

    await publish(t, address, topic, 4, 6)
    const second = await joined(follow(client(t, address, transport, opts), topic, { storage, scope: "ann" }))
    await expectNumbers(second.numbers, 4, 6)
    assert.equal(await second.notes.next(), "recovered 3")
    await publish(t, address, topic, 7, 7)
    await expectNumbers(second.numbers, 7, 7)
  })

  test(`${name}: who comes back too late is told so, and goes on with what is live`, async (t) => {
    const topic = unique()
    const socket = client(t, address, transport, opts)
    const { channel, numbers, notes } = await joined(follow(socket, topic))
    await publish(t, address, topic, 1, 1)
    await expectNumbers(numbers, 1, 1)
    await new Promise<void>((resolve) => socket.disconnect(resolve))
    await publish(t, address, topic, 2, 1100)
    socket.connect()
    await ok(channel)
    assert.equal(await notes.next(), "gap")
    await publish(t, address, topic, 1101, 1101)
    await expectNumbers(numbers, 1101, 1101)
    assert.equal(notes.size, 0)
  })

  test(`${name}: after a restart of the server, which has forgotten its log, the gap is told`, { skip: noProgram }, async (t) => {
    const topic = unique()
    const server = await Server.start(t)
    const { numbers, notes } = await joined(follow(client(t, server.address, transport, opts), topic))
    await publish(t, server.address, topic, 1, 2)
    await expectNumbers(numbers, 1, 2)
    await server.restart()
    assert.equal(await notes.next(), "gap")
    await publish(t, server.address, topic, 3, 3)
    await expectNumbers(numbers, 3, 3)
    assert.equal(notes.size, 0)
  })
}

test("WebSocket: each event comes once and in order, be it text or bytes", { skip }, async (t) => {
  t.diagnostic(`ROOST_SEED=${seed}`)
  const below = chance(seed)
  const topic = unique()
  const last = 300
  const followers = []
  for (let i = 0; i < 4; i++) {
    const cutter = await Cutter.start(t, address)
    const follower = await joined(follow(client(t, cutter.address, WebSocket), topic))
    // Frames are small: most cuts are within one of bytes, or between it and its position.
    cutter.budget = () => 300 + below(600)
    cutter.cutAll()
    followers.push(follower)
  }
  const publisher = client(t, address, WebSocket).channel(topic)
  publisher.join()
  await ok(publisher)
  for (let n = 1; n <= last; n++) {
    if (below(3) > 0) await broadcastBytes(address, topic, n)
    else await new Promise<void>((resolve) => publisher.push("shout_reply", { n }).receive("ok", () => resolve()))
  }
  for (const { numbers, notes } of followers) {
    await expectNumbers(numbers, 1, last)
    while (notes.size > 0) assert.match(await notes.next(), /^recovered/)
  }
})

test("WebSocket: a channel that leaves and one that comes back do not share what was missed", { skip }, async (t) => {
  const topic = unique()
  const socket = client(t, address, WebSocket)
  const storage = new MemoryStorage()
  const first = await joined(follow(socket, topic, { storage }))
  await publish(t, address, topic, 1, 1)
  await expectNumbers(first.numbers, 1, 1)
  first.channel.leave()
  await publish(t, address, topic, 2, 2)
  const second = await joined(follow(socket, topic, { storage }))
  await publish(t, address, topic, 3, 3)
  await expectNumbers(second.numbers, 3, 3)
  assert.equal(first.numbers.size, 0)
})

test("WebSocket: what comes of the conversation before a rejoin on the same connection does not come twice", { skip }, async (t) => {
  const topic = unique()
  const socket = client(t, address, WebSocket)
  const { channel, numbers, notes } = await joined(follow(socket, topic))
  const publishing = publish(t, address, topic, 1, 500, 5)
  for (let n = 0; n < 20; n++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    // As after a timeout of the join: the client joins again while the server still tells of the join before.
    channel.trigger("phx_error", { reason: "test" })
    await ok(channel)
  }
  await publishing
  await expectNumbers(numbers, 1, 500)
  while (notes.size > 0) assert.match(await notes.next(), /^recovered/)
})
