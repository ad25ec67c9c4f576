import { once } from "node:events"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { TestContext } from "node:test"
import { text } from "node:stream/consumers"
import { Inbox } from "./inbox.js"

/** One request of a client; the test answers it by hand. */
export class PollRequest {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage["headers"]
  readonly body: string
  /** Resolves when the client gives up on it. */
  readonly aborted: Promise<unknown>
  private readonly response: ServerResponse

  constructor(request: IncomingMessage, body: string, response: ServerResponse) {
    this.method = request.method!
    this.url = new URL(request.url!, "http://peer.test")
    this.headers = request.headers
    this.body = body
    this.response = response
    this.aborted = once(response, "close")
  }

  get lines(): string[] {
    return this.body.split("\n")
  }

  answer(status: number, token?: string, messages: string[] = [], headers: Record<string, string> = {}): void {
    this.raw(JSON.stringify({ status, token, messages }), headers)
  }

  raw(body: string, headers: Record<string, string> = {}): void {
    this.response.setHeader("content-type", "application/json")
    for (const [name, value] of Object.entries(headers)) this.response.setHeader(name, value)
    this.response.end(body)
  }

  /** Ends the connection without an answer. */
  cut(): void {
    this.response.destroy()
  }
}

/** An HTTP server that holds each request until the test has answered it; polls and posts are taken apart. */
export class PollPeer {
  readonly url: string
  private readonly polls = new Inbox<PollRequest>()
  private readonly posts = new Inbox<PollRequest>()

  private constructor(server: Server) {
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/socket`
    server.on("request", async (request, response) => {
      const held = new PollRequest(request, await text(request), response)
      const inbox = held.method === "GET" ? this.polls : this.posts
      inbox.put(held)
    })
  }

  /** Starts a peer that ends with the test. */
  static async start(t: TestContext): Promise<PollPeer> {
    const server = createServer()
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const peer = new PollPeer(server)
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    return peer
  }

  /** The next GET. */
  poll(): Promise<PollRequest> {
    return this.polls.next()
  }

  /** The next POST. */
  post(): Promise<PollRequest> {
    return this.posts.next()
  }

  /** How many POSTs the test has not taken. */
  get unseenPosts(): number {
    return this.posts.size
  }
}
