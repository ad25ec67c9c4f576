// A program that was written for phoenix.js and its types, of which only the import was replaced: a test by being compiled.
// It uses all that @types/phoenix 1.6.7 declares, but for what README.md says is refused.

import {
  Channel,
  LongPoll,
  Presence,
  Socket,
  type BinaryType,
  type ChannelState,
  type ConnectionState,
  type MessageRef,
  type PresenceOnJoinCallback,
  type PresenceOnLeaveCallback,
  type PresenceOpts,
  type Push,
  type PushStatus,
  type SocketConnectOption,
} from "../src/index.js"

interface Credentials { token: string; locale?: string }
interface Session { phx_ref: string; online_at: string }
interface Viewer { metas: Session[]; user: { id: number; name: string } }
interface Row { id: number; name: string; sessions: number }
interface Annotation { id: number; body: string }

declare const msgpack: { encode(value: unknown): Uint8Array<ArrayBuffer>; decode(bytes: Uint8Array): unknown }
declare function show(...what: unknown[]): void
declare function reload(event: CloseEvent): void
declare function report(error: Event | string | number): void

/** Options in each form that they may have. */
export function connect(credentials: Credentials, object: object, all: SocketConnectOption): Socket {
  const binaryType: BinaryType = "arraybuffer"
  const options: Partial<SocketConnectOption> = {
    authToken: "secret",
    binaryType,
    params: credentials,
    transport: WebSocket,
    timeout: 10_000,
    heartbeatIntervalMs: 30_000,
    longPollFallbackMs: 2500,
    longpollerTimeout: 20_000,
    encode: (payload, callback) => callback(JSON.stringify(payload)),
    decode: (payload, callback) => callback(JSON.parse(payload)),
    logger: (kind, message, data) => console.log(`${kind}: ${message}`, data.length),
    reconnectAfterMs: (tries) => [1000, 5000][tries - 1] ?? 10_000,
    rejoinAfterMs: (tries) => tries * 1000,
    vsn: "2.0.0",
    debug: true,
    sessionStorage,
  }
  options.timeout = 5000
  new Socket("/socket")
  new Socket("/socket", all)
  new Socket("/socket", { params: object, transport: LongPoll })
  new Socket("/socket", { params: () => credentials })
  new Socket("/socket", { params: (): object => object })
  new Socket("/socket", {
    encode: (payload: object, callback: (encoded: any) => void | Promise<void>) => callback(msgpack.encode(payload)),
    decode: async (payload: string, callback: (decoded: any) => void | Promise<void>) => callback(JSON.parse(payload)),
    logger: (kind: string, message: string, data: object) => show(kind, message, data),
  })
  new Socket("/socket", { decode: (payload, callback) => callback(msgpack.decode(payload as any)) })
  return new Socket("/socket", options)
}

export async function onSocket(socket: Socket, credentials: Credentials): Promise<void> {
  socket.connect()
  socket.connect(credentials)
  const url: string = socket.protocol() + socket.endPointURL()
  const state: ConnectionState = socket.connectionState()
  const refs: MessageRef[] = [
    socket.onOpen(async () => show("open")),
    socket.onClose((event) => show(event.code.toFixed(), event.reason.length, !event.wasClean)),
    socket.onClose((event: CloseEvent) => reload(event)),
    socket.onClose(reload),
    socket.onError((error, transport, establishedConnections) => {
      report(error)
      if (transport === WebSocket && establishedConnections === 0) socket.replaceTransport(LongPoll)
    }),
    socket.onError(async (error: Event | string | number) => report(error)),
    socket.onError((error, transport: new (endpoint: string) => object, established: number) => show(error, transport, established)),
    socket.onMessage((message: object) => show(message)),
  ]
  socket.off(refs)
  const ref: MessageRef = socket.makeRef()
  socket.push({ topic: "phoenix", event: "heartbeat", payload: {}, ref })
  socket.push({ topic: "room:1", event: "said", payload: { body: "hello" } })
  if (socket.isConnected() && !socket.ping((latency: number) => show(latency))) show(url, state)
  if (socket.hasLogger()) socket.log("app", "still there", { any: 1 })
  socket.replaceTransport(WebSocket)
  const channel: Channel = socket.channel("room:1")
  socket.remove(channel)
  socket.disconnect()
  socket.disconnect(async () => show("closed"), 1000, "bye")
}

function say(channel: Channel, event: string, payload: object, timeout?: number): Push {
  return channel.push(event, payload, timeout)
}

