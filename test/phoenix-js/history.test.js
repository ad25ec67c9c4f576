// The stock phoenix client on topics that keep a history: with a function for its params it loses nothing (spec/protocol.md §20).

import assert from "node:assert/strict"
import { after, before, describe } from "node:test"
import { connect, Inbox, join, ok, once, test, transports } from "./client.js"
import { chance, Cutter } from "../cutter.js"
import WebSocket from "ws"
import { admin, buildServer } from "../conformance.js"

const SEED = Number(process.env.ROOST_SEED ?? Math.floor(Math.random() * 1e9))
const CLIENTS = 4

let server

before(async () => {
  server = await buildServer()
  await server.start()
})
after(() => server?.close())

/** Joins a topic as an application does that wants its history: it keeps the last ref that is no number, and names it. */
async function follow(socket, topic) {
  let position
  const follower = { told: new Inbox(), notes: new Inbox() }
  const channel = socket.channel(topic, () => ({ _history: position ? { after: position } : true }))
  channel.onMessage = (event, payload, ref) => {
    if (Number.isNaN(Number(ref ?? 0))) position = ref
    return payload
  }
  channel.on("shout", ({ n }) => follower.told.put(n))
  channel.on("blob", (payload) => follower.told.put(new DataView(payload).getUint32(0)))
  channel.on("_history", ({ recovered }) => recovered !== undefined && follower.notes.put(recovered))
  const joined = channel.join().receive("ok", ({ _history }) => {
    if (_history.recovered === false) follower.notes.put("gap")
    position = _history.position
  })
  await ok(joined)
  return follower
}

/** Clients whose connections are cut all the time, and what is said on their topic from then on. */
async function underCuts(t, transport, topic) {
  t.diagnostic(`ROOST_SEED=${SEED}`)
  const below = chance(SEED)
  const cutters = []
  const followers = []
  for (let n = 0; n < CLIENTS; n++) {
    const cutter = await Cutter.start(t, server.address)
    followers.push(await follow(connect(t, cutter, transport, { reconnectAfterMs: () => 5, rejoinAfterMs: () => 5 }), topic))
    // A poll's answer goes through as a whole or not at all, and can be all that was missed.
    cutter.budget = () => 100 + (transport === "LongPoll" ? 100 * 2 ** below(10) : below(4000))
    cutter.cutAll()
    cutters.push(cutter)
  }
  return { below, cutters, followers }
}

const noGap = ({ notes }) => assert.ok(!notes.items.includes("gap"))

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    test("however often the connection is cut, each event comes once and in order", async (t) => {
      const topic = "log:cut"
      const last = 400
      const { cutters, followers } = await underCuts(t, transport, topic)
      const publisher = await join(connect(t, server, "WebSocket"), topic)
      for (let n = 1; n <= last; n++) await ok(publisher.push("shout_reply", { n }))
      const all = Array.from({ length: last }, (_, n) => n + 1)
      for (const { told } of followers) assert.deepEqual(await told.take(last), all)
      for (const cutter of cutters) cutter.budget = () => Infinity
      await ok(publisher.push("shout_reply", { n: last + 1 }))
      for (const { told } of followers) assert.equal(await told.next(), last + 1)
      followers.forEach(noGap)
      const cuts = cutters.reduce((sum, cutter) => sum + cutter.cuts, 0)
      assert.ok(cuts >= 10, `only ${cuts} cuts`)
    })

    test("who was away too long is told so, and goes on with what is live", async (t) => {
      const topic = "log:late"
      const socket = connect(t, server, transport)
      const { told, notes } = await follow(socket, topic)
      const publisher = await join(connect(t, server, "WebSocket"), topic)
      await ok(publisher.push("shout_reply", { n: 1 }))
      assert.equal(await told.next(), 1)
      await once((callback) => socket.disconnect(callback))
      for (let n = 2; n <= 1100; n++) publisher.push("shout", { n })
      await ok(publisher.push("shout_reply", { n: 1101 }))
      socket.connect()
      assert.equal(await notes.next(), "gap")
      await ok(publisher.push("shout_reply", { n: 1102 }))
      assert.equal(await told.next(), 1102)
    })

    test("after a restart of the server, which has forgotten its log, the gap is told", async (t) => {
      const topic = "log:restart"
      const { told, notes } = await follow(connect(t, server, transport), topic)
      const publisher = await join(connect(t, server, "WebSocket"), topic)
      await ok(publisher.push("shout_reply", { n: 1 }))
      assert.equal(await told.next(), 1)
      await server.kill()
      await server.start()
      assert.equal(await notes.next(), "gap")
      await ok(publisher.push("shout_reply", { n: 2 }))
      assert.equal(await told.next(), 2)
    })
  })
}

