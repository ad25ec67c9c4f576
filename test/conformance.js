import assert from "node:assert/strict"
import { Program } from "./program.js"

/** The conformance application, a server of each test file's own. */
export const buildServer = () => Program.build("internal/conformance", /^listening on (\S+)$/)

/** Does something to the application from outside. */
export async function admin(server, action, params) {
  const response = await fetch(`http://${server.address}/admin/${action}?${new URLSearchParams(params)}`)
  assert.equal(response.status, 200, await response.text())
}
