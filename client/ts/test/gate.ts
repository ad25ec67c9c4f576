import { once } from "node:events"
import { connect, createServer, type AddressInfo, type Socket } from "node:net"
import type { TestContext } from "node:test"

/** Where a WebSocket breaks: instead of passing on the n-th thing, from 1, that one side says behind the handshake. */
export interface Break {
  side: "client" | "server"
  nth: number
}

/** A way to servers on which WebSockets can be refused, broken, and sent to another server than all else. */
export class Gate {
  readonly address: string
  /** Whether WebSockets get through. */
  open = false
  /** Where the WebSockets break that are opened from now on. */
  breaks: Break | "at the handshake" | undefined
  /** How many WebSockets were asked for, and how many broke. */
  asked = 0
  broken = 0
  private readonly sockets = new Set<Socket>()

  private constructor(address: string) {
    this.address = address
  }

  /** Starts one that ends with the test. WebSockets go to one server, and all else to another. */
  static async start(t: TestContext, upstream: string, webSockets: string = upstream): Promise<Gate> {
    const server = createServer((client) => gate.carry(client, upstream, webSockets))
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const gate = new Gate(`127.0.0.1:${(server.address() as AddressInfo).port}`)
    t.after(() => {
      server.close()
      gate.cutAll()
    })
    return gate
  }

  /** Cuts what is open. */
  cutAll(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private carry(client: Socket, upstream: string, webSockets: string): void {
    this.hold(client)
    client.once("data", (head) => {
      const isWebSocket = /\r\nupgrade: websocket\r\n/i.test(head.toString("latin1"))
      if (isWebSocket) this.asked++
      if (isWebSocket && !this.open) {
        client.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return
      }
      const [host, port] = (isWebSocket ? webSockets : upstream).split(":")
      const server = this.hold(connect(Number(port), host))
      server.write(head)
      const breaks = isWebSocket ? this.breaks : undefined
      // The first thing that the server says is its side of the handshake.
      const said = { client: 0, server: -1 }
      for (const [side, from, to] of [["client", client, server], ["server", server, client]] as const) {
        from.on("data", (data) => {
          said[side]++
          if (breaks === "at the handshake" || (breaks?.side === side && breaks.nth === said[side])) {
            this.broken++
            client.destroy()
            server.destroy()
          } else to.write(data)
        })
        from.on("close", () => to.destroy())
      }
    })
  }

  private hold(socket: Socket): Socket {
    this.sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => this.sockets.delete(socket))
    return socket
  }
}
