// The stock phoenix client's Presence follows who is there.

import assert from "node:assert/strict"
import { after, before, describe } from "node:test"
import { connect, Inbox, join, ok, Presence, test, transports, until } from "./client.js"
import { admin, buildServer } from "../conformance.js"

let server

before(async () => {
  server = await buildServer()
  await server.start()
})
after(() => server?.close())

/** Enters a room as a user, with an eye on who is there. */
async function enter(t, transport, room, user) {
  const mount = transport === "LongPoll" ? "/shortlp" : "/socket" // where those that poll no more are missed soon
  const socket = connect(t, server, transport, { mount, params: { user } })
  const channel = socket.channel(room)
  const presence = new Presence(channel)
  const changes = []
  presence.onJoin((key, before) => before || changes.push(`${key} came`))
  presence.onLeave((key, left) => left.metas.length > 0 || changes.push(`${key} went`))
  const syncs = []
  presence.onSync(() => syncs.forEach((look) => look()))
  await ok(channel.join())
  return {
    socket,
    channel,
    presence,
    changes,
    /** Resolves once it sees just these users, with so many sessions each. */
    sees: (sessions) =>
      until(
        (look) => syncs.push(look),
        () => JSON.stringify(Object.fromEntries(presence.list((key, { metas }) => [key, metas.length]).sort())) === JSON.stringify(sessions),
      ),
  }
}

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    test("everybody sees who is there, and a user with two sessions until the last one has gone", async (t) => {
      const bob = await enter(t, transport, "room:lobby", "bob")
      await bob.sees({ bob: 1 })
      const first = await enter(t, transport, "room:lobby", "ann")
      const second = await enter(t, transport, "room:lobby", "ann")
      for (const who of [bob, first, second]) await who.sees({ ann: 2, bob: 1 })

      first.channel.leave()
      for (const who of [bob, second]) await who.sees({ ann: 1, bob: 1 })
      second.socket.disconnect()
      await bob.sees({ bob: 1 })
      assert.deepEqual(bob.changes, ["bob came", "ann came", "ann went"])
    })

    test("a meta that is updated stays one meta", async (t) => {
      const ann = await enter(t, transport, "room:status", "ann")
      const bob = await enter(t, transport, "room:status", "bob")
      await bob.sees({ ann: 1, bob: 1 })
      await ok(ann.channel.push("status", { status: "away" }))
      await until(
        (look) => bob.presence.onSync(look),
        () => bob.presence.list((_, { metas }) => metas[0].status).includes("away"),
      )
      assert.deepEqual(bob.presence.list((key, { metas }) => [key, metas.length]).sort(), [["ann", 1], ["bob", 1]])
      const { ann: asked } = await ok(bob.channel.push("list"))
      assert.equal(asked.metas.length, 1)
      assert.equal(asked.metas[0].status, "away")
      assert.match(asked.metas[0].online_at, /^\d+$/)
      assert.match(asked.metas[0].phx_ref_prev, /./)
    })

    test("who is untracked is gone, and still in the conversation", async (t) => {
      const ann = await enter(t, transport, "room:untracked", "ann")
      const bob = await enter(t, transport, "room:untracked", "bob")
      await bob.sees({ ann: 1, bob: 1 })
      await ok(ann.channel.push("untrack"))
      await bob.sees({ bob: 1 })
      await ann.sees({ bob: 1 })
      assert.deepEqual(await ok(ann.channel.push("list")), await ok(bob.channel.push("list")))
    })

    test("who crashes and joins again is there once", async (t) => {
      const ann = await enter(t, transport, "room:crash", "ann")
      const bob = await enter(t, transport, "room:crash", "bob")
      await bob.sees({ ann: 1, bob: 1 })
      const joined = new Inbox()
      ann.channel.joinPush.receive("ok", () => joined.put("joined"))
      ann.channel.push("crash")
      await joined.next()
      await ann.sees({ ann: 1, bob: 1 })
      await bob.sees({ ann: 1, bob: 1 })
    })

    test("who is disconnected by id is gone, and back with the same number of sessions", async (t) => {
      const bob = await enter(t, transport, "room:kicked", `bob-${transport}`)
      const ann = [await enter(t, transport, "room:kicked", `ann-${transport}`), await enter(t, transport, "room:kicked", `ann-${transport}`)]
      const all = { [`ann-${transport}`]: 2, [`bob-${transport}`]: 1 }
      await bob.sees(all)
      const rejoined = ann.map(({ socket }) => new Promise((resolve) => socket.onClose(() => socket.onOpen(resolve))))
      await admin(server, "disconnect", { user: `ann-${transport}` })
      await Promise.all(rejoined)
      for (const who of [bob, ...ann]) await who.sees(all)
    })
  })
}
