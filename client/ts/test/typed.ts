// What the compiler accepts, and what it does not: this file is a test by being compiled.

import { Outbox, Presence, Push, Recovery, Socket, type Channel, type NoReply, type OnJoin, type OnLeave, type PresenceEntry } from "../src/index.js"

interface Annotation { id: number; body: string }
interface Joined { annotations: Annotation[] }
interface Videos {
  params: { last_seen_id: number }
  joined: Joined
  in: {
    new_annotation: { payload: { at: number; body: string }; reply: Annotation }
    more: { payload: { limit?: number }; reply: Joined }
    typing: { payload: { on: boolean }; reply: NoReply }
  }
  out: { annotation_added: Annotation }
  meta: { name: string }
}
/** One that takes and says nothing. */
interface Mute { params: object; joined: {}; in: {}; out: {}; meta: {} }

const is = <T>(_value: T): void => {}

export async function typed(socket: Socket): Promise<void> {
  const videos = socket.channel<Videos>("videos:42", { last_seen_id: 0 })
  socket.channel<Videos>("videos:42", () => ({ last_seen_id: 0 }))
  // @ts-expect-error the params are missing
  socket.channel<Videos>("videos:42")
  // @ts-expect-error the params are others
  socket.channel<Videos>("videos:42", { last_seen_id: "0" })

  is<Joined>(await videos.join())
  videos.join().receive("ok", ({ annotations }) => is<Annotation[]>(annotations))
  // @ts-expect-error it has annotations
  videos.join().receive("ok", ({ comments }) => comments)
  // @ts-expect-error the reply is another
  videos.join().receive("ok", (joined: Annotation) => joined)
  videos.joinPush.receive<{ reason: string }>("error", ({ reason }) => is<string>(reason))

  const reply = await videos.push("new_annotation", { at: 1, body: "hello" })
  is<number>(reply.id)
  // @ts-expect-error the reply has no such field
  reply.nope
  // @ts-expect-error the body is missing
  videos.push("new_annotation", { at: 1 })
  // @ts-expect-error the payload is missing
  videos.push("new_annotation")
  // @ts-expect-error there is no such event
  videos.push("new_anotation", { at: 1, body: "" })
  is<Joined>(await videos.push("more"))
  is<Joined>(await videos.push("more", { limit: 1 }, 500))

  const typing = videos.push("typing", { on: true })
  is<boolean>(typing.sent)
  // @ts-expect-error nobody replies
  await typing
  // @ts-expect-error nobody replies
  await videos.push("typing", { on: true })
  // @ts-expect-error nobody replies
  typing.catch(() => {})

  videos.on("annotation_added", (annotation) => is<Annotation>(annotation))
  // @ts-expect-error the payload is another
  videos.on("annotation_added", (annotation: Joined) => annotation)
  // @ts-expect-error there is no such event
  videos.on("annotation_aded", () => {})

  const presence = new Presence(videos)
  is<string[]>(presence.list((_key, { metas }) => metas[0]!.name + metas[0]!.phx_ref))
  // @ts-expect-error there is no such meta
  presence.list((_key, { metas }) => metas[0]!.nope)
  is<PresenceEntry<{ name: string }>[]>(presence.list())
  // @ts-expect-error the entries are others
  is<Annotation[]>(presence.list())
  is<Annotation[]>(presence.list<Annotation>()) // named for once
  // @ts-expect-error the entries are others
  presence.list((_key, entry: Annotation) => entry)
  // @ts-expect-error the entries are others
  presence.onJoin((_key, _current, joined: Annotation) => joined)
  is<PresenceEntry<{ name: string }>[]>(Presence.list(presence.state))
  is<string[]>(Presence.list(presence.state, (_key, { metas }) => metas[0]!.name))
  // @ts-expect-error nothing is said of what the fetch adds
  presence.list((_key, { user }) => user)
  presence.onJoin((key, current, joined) => is<string>(key + current?.metas[0]?.name + joined.metas[0]!.name))
  is<Presence<{ name: string }>>(presence)
  const fetched = new Presence<Videos["meta"], PresenceEntry<Videos["meta"]> & { user: { id: number } }>(videos)
  is<[number, string][]>(fetched.list((_key, { user, metas }) => [user.id, metas[0]!.name]))
  // @ts-expect-error these are not the metas of the channel
  new Presence<{ age: number }>(videos)

  const outbox = new Outbox(videos)
  is<Annotation>(await outbox.push("new_annotation", { at: 1, body: "" }))
  // @ts-expect-error the body is missing
  outbox.push("new_annotation", { at: 1 })
  new Recovery(videos).onGap((joined) => is<Joined | undefined>(joined))

  const shared = socket.share<Videos>("videos:42", { last_seen_id: 0 })
  is<Joined>(await shared.join())
  is<Annotation>(await shared.push("new_annotation", { at: 1, body: "" }))
  // @ts-expect-error nobody replies
  await shared.push("typing", { on: true })
  shared.on("annotation_added", (annotation) => is<Annotation>(annotation))
  is<string[]>(new Presence(shared).list((_key, { metas }) => metas[0]!.name))

  const mute = socket.channel<Mute>("mute")
  is<{}>(await mute.join())
  // @ts-expect-error there are no events
  mute.push("anything", {})
  // @ts-expect-error there are no events
  mute.on("anything", () => {})

  takesAny(videos)
  takesAny(mute)
  is<Channel<any>>(videos)
}