test("bytes may come twice, when the connection is lost before their position comes, and nothing else", async (t) => {
  const topic = "log:bytes"
  const last = 300
  const { below, followers } = await underCuts(t, "WebSocket", topic)
  const publisher = await join(connect(t, server, "WebSocket"), topic)
  const isText = Array.from({ length: last + 1 }, () => below(3) === 0)
  isText[last] = true
  for (let n = 1; n <= last; n++) {
    if (isText[n]) await ok(publisher.push("shout_reply", { n }))
    else await admin(server, "broadcast_bin", { topic, event: "blob", hex: n.toString(16).padStart(8, "0") })
  }
  for (const follower of followers) {
    for (let before = 0; before < last; ) {
      const n = await follower.told.next()
      assert.ok(n === before + 1 || (n === before && !isText[n]), `${n} came after ${before}`)
      before = n
    }
    noGap(follower)
  }
})

test("who does not ask sees no positions", async (t) => {
  const topic = "log:plain"
  const socket = connect(t, server, "WebSocket")
  const channel = socket.channel(topic, {})
  assert.deepEqual(await ok(channel.join()), {})
  const refs = new Inbox()
  socket.onMessage(({ topic: of, event, ref }) => of === topic && event !== "phx_reply" && refs.put([event, ref]))
  await ok(channel.push("shout_reply", { n: 1 }))
  await admin(server, "broadcast_bin", { topic, event: "blob", hex: "00" })
  await ok(channel.push("shout_reply", { n: 2 }))
  assert.deepEqual(await refs.take(3), [["shout", null], ["blob", null], ["shout", null]])
})

test("binary frames of kinds that Phoenix does not have come to who asks for them, and to nobody else", async (t) => {
  const topic = "log:kinds"
  const last = 40
  const [plain, asking, ...stock] = await Promise.all(
    [{}, { _history: { binary: true } }, { _history: true }, { _history: {} }, { _history: { binary: false } }].map((params) =>
      listen(t, topic, params),
    ),
  )
  for (let n = 1; n <= last; n++) await admin(server, "broadcast_bin", { topic, event: "blob", hex: n.toString(16).padStart(8, "0") })
  const kinds = (...each) => Array.from({ length: last }, () => each).flat()
  assert.deepEqual(await plain.frames.take(last), kinds(2))
  assert.deepEqual(await asking.frames.take(last), kinds(5))
  for (const { frames } of stock) assert.deepEqual(await frames.take(2 * last), kinds(2, "_history"))

  // And so it is with what was missed.
  const after = asking.position
  const again = await Promise.all([{ after }, { after, binary: true }].map((_history) => listen(t, topic, { _history })))
  assert.deepEqual(await again[0].frames.take(2 * last + 1), [...kinds(2, "_history"), "_history"])
  assert.deepEqual(await again[1].frames.take(last + 1), [...kinds(5), "_history"])
})

/** Joins a topic without any client, and notes the kinds of the binary frames that come, and the events of the others. */
async function listen(t, topic, params) {
  const frames = new Inbox()
  const socket = new WebSocket(`ws://${server.address}/socket/websocket?vsn=2.0.0`)
  t.after(() => socket.close())
  const replies = new Inbox()
  socket.on("message", (data, isBinary) => {
    if (isBinary) return frames.put(data[0])
    const [, , , event, payload] = JSON.parse(data)
    if (event === "phx_reply") replies.put(payload.response)
    else frames.put(event)
  })
  await once((callback) => socket.on("open", callback))
  socket.send(JSON.stringify(["1", "1", topic, "phx_join", params]))
  const { _history } = await replies.next()
  return { frames, position: _history?.position }
}
