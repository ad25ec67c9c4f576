import assert from "node:assert/strict"
import { spawn, type ChildProcess } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { test, type TestContext } from "node:test"
import { WebSocket } from "ws"
import { LongPoll, Recovery, Socket, type Channel, type RecoveryOptions, type SocketOptions, type TransportConstructor } from "../src/index.js"
import { chance, Cutter } from "./cutter.js"
import { Inbox } from "./inbox.js"
import { MemoryStorage } from "./storage.js"

// The address of the conformance application, such as http://127.0.0.1:4101, which keeps the last 1,000 events of each log:*
// topic; and its program, for what needs one to restart.
const base = process.env["ROOST_CONFORMANCE_URL"]
const program = process.env["ROOST_CONFORMANCE_PROGRAM"]
const skip = !base && process.env["CI"] !== "true" ? "ROOST_CONFORMANCE_URL is not set" : false
const noProgram = !program && process.env["CI"] !== "true" ? "ROOST_CONFORMANCE_PROGRAM is not set" : false

// Version 1 of the wire, for which an application brings its own serializer.
const version1: SocketOptions = {
  vsn: "1.0.0",
  encode: ({ topic, event, payload, ref, join_ref }, callback) => callback(JSON.stringify({ topic, event, payload, ref, join_ref })),
  decode: (frame, callback) => callback({ join_ref: null, ...JSON.parse(frame as string) }),
}

const ways: [string, TransportConstructor, SocketOptions][] = [
  ["WebSocket", WebSocket, {}],
  ["WebSocket, version 1", WebSocket, version1],
  ["LongPoll", LongPoll, {}],
]

const soon = () => 5

const seed = Number(process.env["ROOST_SEED"] ?? Math.floor(Math.random() * 1e9))

/** A socket that comes back quickly; it disconnects with the test. */
function client(t: TestContext, address: string, transport: TransportConstructor, opts: SocketOptions = {}): Socket {
  const socket = new Socket(`ws://${address}/socket`, { transport, reconnectAfterMs: soon, rejoinAfterMs: soon, ...opts })
  socket.connect()
  t.after(() => socket.disconnect())
  return socket
}

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

const ok = (channel: Channel) => new Promise<void>((resolve) => channel.joinPush.receive("ok", () => resolve()))

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
const address = base?.replace("http://", "") ?? ""

test("the conformance application is there, and its program", { skip }, () => {
  assert.ok(base && program, "set ROOST_CONFORMANCE_URL and ROOST_CONFORMANCE_PROGRAM: in CI these tests may not be skipped")
})

for (const [name, transport, opts] of base ? ways : []) {
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

/** A conformance application of a test's own. */
class Server {
  address = "127.0.0.1:0"
  private process: ChildProcess | undefined

  static async start(t: TestContext): Promise<Server> {
    const server = new Server()
    await server.run()
    t.after(() => server.process?.kill("SIGKILL"))
    return server
  }

  /** Ends it as a crash would, and starts it again under its address. */
  async restart(): Promise<void> {
    const ended = once(this.process!, "exit")
    this.process!.kill("SIGKILL")
    await ended
    await this.run()
  }

  private async run(): Promise<void> {
    this.process = spawn(program!, ["-addr", this.address], { stdio: ["ignore", "pipe", "ignore"] })
    const [line] = (await once(createInterface({ input: this.process.stdout! }), "line")) as [string]
    this.address = line.replace("listening on ", "")
  }
}
