import { once } from "node:events"
import { connect, createServer } from "node:net"

/** Numbers that look like chance, the same for the same seed. */
export function chance(seed) {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** A way to a server on which each connection is cut after so many bytes of the server's, be it in the middle of a frame. */
export class Cutter {
  #open = new Set()
  #ways = new Set()
  #server

  address

  /** After how many bytes the next connection is cut. */
  budget = () => Infinity

  /** How many were cut. */
  cuts = 0

  /** Starts one that ends with the test. */
  static async start(t, upstream) {
    const cutter = await Cutter.open(upstream)
    t.after(() => cutter.close())
    return cutter
  }

  /** Starts one that is to be closed. */
  static async open(upstream) {
    const cutter = new Cutter()
    cutter.#server = createServer((client) => cutter.#carry(client, upstream))
    cutter.#server.listen(0, "127.0.0.1")
    await once(cutter.#server, "listening")
    cutter.address = `127.0.0.1:${cutter.#server.address().port}`
    return cutter
  }

  close() {
    this.#server.close()
    this.cutAll()
  }

  /** Cuts what is open. */
  cutAll() {
    for (const socket of this.#open) socket.destroy()
  }

  /** Cuts what is open at the next thing that the server says, which is lost. */
  loseAnswers() {
    for (const way of this.#ways) way.left = 0
  }

  #carry(client, upstream) {
    const [host, port] = upstream.split(":")
    const server = connect(Number(port), host)
    const way = { left: this.budget() }
    this.#ways.add(way)
    server.on("close", () => this.#ways.delete(way))
    server.on("data", (data) => {
      if (data.length >= way.left) {
        this.cuts++
        client.end(data.subarray(0, way.left), () => client.destroy())
        server.destroy()
        return
      }
      way.left -= data.length
      client.write(data)
    })
    client.on("data", (data) => server.write(data))
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      this.#open.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        this.#open.delete(socket)
        other.end()
      })
    }
  }
}