function takesAny(channel: Channel): void {
  channel.on("anything", (payload) => payload.whatever)
}

export async function untyped(socket: Socket): Promise<void> {
  const channel = socket.channel("room:1", { any: 1 })
  socket.channel("room:1")
  is<Push>(channel.join())
  const { anything } = await channel.join()
  is<string>(anything)
  channel.join().receive("ok", ({ anything }) => anything).receive("error", ({ reason }) => reason).receive("ok", (reply: Annotation) => reply)
  channel.on("event", ({ anything }, ref) => [anything, ref])
  channel.on("event", (annotation: Annotation) => annotation)
  channel.on<Annotation>("event", (annotation) => is<Annotation>(annotation))
  channel.push("event").receive<Annotation>("ok", (annotation) => is<Annotation>(annotation))
  channel.push("event", 1, 500).receive("ok", ({ anything }) => anything)
  is<Annotation>(await channel.push("event", { any: 1 }))
  const presence = new Presence(channel)
  presence.list((_key, { metas: [first, ...rest], user }) => [first.name, rest.length, user.name])
  const typed = new Presence<{ name: string }>(channel)
  typed.list((_key, { metas }) => is<string>(metas[0]!.name))
  const shared = socket.share("room:1")
  is<Annotation>(await shared.push("event", { any: 1 }, { timeout: 500, signal: AbortSignal.timeout(100) }))
  shared.on("event", ({ anything }) => anything)
  new Outbox(channel).push("event", { any: 1 }, 500).receive("ok", ({ anything }) => anything)
}

/** What a page knows that its transport gives, such as a CloseEvent. */
interface Closed { code: number; reason: string; wasClean: boolean; timeStamp: number }

// More of what was written for phoenix.js is in phoenix-typed.ts.
export function named(socket: Socket): void {
  socket.onClose((event: Closed) => event.code.toFixed())
  socket.onError((error: Closed | string | number) => error)
  // @ts-expect-error no transport gives that
  socket.onClose((event: number) => event)
  // @ts-expect-error the topic is missing
  socket.push({ event: "event", payload: {} })
  const came: OnJoin = (key, before, joined) => [key, before?.metas.length, joined.metas[0].name, joined.user]
  const went: OnLeave = (key, after, left) => [key, after.metas.length, left.user]
  const presence = new Presence(socket.channel("room:1"))
  presence.onJoin(came)
  presence.onLeave(went)
}
