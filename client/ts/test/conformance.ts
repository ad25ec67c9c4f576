import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { createServer, type AddressInfo } from "node:net"
import { createInterface } from "node:readline"
import type { TestContext } from "node:test"
import { WebSocket } from "ws"
import { LongPoll, Socket, type Channel, type SocketOptions, type TransportConstructor } from "../src/index.js"

// The address of the conformance application, such as http://127.0.0.1:4101, which keeps the last 1,000 events of each log:*
// topic; and its program, for what needs one to restart.
const base = process.env["ROOST_CONFORMANCE_URL"]
const program = process.env["ROOST_CONFORMANCE_PROGRAM"]
export const skip = !base && process.env["CI"] !== "true" ? "ROOST_CONFORMANCE_URL is not set" : false
export const noProgram = !program && process.env["CI"] !== "true" ? "ROOST_CONFORMANCE_PROGRAM is not set" : false
export const isThere = base !== undefined && program !== undefined
export const address = base?.replace("http://", "") ?? ""

// Version 1 of the wire, for which an application brings its own serializer.
const version1: SocketOptions = {
  vsn: "1.0.0",
  encode: ({ topic, event, payload, ref, join_ref }, callback) => callback(JSON.stringify({ topic, event, payload, ref, join_ref })),
  decode: (frame, callback) => callback({ join_ref: null, ...JSON.parse(frame as string) }),
}

/** The ways to the application; none if it is not there. */
export const ways: [string, TransportConstructor, SocketOptions][] = !base ? [] : [
  ["WebSocket", WebSocket, {}],
  ["WebSocket, version 1", WebSocket, version1],
  ["LongPoll", LongPoll, {}],
]

const soon = () => 5

export const seed = Number(process.env["ROOST_SEED"] ?? Math.floor(Math.random() * 1e9))

/** A socket that comes back quickly; it disconnects with the test. */
export function client(t: TestContext, address: string, transport: TransportConstructor, opts: SocketOptions = {}): Socket {
  const socket = new Socket(`ws://${address}/socket`, { transport, reconnectAfterMs: soon, rejoinAfterMs: soon, ...opts })
  socket.connect()
  t.after(() => socket.disconnect())
  return socket
}

/** Waits until the channel has joined, or joined again. */
export const ok = (channel: Channel) => new Promise<void>((resolve) => channel.joinPush.receive("ok", () => resolve()))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** A conformance application of a test's own. */
export class Server {
  address = "127.0.0.1:0"
  private process: ChildProcess | undefined

  static async start(t: TestContext, ...flags: string[]): Promise<Server> {
    const server = new Server(flags)
    await server.run()
    t.after(() => server.process?.kill("SIGKILL"))
    return server
  }

  /** Starts two that know each other. They keep no history. */
  static async cluster(t: TestContext): Promise<[Server, Server]> {
    const ports = await Promise.all([freePort(), freePort()])
    const peers = ports.map((port) => `127.0.0.1:${port}`).join()
    const start = (port: number) => Server.start(t, "-cluster-listen", `127.0.0.1:${port}`, "-cluster-peers", peers)
    const servers = await Promise.all([start(ports[0]), start(ports[1])])
    for (const server of servers) while ((await server.info()).peers.length < 1) await new Promise((resolve) => setTimeout(resolve, 20))
    return servers
  }

  private readonly flags: string[]

  private constructor(flags: string[]) {
    this.flags = flags
  }

  /** What it says of itself. */
  async info(): Promise<{ peers: string[]; sockets: number }> {
    const response = await fetch(`http://${this.address}/admin/info`)
    return response.json() as Promise<{ peers: string[]; sockets: number }>
  }

  /** Ends it as a crash would, and starts it again under its address. */
  async restart(): Promise<void> {
    const ended = once(this.process!, "exit")
    this.process!.kill("SIGKILL")
    await ended
    await this.run()
  }

  /** Ends it in good order. Resolves when it has ended. */
  async stop(): Promise<void> {
    const ended = once(this.process!, "exit")
    this.process!.kill("SIGTERM")
    await ended
  }

  private async run(): Promise<void> {
    this.process = spawn(program!, ["-addr", this.address, ...this.flags], { stdio: ["ignore", "pipe", "ignore"] })
    const [line] = (await once(createInterface({ input: this.process.stdout! }), "line")) as [string]
    this.address = line.replace("listening on ", "")
  }
}
