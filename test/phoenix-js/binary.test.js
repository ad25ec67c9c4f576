// Bytes between the stock phoenix client and Roost. Over long polling they go to the server only: an answer cannot say them.

import assert from "node:assert/strict"
import { after, before } from "node:test"
import { bytes, connect, Inbox, join, numbers, ok, once, outcome, test } from "./client.js"
import { admin, buildServer } from "../conformance.js"

let server

before(async () => {
  server = await buildServer()
  await server.start()
})
after(() => server?.close())

test("bytes are pushed and replied with", async (t) => {
  const channel = await join(connect(t, server, "WebSocket"), "echo:bytes")
  assert.deepEqual(numbers(await ok(channel.push("ping_bin", bytes(0, 255, 254, 10)))), [0, 255, 254, 10])
  assert.deepEqual(numbers(await ok(channel.push("ping_bin", {}))), [1, 2, 3, 255])
  assert.deepEqual(numbers(await ok(channel.push("ping", bytes()))), [])
  const { status, response } = await outcome(channel.push("err_bin", bytes(1, 2)))
  assert.deepEqual([status, numbers(response)], ["error", [1, 2]])
})

test("bytes are pushed by the server", async (t) => {
  const channel = await join(connect(t, server, "WebSocket"), "echo:bytes_pushed")
  const pushed = Inbox.of(channel, "pushed")
  channel.push("push", bytes(0, 128, 255))
  assert.deepEqual(numbers(await pushed.next()), [0, 128, 255])
})

test("bytes are broadcast, by a client and from outside", async (t) => {
  const [sender, other] = await Promise.all([1, 2].map(() => join(connect(t, server, "WebSocket"), "echo:bytes_for_all")))
  const inboxes = [sender, other].map((channel) => Inbox.of(channel, "shout"))
  sender.push("shout", bytes(7, 0, 200))
  for (const inbox of inboxes) assert.deepEqual(numbers(await inbox.next()), [7, 0, 200])

  await admin(server, "broadcast_bin", { topic: "echo:bytes_for_all", event: "shout", hex: "00ff7f" })
  for (const inbox of inboxes) assert.deepEqual(numbers(await inbox.next()), [0, 255, 127])
})

test("many bytes go both ways", async (t) => {
  const channel = await join(connect(t, server, "WebSocket"), "echo:many_bytes")
  const sent = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) % 251)
  const received = new Uint8Array(await ok(channel.push("ping_bin", sent.buffer)))
  assert.ok(Buffer.from(sent).equals(Buffer.from(received)))
})

test("bytes pushed over long polling reach the others over WebSocket, and end the pusher's own conversation only where they come back", async (t) => {
  const poller = connect(t, server, "LongPoll")
  const channel = await join(poller, "echo:bytes_mixed")
  const beside = await join(poller, "echo:beside")
  const other = await join(connect(t, server, "WebSocket"), "echo:bytes_mixed")
  const received = Inbox.of(other, "shout")

  channel.push("shout_from", bytes(1, 2, 3)) // not to itself
  assert.deepEqual(numbers(await received.next()), [1, 2, 3])
  assert.equal(channel.state, "joined")

  const ended = once((callback) => channel.onError(callback))
  other.push("shout", bytes(4))
  assert.deepEqual(numbers(await received.next()), [4])
  await ended
  assert.deepEqual(await ok(channel.push("ping", { n: 1 })), { n: 1 }) // it was joined again
  assert.equal(beside.state, "joined")
  assert.equal(other.state, "joined")
})
