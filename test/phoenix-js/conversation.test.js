// The stock phoenix client talks to Roost: joins, pushes, broadcasts, ends.

import assert from "node:assert/strict"
import { after, before, describe } from "node:test"
import { connect, Inbox, join, ok, once, outcome, test, transports } from "./client.js"
import { admin, buildServer } from "../conformance.js"

let server

before(async () => {
  server = await buildServer()
  await server.start()
})
after(() => server?.close())

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    test("a join is answered with what the server replies to its params", async (t) => {
      const channel = connect(t, server, transport).channel("echo:join_reply", { a: [1, "ü"] })
      assert.deepEqual(await outcome(channel.join()), { status: "ok", response: { hello: "world", params: { a: [1, "ü"] } } })
    })

    test("a refused join is told why, and tried again", async (t) => {
      const socket = connect(t, server, transport)
      const refused = new Inbox()
      const channel = socket.channel("echo:join_error")
      channel.join().receive("error", (response) => refused.put(response))
      assert.deepEqual(await refused.take(2), Array(2).fill({ reason: "nope", code: 42 }))
      channel.leave()

      assert.deepEqual(await outcome(socket.channel("room:private").join()), { status: "error", response: { reason: "unauthorized" } })
      assert.deepEqual(await outcome(socket.channel("nobody:1").join()), { status: "error", response: { reason: "unmatched topic" } })
    })

    test("a join that crashes is answered, and the socket lives on", async (t) => {
      const socket = connect(t, server, transport)
      assert.deepEqual(await outcome(socket.channel("echo:join_crash").join()), { status: "error", response: { reason: "join crashed" } })
      await join(socket, "echo:after_crash")
    })

    test("what the server pushes at once after a join arrives", async (t) => {
      const channel = connect(t, server, transport).channel("echo:join_push")
      const inbox = Inbox.of(channel, "welcome")
      channel.join()
      assert.deepEqual(await inbox.next(), { msg: "hi" })
    })

    test("pushes are replied to: ok, error, a status of its own, later, with a push before", async (t) => {
      const channel = await join(connect(t, server, transport), "echo:replies")
      assert.deepEqual(await ok(channel.push("ping", { n: 1 })), { n: 1 })
      assert.deepEqual(await ok(channel.push("reply_atom")), {})
      assert.deepEqual(await outcome(channel.push("err")), { status: "error", response: { reason: "bad" } })
      assert.deepEqual(await outcome(channel.push("reply_custom", { n: 2 }), "custom_status"), { status: "custom_status", response: { n: 2 } })
      assert.deepEqual(await ok(channel.push("async", { n: 3 })), { n: 3 })

      const pushed = Inbox.of(channel, "pushed")
      assert.deepEqual(await ok(channel.push("push_reply", { n: 4 })), { n: 4 })
      assert.deepEqual(pushed.items, [{ n: 4 }])
    })

    test("what is pushed before the join is answered is sent after it, in order", async (t) => {
      const channel = connect(t, server, transport).channel("echo:early")
      const pushed = Inbox.of(channel, "pushed")
      channel.join()
      for (let n = 0; n < 250; n++) channel.push("push", { n }) // more than a long poll takes at once
      assert.deepEqual(await pushed.take(250), Array.from({ length: 250 }, (_, n) => ({ n })))
    })

    test("a push without a reply times out, and the conversation goes on", async (t) => {
      const channel = await join(connect(t, server, transport), "echo:timeout")
      assert.deepEqual(await outcome(channel.push("noreply", {}, 20)), { status: "timeout", response: {} })
      assert.deepEqual(await ok(channel.push("ping", { n: 1 })), { n: 1 })
    })

    test("a large payload goes both ways", async (t) => {
      const channel = await join(connect(t, server, transport), "echo:large")
      const payload = { text: "große Sätze ".repeat(100_000) }
      assert.deepEqual(await ok(channel.push("ping", payload)), payload)
    })

    test("a broadcast reaches everybody once, the sender too, in the order of sending", async (t) => {
      const inboxes = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const channel = await join(connect(t, server, transport), "echo:many")
          return { channel, inbox: Inbox.of(channel, "shout") }
        }),
      )
      const [sender] = inboxes
      for (let n = 0; n < 20; n++) sender.channel.push("shout", { n })
      sender.channel.push("shout", { last: true })
      const expected = [...Array.from({ length: 20 }, (_, n) => ({ n })), { last: true }]
      for (const { inbox } of inboxes) assert.deepEqual(await inbox.take(21), expected)
    })

    test("a broadcast from a conversation leaves that one out", async (t) => {
      const sender = await join(connect(t, server, transport), "echo:others")
      const other = await join(connect(t, server, transport), "echo:others")
      const [mine, theirs] = [sender, other].map((channel) => Inbox.of(channel, "shout"))
      sender.push("shout_from", { n: 1 })
      await ok(sender.push("shout_reply", { n: 2 }))
      assert.deepEqual(await theirs.take(2), [{ n: 1 }, { n: 2 }])
      assert.deepEqual(await mine.next(), { n: 2 })
    })

    test("a broadcast from outside reaches who is there", async (t) => {
      const channel = await join(connect(t, server, transport), "echo:outside")
      const inbox = Inbox.of(channel, "news")
      await admin(server, "broadcast", { topic: "echo:outside", event: "news", payload: '{"n":1}' })
      assert.deepEqual(await inbox.next(), { n: 1 })
    })

    test("an intercepted broadcast is changed for each, or dropped", async (t) => {
      const [ann, bob] = await Promise.all(
        ["ann", "bob"].map(async (user) => {
          const channel = await join(connect(t, server, transport), "room:secrets", { user })
          return { channel, inbox: Inbox.of(channel, "secret") }
        }),
      )
      ann.channel.push("secret", { drop: "bob", n: 1 })
      ann.channel.push("secret", { n: 2 })
      assert.deepEqual(await ann.inbox.take(2), [{ drop: "bob", n: 1, for: "ann" }, { n: 2, for: "ann" }])
      assert.deepEqual(await bob.inbox.next(), { n: 2, for: "bob" })
    })

    test("who has left hears nothing more", async (t) => {
      const socket = connect(t, server, transport)
      const channel = await join(socket, "echo:left")
      const other = await join(socket, "echo:stayed")
      const inbox = Inbox.of(channel, "shout")
      const closed = once((callback) => channel.onClose(callback))
      assert.deepEqual(await outcome(channel.leave()), { status: "ok", response: {} })
      await closed
      assert.equal(channel.state, "closed")

      await ok(other.push("ping")) // the leave was sent before
      await admin(server, "broadcast", { topic: "echo:left", event: "shout", payload: "{}" })
      await ok(other.push("ping"))
      assert.deepEqual(inbox.items, [])
    })

    test("leaving and joining at once gives one working conversation", async (t) => {
      const socket = connect(t, server, transport)
      let channel = await join(socket, "echo:again")
      for (let n = 0; n < 5; n++) {
        channel.leave()
        channel = socket.channel("echo:again", { n })
        channel.join()
      }
      const inbox = Inbox.of(channel, "shout")
      await ok(channel.push("shout_reply", { n: 1 }))
      await ok(channel.push("ping"))
      assert.deepEqual(inbox.items, [{ n: 1 }])
      assert.equal(channel.state, "joined")
    })

    test("a second channel of a topic takes the place of the first", async (t) => {
      const socket = connect(t, server, transport)
      const first = await join(socket, "echo:twice")
      const second = await join(socket, "echo:twice")
      assert.deepEqual([first.state, second.state], ["closed", "joined"])
      assert.deepEqual(await ok(second.push("ping", { n: 1 })), { n: 1 })
    })

    test("a conversation that the server ends is closed for good", async (t) => {
      const channel = await join(connect(t, server, transport), "echo:stop")
      const closed = once((callback) => channel.onClose(callback))
      assert.deepEqual(await ok(channel.push("stop_reply", { n: 1 })), { n: 1 })
      await closed
      assert.equal(channel.state, "closed")
    })

    test("a conversation that crashes is joined again, with fresh params, and no other notices", async (t) => {
      const socket = connect(t, server, transport)
      const other = await join(socket, "echo:beside")
      const othersErrors = new Inbox()
      other.onError(() => othersErrors.put("error"))

      let joins = 0
      const channel = socket.channel("echo:join_reply", () => ({ joins: ++joins }))
      const joined = new Inbox()
      const joining = channel.join().receive("ok", (response) => joined.put(response.params))
      await ok(joining)
      const crashed = once((callback) => channel.onError(callback))
      channel.push("crash")
      await crashed
      assert.deepEqual(await joined.take(2), [{ joins: 1 }, { joins: 2 }])
      assert.deepEqual(await ok(channel.push("ping", { n: 1 })), { n: 1 })
      assert.deepEqual(await ok(other.push("ping", { n: 2 })), { n: 2 })
      assert.deepEqual(othersErrors.items, [])
    })

    test("an event that the server does not know is as a crash", async (t) => {
      const channel = await join(connect(t, server, transport), "echo:unknown_event")
      const crashed = once((callback) => channel.onError(callback))
      channel.push("no_such_event")
      await crashed
      assert.deepEqual(await ok(channel.push("ping", { n: 1 })), { n: 1 })
    })

    test("an auth token reaches the server apart from the params", async (t) => {
      const socket = connect(t, server, transport, { mount: "/auth", authToken: "a.secret/token", params: { user: "ann" } })
      const channel = await join(socket, "echo:auth")
      assert.deepEqual(await ok(channel.push("whoami")), { user: "ann", auth_token: "a.secret/token" })
    })

    test("who is refused hears of an error, and no channel is joined", async (t) => {
      const socket = connect(t, server, transport, { params: { reject: "1" } })
      await once((callback) => socket.onError(callback))
      assert.equal(socket.isConnected(), false)
    })
  })
}
