// Runs a command with ROOST_CONFORMANCE_URL set to the address of a conformance application of its own, and
// ROOST_CONFORMANCE_PROGRAM to its program:
//
//	node with-conformance.js npm test --prefix ../client/ts

import { spawn } from "node:child_process"
import { once } from "node:events"
import { buildServer } from "./conformance.js"

const [command, ...args] = process.argv.slice(2)
const server = await buildServer()
try {
  await server.start()
  const env = { ...process.env, ROOST_CONFORMANCE_URL: `http://${server.address}`, ROOST_CONFORMANCE_PROGRAM: server.binary }
  const [code] = await once(spawn(command, args, { env, stdio: "inherit" }), "exit")
  process.exitCode = code ?? 1
} finally {
  await server.close()
}
