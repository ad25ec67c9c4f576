// Many stock phoenix clients do this and that for a while, over both transports, with the server restarted now and then. Fails if
// anything is answered wrongly, comes twice or out of order, or is left at the end.
//
//	node phoenix-js/soak.js [seconds] [clients]

import assert from "node:assert/strict"
import { setTimeout as sleep } from "node:timers/promises"
import { buildServer } from "../conformance.js"
import { bytes, connect, join, numbers, outcome, transports } from "./client.js"

const seconds = Number(process.argv[2] ?? 60)
const clients = Number(process.argv[3] ?? 60)
const RESTART_EVERY = 20_000 // milliseconds
const TOPICS = 10
const BASELINE_WITHIN = 40_000 // long-poll sessions are missed after 15 s

const until = Date.now() + seconds * 1000
const counts = { joins: 0, replies: 0, unanswered: 0, broadcasts: 0, leaves: 0, crashes: 0, reconnects: 0, restarts: 0 }
const pick = (n) => Math.floor(Math.random() * n)
const cleanups = []
const t = { after: (cleanup) => cleanups.push(cleanup) }

/** One client: joins a topic, does something in it, leaves, and so on. */
async function live(server, id) {
  const transport = Object.keys(transports)[id % 2]
  const socket = connect(t, server, transport, { params: { user: `user-${id}` }, timeout: 5000 })
  let opens = 0
  socket.onOpen(() => opens++ > 0 && counts.reconnects++)
  while (Date.now() < until) {
    const channel = socket.channel(`echo:soak_${pick(TOPICS)}`)
    watch(channel)
    const joined = await outcome(channel.join())
    if (joined.status === "ok") counts.joins++
    else if (joined.status === "error") assert.deepEqual(joined.response, { reason: "shutting down" })
    for (let n = pick(20); n > 0 && Date.now() < until; n--) await act(channel, id, transport)
    channel.leave()
    counts.leaves++
  }
}

/** Sees to it that of what each sender numbers nothing comes twice or out of order. */
function watch(channel) {
  const latest = new Map()
  channel.on("shout", ({ from, n }) => {
    counts.broadcasts++
    assert.ok(n > (latest.get(from) ?? -1), `${channel.topic}: ${n} of ${from} came after ${latest.get(from)}`)
    latest.set(from, n)
  })
}

let shouts = 0

async function act(channel, id, transport) {
  const payload = { id, n: shouts++, text: "x".repeat(pick(2000)) }
  switch (pick(12)) {
    case 0:
      channel.push("crash")
      counts.crashes++
      return
    case 1:
    case 2:
      return answered(channel.push("shout_reply", { from: id, n: shouts++ }), () => {})
    case 3:
      return answered(channel.push("async", payload), (response) => assert.deepEqual(response, payload))
    case 4:
      if (transport === "LongPoll") return // its answers cannot say bytes
      return answered(channel.push("ping_bin", bytes(id, 0, 255)), (response) => assert.deepEqual(numbers(response), [id, 0, 255]))
    default:
      return answered(channel.push("ping", payload), (response) => assert.deepEqual(response, payload))
  }
}

/** Checks a reply. Around a crash or a restart there may be none, or the word that the conversation has ended. */
async function answered(push, check) {
  const { status, response } = await outcome(push)
  if (status === "timeout" || response.reason === "unmatched topic") {
    counts.unanswered++
    return
  }
  assert.equal(status, "ok", JSON.stringify(response))
  check(response)
  counts.replies++
}

async function restartNowAndThen(server) {
  while (Date.now() + RESTART_EVERY < until) {
    await sleep(RESTART_EVERY)
    if (pick(2) === 0) await server.stop()
    else await server.kill()
    await server.start()
    counts.restarts++
  }
}

const info = async (server) => (await fetch(`http://${server.address}/admin/info`)).json()

/** What is left once all clients have gone: the server as if nobody had ever come. */
async function settled(server, before) {
  const deadline = Date.now() + BASELINE_WITHIN
  for (;;) {
    await fetch(`http://${server.address}/admin/gc`)
    const now = await info(server)
    if (now.sockets === 0 && now.channels === 0 && now.goroutines <= before.goroutines + 5) return now
    assert.ok(Date.now() < deadline, `something is left: ${JSON.stringify(now)}, before: ${JSON.stringify(before)}`)
    await sleep(500)
  }
}

const server = await buildServer()
try {
  await server.start()
  const before = await info(server)
  await Promise.all([restartNowAndThen(server), ...Array.from({ length: clients }, (_, id) => live(server, id))])
  for (const cleanup of cleanups) cleanup()
  const after = await settled(server, before)
  const figures = { ...counts, heapBefore: before.heap_bytes, heapAfter: after.heap_bytes, goroutinesBefore: before.goroutines, goroutinesAfter: after.goroutines }
  console.log(`soak: ${seconds} s, ${clients} clients:`, figures)
} finally {
  await server.close()
}
process.exit()
