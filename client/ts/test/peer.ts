import { once } from "node:events"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import type { TestContext } from "node:test"
import { WebSocket, WebSocketServer, type WebSocket as ServerSocket } from "ws"
import { Socket, type Channel, type SocketOptions, type TransportConstructor } from "../src/index.js"
import type { Clock } from "./clock.js"
import { Inbox } from "./inbox.js"

/** A text frame of the wire: [join_ref, ref, topic, event, payload]. */
export type Frame = [string | null, string | null, string, string, any]

/** The other end of one connection: the test reads what the client says and answers by hand. */
export class PeerConnection {
  readonly url: URL
  readonly protocols: string[]
  readonly closed: Promise<{ code: number; reason: string }>
  private readonly socket: ServerSocket
  private readonly frames = new Inbox<Frame | Buffer>()

  constructor(socket: ServerSocket, url: URL, protocols: string[]) {
    this.socket = socket
    this.url = url
    this.protocols = protocols
    socket.on("message", (data: Buffer, isBinary) => this.frames.put(isBinary ? data : JSON.parse(data.toString())))
    this.closed = once(socket, "close").then(([code, reason]) => ({ code, reason: reason.toString() }))
  }

  /** The next text frame of the client. */
  async next(): Promise<Frame> {
    return (await this.frames.next()) as Frame
  }

  /** The next binary frame of the client. */
  async nextBinary(): Promise<Buffer> {
    return (await this.frames.next()) as Buffer
  }

  send(frame: Frame | Buffer | string): void {
    this.socket.send(Array.isArray(frame) ? JSON.stringify(frame) : frame)
  }

  reply([join_ref, ref, topic]: Frame, status: string, response: unknown = {}): void {
    this.send([join_ref, ref, topic, "phx_reply", { status, response }])
  }

  /** Takes the next frame, which has to be this event, and replies ok to it. */
  async accept(event: string, response: unknown = {}): Promise<Frame> {
    const frame = await this.next()
    if (frame[3] !== event) throw new Error(`expected ${event}, got ${JSON.stringify(frame)}`)
    this.reply(frame, "ok", response)
    return frame
  }

  close(code: number, reason = ""): void {
    this.socket.close(code, reason)
  }

  /** Cuts the connection without a close frame. */
  terminate(): void {
    this.socket.terminate()
  }
}

/** A WebSocket server on a port of its own that knows nothing of the protocol: the test plays its part. */
export class Peer {
  readonly url: string
  private readonly server: Server
  private readonly sockets: WebSocketServer
  private readonly connections = new Inbox<PeerConnection>()
  private refusing = false

  private constructor(server: Server) {
    this.server = server
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/socket`
    this.sockets = new WebSocketServer({ server, verifyClient: () => !this.refusing })
    this.sockets.on("connection", (socket, request) => {
      const protocols = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim())
      this.connections.put(new PeerConnection(socket, new URL(request.url!, this.url), protocols))
    })
  }

  /** Starts a peer that ends with the test. */
  static async start(t: TestContext): Promise<Peer> {
    const server = createServer()
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const peer = new Peer(server)
    t.after(() => peer.stop())
    return peer
  }

  /** The next connection that a client opens. */
  next(): Promise<PeerConnection> {
    return this.connections.next()
  }

  /** How many connections were opened that the test has not taken. */
  get unseen(): number {
    return this.connections.size
  }

  /** From here on, answers 401 to whoever connects. */
  refuse(refusing = true): void {
    this.refusing = refusing
  }

  private stop(): void {
    for (const client of this.sockets.clients) client.terminate()
    this.sockets.close()
    this.server.close()
    this.server.closeAllConnections()
  }
}

/** A socket to the peer over the WebSocket of the ws package; it disconnects with the test. */
export function socketTo(t: TestContext, peer: { url: string }, opts: SocketOptions = {}): Socket {
  const socket = new Socket(peer.url, { transport: nodeWebSocket, jitter: false, ...opts })
  t.after(() => socket.disconnect())
  return socket
}

/** Node 20 has no WebSocket of its own. */
export const nodeWebSocket: TransportConstructor = WebSocket

/** Connects the socket and returns the peer's end once both are open. */
export async function connect(socket: Socket, peer: Peer): Promise<PeerConnection> {
  const opened = new Promise<void>((resolve) => {
    const ref = socket.onOpen(() => {
      socket.off([ref])
      resolve()
    })
  })
  socket.connect()
  const connection = await peer.next()
  await opened
  return connection
}

/** Cuts the connection of a joined channel, and returns the next one. */
export async function cut({ channel, connection, clock, peer }: { channel: Channel; connection: PeerConnection; clock: Clock; peer: Peer }): Promise<PeerConnection> {
  const lost = event((resolve) => channel.onError(resolve))
  connection.terminate()
  await lost
  clock.tick(10)
  return peer.next()
}

/** Waits until the client has dispatched all that the peer has sent; throws if it has sent what the test did not take. */
export async function settled(socket: Socket, connection: PeerConnection): Promise<void> {
  const ponged = event((resolve) => socket.ping(resolve))
  await connection.accept("heartbeat")
  await ponged
}

/** The event that calls back once, as a promise. */
export function event<T>(register: (callback: (value: T) => void) => unknown): Promise<T> {
  return new Promise((resolve) => register(resolve))
}
