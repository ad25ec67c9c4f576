import assert from "node:assert/strict"
import { test } from "node:test"
import { Presence, Socket, type Channel, type PresenceDiff, type PresenceState } from "../src/index.js"
import { nodeWebSocket } from "./peer.js"

interface Entry {
  metas: { phx_ref: string; device?: string }[]
  user?: { name: string }
}
type State = PresenceState<Entry>

const entry = (...refs: string[]): Entry => ({ metas: refs.map((phx_ref) => ({ phx_ref })) })
const plain = (state: State) => ({ ...state })

/** Records the callbacks as they come. */
function recorder() {
  const calls: unknown[] = []
  return {
    calls,
    onJoin: (key: string, current: Entry | undefined, joined: Entry) => calls.push(["join", key, current, joined]),
    onLeave: (key: string, current: Entry, left: Entry) => calls.push(["leave", key, current, left]),
    onUpdate: (key: string, before: Entry, current: Entry) => calls.push(["update", key, before, current]),
  }
}

function sync(current: State, next: State) {
  const { calls, onJoin, onLeave, onUpdate } = recorder()
  return { state: plain(Presence.syncState(current, next, onJoin, onLeave, onUpdate)), calls }
}

function apply(current: State, diff: PresenceDiff<Entry>) {
  const { calls, onJoin, onLeave, onUpdate } = recorder()
  return { state: plain(Presence.syncDiff(current, diff, onJoin, onLeave, onUpdate)), calls }
}

test("a state over nothing joins everybody", () => {
  const { state, calls } = sync({}, { ann: entry("1"), bob: entry("2") })
  assert.deepEqual(state, { ann: entry("1"), bob: entry("2") })
  assert.deepEqual(calls, [
    ["join", "ann", undefined, entry("1")],
    ["join", "bob", undefined, entry("2")],
  ])
})

test("a state tells joins and leaves by phx_ref, and leaves the current one alone", () => {
  const current = { ann: entry("1"), bob: entry("2", "3"), eve: entry("4") }
  const { state, calls } = sync(current, { ann: entry("1"), bob: entry("3", "5"), joe: entry("6") })
  assert.deepEqual(state, { ann: entry("1"), bob: entry("3", "5"), joe: entry("6") })
  assert.deepEqual(calls, [
    ["join", "bob", entry("2", "3"), entry("5")],
    ["join", "joe", undefined, entry("6")],
    ["leave", "bob", entry("3", "5"), entry("2")],
    ["update", "bob", entry("2", "3"), entry("3", "5")],
    ["leave", "eve", entry(), entry("4")],
  ])
  assert.deepEqual(current, { ann: entry("1"), bob: entry("2", "3"), eve: entry("4") })
})

test("an empty diff changes nothing", () => {
  assert.deepEqual(apply({ ann: entry("1") }, { joins: {}, leaves: {} }), { state: { ann: entry("1") }, calls: [] })
})

test("another session of a user is added behind those there are", () => {
  const { state, calls } = apply({ ann: entry("1") }, { joins: { ann: entry("2") }, leaves: {} })
  assert.deepEqual(state, { ann: entry("1", "2") })
  assert.deepEqual(calls, [["join", "ann", entry("1"), entry("2")]])
})

test("a session that joins twice is one session", () => {
  const { state } = apply({ ann: entry("1", "2") }, { joins: { ann: entry("1") }, leaves: {} })
  assert.deepEqual(state, { ann: entry("2", "1") })
})

test("a user goes with the last session, and stays with any other", () => {
  const { state, calls } = apply({ ann: entry("1", "2"), bob: entry("3") }, { joins: {}, leaves: { ann: entry("1"), bob: entry("3") } })
  assert.deepEqual(state, { ann: entry("2") })
  assert.deepEqual(calls, [
    ["leave", "ann", entry("2"), entry("1")],
    ["leave", "bob", entry(), entry("3")],
  ])
})

