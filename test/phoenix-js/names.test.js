// What can be called of the stock phoenix client can be called of CLIENT: an application may replace its import.

import assert from "node:assert/strict"
import { describe } from "node:test"
import * as stock from "phoenix"
import { test } from "./client.js"

const client = await import(process.env.CLIENT ?? "phoenix")

// What the stock client has for itself: marked @private, undocumented fields, and helpers of its classes.
const INTERNAL = {
  Socket: `stateChangeCallbacks fallbackRef fallbackErrorRef primaryPassedHealthCheck longPollFallbackMs fallbackTimer sessionStore
    defaultEncoder defaultDecoder visibilityConnection encode decode heartbeatTimeoutTimer heartbeatTimer pendingHeartbeatRef
    heartbeatTimeout resetHeartbeat teardownAndReconnect stillUses waitForBufferDone waitForSocketClosed triggerChanError isOutdated
    pageHidden handleVisibilityChange transportName transportConnect getSession storeSession connectWithFallback cancelFallback
    clearHeartbeats`,
  Channel: "",
  Push: "receivedResp recHooks matchReceive",
  Presence: "pendingDiffs caller map toNullProtoObj clone",
  LongPoll: "normalizeEndpoint endpointURL closeAndRetry ontimeout isActive batchSend ajax",
  Serializer: "HEADER_LENGTH META_LENGTH KINDS binaryEncode assertFieldSize binaryDecode decodePush decodeReply decodeBroadcast",
}

/** An object of each class, of a socket that is never connected. */
function objects({ Socket, Presence, LongPoll, Serializer }, options = {}) {
  const socket = new Socket("ws://example.test/socket", { transport: LongPoll, ...options })
  const channel = socket.channel("room:1", { a: 1 })
  return { Socket: socket, Channel: channel, Push: channel.joinPush, Presence: new Presence(channel), LongPoll: LongPoll.prototype, Serializer }
}

/** The names of its fields and methods. */
function members(object) {
  const own = Object.getOwnPropertyNames(object)
  const prototype = Object.getPrototypeOf(object)
  return prototype === Object.prototype ? own : [...own, ...Object.getOwnPropertyNames(prototype)]
}

test("all exports are there", () => {
  for (const name of Object.keys(stock)) assert.ok(name in client, name)
})

describe("all members are there", () => {
  const theirs = objects(stock)
  const ours = objects(client)
  for (const [name, object] of Object.entries(theirs)) {
    test(name, () => {
      const internal = INTERNAL[name].split(/\s+/)
      const wanted = members(object).filter((member) => !internal.includes(member))
      assert.deepEqual(wanted.filter((member) => !(member in ours[name])), [])
    })
  }

  test("static ones", () => {
    const wanted = Object.getOwnPropertyNames(stock.Presence).filter((member) => !INTERNAL.Presence.split(" ").includes(member))
    assert.ok(wanted.includes("syncDiff"))
    assert.deepEqual(wanted.filter((member) => !(member in client.Presence)), [])
  })
})

describe("all defaults and options are the same", () => {
  const given = { timeout: 1, heartbeatIntervalMs: 2, longpollerTimeout: 3, vsn: "1.0.0", binaryType: "blob", params: { a: 1 }, logger: () => {} }
  for (const [name, options] of Object.entries({ defaults: {}, options: given })) {
    test(name, () => {
      const [theirs, ours] = [stock, client].map((library) => objects(library, options))
      for (const member of ["endPoint", "timeout", "heartbeatIntervalMs", "longpollerTimeout", "vsn", "binaryType", "establishedConnections"]) {
        assert.equal(ours.Socket[member], theirs.Socket[member], member)
      }
      assert.deepEqual(ours.Socket.params(), theirs.Socket.params())
      assert.equal(ours.Socket.hasLogger(), theirs.Socket.hasLogger())
      for (const member of ["state", "topic", "timeout", "joinedOnce", "pushBuffer"]) assert.deepEqual(ours.Channel[member], theirs.Channel[member], member)
    })
  }

  test("schedules", () => {
    const [theirs, ours] = [stock, client].map((library) => objects(library).Socket)
    for (let tries = 1; tries < 15; tries++) {
      assert.equal(ours.reconnectAfterMs(tries), theirs.reconnectAfterMs(tries))
      assert.equal(ours.rejoinAfterMs(tries), theirs.rejoinAfterMs(tries))
    }
  })
})