export function onChannel(socket: Socket, params: object, maybe?: object): void {
  const channel: Channel = socket.channel("room:1", params)
  socket.channel("room:1", maybe)
  socket.channel("room:1", () => ({ since: 7 }))
  new Channel("room:2", { since: 7 }, socket)
  const state: ChannelState = channel.state
  show(state, channel.topic.length)

  const statuses: PushStatus[] = ["ok", "error", "timeout"]
  const push: Push = channel.join()
  for (const status of statuses) push.receive(status, (response) => show(response.reason))
  channel
    .join(10_000)
    .receive("ok", ({ annotations }: { annotations: Annotation[] }) => show(annotations))
    .receive("error", ({ reason }) => show(reason))
    .receive("timeout", () => show("no answer"))
  say(channel, "new_annotation", { body: "hello" }).receive("ok", async (annotation?: Annotation) => show(annotation?.id))
  push.send()
  push.resend(500)

  const ref: number = channel.on("annotation_added", (annotation) => show(annotation.body))
  channel.on("annotation_added", async (annotation: Annotation) => show(annotation.body))
  channel.on("annotation_added", (response?: any) => show(response?.body))
  channel.off("annotation_added", ref)
  channel.off("annotation_added")
  channel.onClose((payload, ref, joinRef) => show(payload.reason, ref.length, joinRef.length))
  channel.onClose(async (payload: object, ref: string, joinRef: string) => show(payload, ref, joinRef))
  channel.onError((reason) => show(reason.message))
  channel.onError(async (reason?: string) => show(reason?.length))
  channel.onMessage = (event, payload, ref) => ({ ...payload, event, ref: ref.length })
  show(channel.onMessage("event", {}, "1").body)
  channel.leave()
  channel.leave(500).receive("ok", () => show("left"))
}

/** As a function that a page has for all of its lists. */
function listed<T>(presence: Presence, chooser?: (key: string, presence: any) => T): T[] {
  return presence.list(chooser)
}

export function onPresence(channel: Channel): void {
  const opts: PresenceOpts = { events: { state: "state", diff: "diff" } }
  new Presence(channel, { events: undefined })
  const presence = new Presence(channel, opts)
  const came: PresenceOnJoinCallback = (key, current, joined) => show(key?.length, current?.metas.length, joined.user.name)
  const went: PresenceOnLeaveCallback = (_key, current, left) => current.metas.length === 0 && show(left.user.name)
  presence.onJoin(came)
  presence.onJoin((key?: string, current?: Viewer, joined?: Viewer) => show(key, current?.user, joined?.metas))
  presence.onLeave(went)
  presence.onLeave((key, current, left) => show(key, current.metas[0].online_at, left.anything))
  presence.onSync(async () => show(presence.list()))
  if (presence.inPendingSyncState()) show("not yet")

  const viewers: Viewer[] = presence.list()
  const others = presence.list<Viewer>().map((viewer) => viewer.user.name)
  const rows: Row[] = presence.list((_key, { metas, user }) => ({ ...user, sessions: metas.length }))
  presence.list<Row>((_key, { metas, user }) => ({ ...user, sessions: metas.length }))
  presence.list((key: string, { metas: [first], user }: Viewer) => [key, first?.online_at, user.name])
  presence.list().map((viewer: Viewer) => viewer.user.name.length)
  show(viewers, others, rows, listed<string>(presence, (key) => key), listed(presence))
}

/** Presence as it was before there was an object for it. */
export function onPresenceState(channel: Channel): void {
  let presences = {}
  let known: Record<string, Viewer> = {}
  let object: object = {}
  const came: PresenceOnJoinCallback = (key) => show(key)
  const went: PresenceOnLeaveCallback = (key) => show(key)
  channel.on("presence_state", (state) => {
    presences = Presence.syncState(presences, state)
    known = Presence.syncState(known, state, came, went)
  })
  channel.on("presence_state", (state: object) => {
    presences = Presence.syncState(presences, state, came, went)
    object = Presence.syncState(object, state)
  })
  channel.on("presence_diff", (diff: { joins: object; leaves: object }) => {
    presences = Presence.syncDiff(presences, diff)
    known = Presence.syncDiff(known, diff, came, went)
    object = Presence.syncDiff(object, diff, came, went)
  })
  const viewers: Viewer[] = Presence.list(presences)
  Presence.list(presences).map((viewer) => viewer.user.name)
  Presence.list<Viewer>(presences).map((viewer) => viewer.user.name)
  Presence.list<Row>(object, (_key, { metas, user }) => ({ ...user, sessions: metas.length }))
  Presence.list(presences, (key, { metas: [first], user }) => [key, first.online_at, user.name])
  Presence.list(presences, (_key: string, { user }: Viewer) => user.name)
  show(viewers, Presence.list(known, (_key, { user }) => user.name.length))
}

export function onLongPoll(): void {
  const transport = new LongPoll("ws://localhost:4000/socket/websocket")
  transport.send("[]")
  transport.close()
  transport.close(1000, "bye")
}
