// The stock phoenix client's connection to Roost: how it is made, lost, and made again.

import assert from "node:assert/strict"
import { after, before, describe } from "node:test"
import { connect, Inbox, join, ok, once, test, transports, until } from "./client.js"
import { admin, buildServer } from "../conformance.js"

let server

before(async () => {
  server = await buildServer()
  await server.start()
})
after(() => server?.close())

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    test("a disconnect by id closes all sockets of that user, which come back, and no others", async (t) => {
      const users = ["zoe", "zoe", "max"]
      const clients = await Promise.all(
        users.map(async (user) => {
          const socket = connect(t, server, transport, { params: { user } })
          const closes = new Inbox()
          socket.onClose((event) => closes.put(event.code))
          return { socket, closes, channel: await join(socket, "echo:by_id") }
        }),
      )
      await admin(server, "disconnect", { user: "zoe" })
      const [zoe1, zoe2, max] = clients
      for (const { closes, channel } of [zoe1, zoe2]) {
        assert.equal(await closes.next(), transport === "WebSocket" ? 1001 : 3410)
        assert.deepEqual(await ok(channel.push("ping", { n: 1 })), { n: 1 })
      }
      assert.deepEqual(await ok(max.channel.push("ping", { n: 2 })), { n: 2 })
      assert.deepEqual(max.closes.items, [])
    })

    for (const [how, end] of [
      ["is restarted", () => server.stop()],
      ["crashes and is started again", () => server.kill()],
    ]) {
      test(`after the server ${how} all conversations are joined again, and what was pushed meanwhile is sent`, async (t) => {
        const socket = connect(t, server, transport, { params: { user: "ann" } })
        const channels = [await join(socket, "echo:one"), await join(socket, "room:two")]
        const echoed = Inbox.of(channels[0], "shout")
        const errors = channels.map((channel) => once((callback) => channel.onError(callback)))
        await end()
        await Promise.all(errors)
        channels[0].push("shout", { sent: "while away" })
        await server.start()
        assert.deepEqual(await echoed.next(), { sent: "while away" })
        await until(
          (look) => channels[1].on("presence_state", look),
          () => channels[1].state === "joined",
        )
        assert.deepEqual(Object.keys(await ok(channels[1].push("list"))), ["ann"])
        assert.deepEqual(echoed.items, [])
      })
    }
  })
}

test("a server that is restarted tells WebSockets so with 1012", async (t) => {
  const joined = connect(t, server, "WebSocket")
  await join(joined, "echo:told")
  const idle = connect(t, server, "WebSocket")
  await once((callback) => idle.onOpen(callback))
  const closes = [joined, idle].map((socket) => once((callback) => socket.onClose(callback)))
  await server.stop()
  for (const close of closes) assert.equal((await close).code, 1012)
  await server.start()
})

test("heartbeats are answered", async (t) => {
  const socket = connect(t, server, "WebSocket", { heartbeatIntervalMs: 20 })
  const answers = new Inbox()
  socket.onMessage(({ topic, event, payload }) => answers.put({ topic, event, payload }))
  const answer = { topic: "phoenix", event: "phx_reply", payload: { status: "ok", response: {} } }
  assert.deepEqual(await answers.take(3), [answer, answer, answer])
  assert.equal(socket.isConnected(), true)
})

test("where there is no WebSocket the client falls back to long polling", async (t) => {
  const socket = connect(t, server, "WebSocket", { mount: "/shortlp", longPollFallbackMs: 2000 })
  const channel = await join(socket, "echo:fallback")
  assert.equal(socket.transport, transports.LongPoll)
  assert.deepEqual(await ok(channel.push("ping", { n: 1 })), { n: 1 })
})

test("an idle WebSocket is closed with a code that makes the client come back", async (t) => {
  const socket = connect(t, server, "WebSocket", { mount: "/short" }) // 2 s
  const channel = await join(socket, "echo:idle")
  const closed = once((callback) => socket.onClose(callback))
  assert.notEqual((await closed).code, 1000)
  assert.deepEqual(await ok(channel.push("ping", { n: 1 })), { n: 1 })
})

test("polls go on when there is nothing to say", async (t) => {
  const socket = connect(t, server, "LongPoll", { mount: "/shortlp" }) // 1 s
  const channel = await join(socket, "echo:quiet")
  const closes = new Inbox()
  socket.onClose(() => closes.put("closed"))
  for (let n = 0; n < 3; n++) await nextPoll()
  assert.deepEqual(await ok(channel.push("ping", { n: 1 })), { n: 1 })
  assert.deepEqual(closes.items, [])
})

/** Resolves when the client begins another poll. */
function nextPoll() {
  const { fetch } = globalThis
  return new Promise((resolve) => {
    globalThis.fetch = (url, options) => {
      if (options?.method === "GET") {
        globalThis.fetch = fetch
        resolve()
      }
      return fetch(url, options)
    }
  })
}

test("compressed messages are understood", async (t) => {
  const socket = connect(t, server, "WebSocket", { mount: "/compress" })
  const channel = await join(socket, "echo:compressed")
  assert.match(socket.conn.extensions, /permessage-deflate/)
  const payload = { text: "again and again ".repeat(1000) }
  assert.deepEqual(await ok(channel.push("ping", payload)), payload)
})