test("a leave of nobody calls nobody", () => {
  assert.deepEqual(apply({}, { joins: {}, leaves: { ann: entry("1") } }), { state: {}, calls: [] })
})

test("an update joins the new meta, then leaves the old one, so that the user is never gone, and is an update", () => {
  const { state, calls } = apply({ ann: entry("0", "1") }, { joins: { ann: entry("2") }, leaves: { ann: entry("1") } })
  assert.deepEqual(state, { ann: entry("0", "2") })
  assert.deepEqual(calls, [
    ["join", "ann", entry("0", "1"), entry("2")],
    ["leave", "ann", entry("0", "2"), entry("1")],
    ["update", "ann", entry("0", "1"), entry("0", "2")],
  ])
})

test("who comes and goes in one diff is not updated", () => {
  const { calls } = apply({}, { joins: { ann: entry("1") }, leaves: { ann: entry("1") } })
  assert.deepEqual(calls, [
    ["join", "ann", undefined, entry("1")],
    ["leave", "ann", entry(), entry("1")],
  ])
})

test("what the server's fetch added comes with the entry", () => {
  const ann = { ...entry("1"), user: { name: "Ann" } }
  const { state } = apply({}, { joins: { ann }, leaves: {} })
  assert.deepEqual(state, { ann })
})

test("keys that every object has are keys as any other", () => {
  const keys = ["__proto__", "constructor", "hasOwnProperty"]
  const json = `{${keys.map((key) => `"${key}":{"metas":[{"phx_ref":"${key}"}]}`).join()}}`
  let state: State = Presence.syncState({}, JSON.parse(json))
  assert.deepEqual(Object.keys(state), keys)
  state = Presence.syncDiff(state, { joins: {}, leaves: JSON.parse(json) })
  assert.deepEqual(Object.keys(state), [])
  assert.equal(({} as { metas?: unknown }).metas, undefined)
})

test("a diff touches only its own keys, however many there are", () => {
  const state: State = Presence.syncState({}, Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`u${i}`, entry(`${i}`)])))
  const before = { ...state }
  const next = Presence.syncDiff(state, { joins: { u1: entry("new") }, leaves: { u2: entry("2") } })
  assert.equal(next, state)
  const changed = Object.keys(before).filter((key) => before[key] !== next[key])
  assert.deepEqual(changed, ["u1", "u2"])
})

test("list gives the entries, or what the chooser makes of them", () => {
  const state = { ann: entry("1", "2"), bob: entry("3") }
  assert.deepEqual(Presence.list(state), [entry("1", "2"), entry("3")])
  assert.deepEqual(Presence.list(state, (key, { metas }) => `${key}:${metas.length}`), ["ann:2", "bob:1"])
})

/** A channel that is joining, with a presence that records what it calls. */
function joining(opts?: { events: { state: string; diff: string } }) {
  const socket = new Socket("ws://peer.test/socket", { transport: nodeWebSocket, timeout: 1 << 30 })
  const channel = socket.channel("room:1")
  const presence = new Presence<{ device?: string }, Entry>(channel, opts)
  const { calls, onJoin, onLeave, onUpdate } = recorder()
  presence.onJoin(onJoin)
  presence.onLeave(onLeave)
  presence.onUpdate(onUpdate)
  presence.onSync(() => calls.push("sync"))
  channel.join()
  return { channel, presence, calls, done: () => channel.leave() }
}

const rejoin = (channel: Channel) => channel.joinPush.resend(1 << 30)

test("an instance follows state and diffs and tells of each change", () => {
  const { channel, presence, calls, done } = joining()
  channel.trigger("presence_state", { ann: entry("1") })
  channel.trigger("presence_diff", { joins: { bob: entry("2") }, leaves: {} })
  assert.deepEqual(presence.list((key) => key), ["ann", "bob"])
  assert.deepEqual(calls, [["join", "ann", undefined, entry("1")], "sync", ["join", "bob", undefined, entry("2")], "sync"])
  done()
})

