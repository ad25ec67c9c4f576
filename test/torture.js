// Clients of one kind for internal/conformance/torture: they join their topics and say, line by line, what they are told.
//
//	node torture.js '{"kind": "roost", "transport": "LongPoll", "url": "ws://…/socket", "clients": [["log:1", "log:2"], …],
//		"library": "file:///…/index.js"}'
//
// A kind is "phoenix", the stock client, or "roost", @roost-dev/client, which was built as library. What is said is
//
//	{"client": 0, "topic": "log:1", "kind": "joined"}            for the first time
//	{"client": 0, "topic": "log:1", "kind": "event", "n": 1}     of this number
//	{"client": 0, "topic": "log:1", "kind": "recovered", "n": 3} after so many events of what was missed
//	{"client": 0, "topic": "log:1", "kind": "gap"}               the server no longer has what was missed
//	{"client": 0, "topic": "log:1", "kind": "skipped"}           the connection could not carry one event
//
// It ends with its standard input.

import WebSocket from "ws"
import * as phoenix from "phoenix"

const { kind, transport, url, clients, library } = JSON.parse(process.argv[2])
const roost = kind === "roost" ? await import(library) : undefined
const { Socket, LongPoll } = roost ?? phoenix
const follow = roost ? followRoost : followPhoenix

const soon = (tries) => Math.min(25 * tries, 500) // milliseconds
const options = { transport: { WebSocket, LongPoll }[transport], timeout: 5000, reconnectAfterMs: soon, rejoinAfterMs: soon }

clients.forEach((topics, client) => {
  const socket = new Socket(url, { ...options, params: { user: `${kind}-${transport}-${client}` } })
  socket.connect()
  for (const topic of topics) {
    follow(socket, topic, (kind, n) => process.stdout.write(`${JSON.stringify({ client, topic, kind, n })}\n`))
  }
})
process.stdin.resume().on("end", () => process.exit())

/** The stock client, with what spec/protocol.md §20 asks of an application that wants the history of a topic. */
function followPhoenix(socket, topic, say) {
  let position
  const channel = socket.channel(topic, () => ({ _history: position ? { after: position } : true }))
  channel.onMessage = (event, payload, ref) => {
    if (channel.isJoined() && Number.isNaN(Number(ref ?? 0))) position = ref
    return payload
  }
  // What comes before the reply of a join belongs to the one before, and will come again.
  const on = (event, callback) => channel.on(event, (payload) => channel.isJoined() && callback(payload))
  on("text", ({ n }) => say("event", n))
  on("bytes", (payload) => say("event", number(payload)))
  on("_history", ({ recovered, skipped }) => {
    if (recovered !== undefined) say("recovered", recovered)
    if (skipped) say("skipped")
  })
  join(channel, say, ({ _history }) => {
    position = _history.position
    if (_history.recovered === false) say("gap")
  })
}

function followRoost(socket, topic, say) {
  const channel = socket.channel(topic)
  const recovery = new roost.Recovery(channel)
  recovery.onRecovered((count) => say("recovered", count))
  recovery.onGap((response) => say(response ? "gap" : "skipped"))
  channel.on("text", ({ n }) => say("event", n))
  channel.on("bytes", (payload) => say("event", number(payload)))
  join(channel, say, () => {})
}

/** Joins, and calls back at each reply. */
function join(channel, say, joined) {
  let first = true
  channel.join().receive("ok", (response) => {
    if (first) say("joined")
    first = false
    joined(response)
  })
}

function number(bytes) {
  return new DataView(bytes).getUint32(0)
}
