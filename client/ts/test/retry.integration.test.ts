import assert from "node:assert/strict"
import { test } from "node:test"
import { WebSocket } from "ws"
import { client, noProgram, Server } from "./conformance.js"

test("the clients of a server that stops come back one after the other", { skip: noProgram }, async (t) => {
  const server = await Server.start(t)
  const count = 500
  const sockets = Array.from({ length: count }, () => client(t, server.address, WebSocket, { jitter: false, reconnectAfterMs: () => 0 }))
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.onOpen(resolve))))
  const waits = Promise.all(sockets.map((socket) => new Promise<number>((resolve) => socket.onReconnect(resolve))))
  const stopped = server.stop()
  const told = await waits
  for (const socket of sockets) socket.disconnect()
  await stopped
  const longest = Math.max(...told)
  // By default 1,000 a second come back, from when the server begins to stop.
  assert.ok(longest <= count, `one is to wait for ${longest} ms`)
  assert.ok(new Set(told).size > count / 10, `they are to wait for ${[...new Set(told)]} ms`)
})