test("an instance lists who is there after each diff, in the order of its state", () => {
  const { channel, presence, done } = joining()
  const lists: string[][] = []
  presence.onSync(() => lists.push(presence.list((key) => key)))
  channel.trigger("presence_state", { bob: entry("1"), ann: entry("2") })
  channel.trigger("presence_diff", { joins: { bob: entry("3") }, leaves: { bob: entry("1") } })
  channel.trigger("presence_diff", { joins: { eve: entry("4") }, leaves: {} })
  channel.trigger("presence_diff", { joins: {}, leaves: { bob: entry("3") } })
  channel.trigger("presence_diff", { joins: { bob: entry("5") }, leaves: { ann: entry("2") } })
  channel.trigger("presence_state", { joe: entry("6") })
  for (const [n, keys] of ["bob ann", "bob ann", "bob ann eve", "ann eve", "eve bob", "joe"].entries()) assert.deepEqual(lists[n], keys.split(" "))
  assert.deepEqual(presence.list(), Presence.list(presence.state))
  done()
})

test("diffs that come before the state wait for it and are applied in order", () => {
  const { channel, presence, calls, done } = joining()
  channel.trigger("presence_diff", { joins: { ann: entry("2") }, leaves: {} })
  channel.trigger("presence_diff", { joins: {}, leaves: { ann: entry("1") } })
  assert.ok(presence.inPendingSyncState())
  assert.deepEqual(calls, [])
  channel.trigger("presence_state", { ann: entry("1") })
  assert.deepEqual(presence.list(), [entry("2")])
  assert.deepEqual(calls, [
    ["join", "ann", undefined, entry("1")],
    ["join", "ann", entry("1"), entry("2")],
    ["leave", "ann", entry("2"), entry("1")],
    "sync",
  ])
  done()
})

test("of diffs that wait for a state that does not come, the last thousand are kept", () => {
  const { channel, presence, done } = joining()
  const names = Array.from({ length: 1001 }, (_, n) => `user ${n}`)
  for (const name of names) channel.trigger("presence_diff", { joins: { [name]: entry(name) }, leaves: {} })
  channel.trigger("presence_state", {})
  assert.deepEqual(presence.list((key) => key), names.slice(1))
  done()
})

test("after a rejoin diffs wait for the new state, which settles who came and went meanwhile", () => {
  const { channel, presence, calls, done } = joining()
  channel.trigger("presence_state", { ann: entry("1") })
  rejoin(channel)
  calls.length = 0
  channel.trigger("presence_diff", { joins: { joe: entry("4") }, leaves: {} })
  assert.deepEqual(calls, [])
  channel.trigger("presence_state", { bob: entry("3") })
  assert.deepEqual(presence.list((key) => key), ["bob", "joe"])
  assert.deepEqual(calls, [
    ["join", "bob", undefined, entry("3")],
    ["leave", "ann", entry(), entry("1")],
    ["join", "joe", undefined, entry("4")],
    "sync",
  ])
  done()
})

test("a diff that waited in a former join does not bring back who has left since", () => {
  const { channel, presence, done } = joining()
  channel.trigger("presence_diff", { joins: { ghost: entry("1") }, leaves: {} })
  rejoin(channel)
  channel.trigger("presence_state", { ann: entry("2") })
  assert.deepEqual(presence.list((key) => key), ["ann"])
  done()
})

test("the events may have other names", () => {
  const { channel, presence, done } = joining({ events: { state: "who", diff: "who_changed" } })
  channel.trigger("presence_state", { ignored: entry("0") })
  channel.trigger("who", { ann: entry("1") })
  channel.trigger("who_changed", { joins: {}, leaves: { ann: entry("1") } })
  assert.deepEqual(presence.list(), [])
  assert.ok(!presence.inPendingSyncState())
  done()
})
