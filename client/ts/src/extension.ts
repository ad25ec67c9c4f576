import type { Channel } from "./channel.js"
import { asBytes, type Message } from "./serializer.js"

/** What a channel does besides, with a member of its own in the params and the replies of joins. */
export interface Extension {
  /** The params of a join, and what it asks of the server. */
  ask(params: object): object
  /** What the reply of a join told, undefined if nothing; and the reply without it, before the application sees it. */
  joined(told: any, response: unknown): void
  /** Sees each message of the server before the channel does; true if the channel is not to get it. */
  takes?(message: Message): boolean
}

/** Extends a channel by what the application calls `name`, before it joins. */
export function extend(channel: Channel<any>, name: string, member: string, extension: Extension): void {
  const { topic, extensions, joinPush } = channel
  if (channel.joinedOnce) throw new Error(`channel "${topic}" has joined already: make its ${name} before`)
  if (extensions.has(member)) throw new Error(`channel "${topic}" has its ${name} already`)
  if (extensions.size === 0) joinPush.receive("ok", (response) => tell(extensions, response))
  extensions.set(member, extension)
}

/** The params of a join with one more member. */
export function withMember(channel: Channel<any>, params: object, member: string, value: unknown): object {
  if (asBytes(params)) throw new Error(`the join params of "${channel.topic}" are bytes, to which "${member}" cannot be added: use an object`)
  return { ...params, [member]: value }
}

/** Tells each extension its part of a join's reply, when all parts are taken out. */
function tell(extensions: Map<string, Extension>, response: any): void {
  const parts = [...extensions].map(([member, extension]) => {
    const told: unknown = response?.[member]
    if (told !== undefined) delete response[member]
    return { extension, told }
  })
  for (const { extension, told } of parts) extension.joined(told, response)
}
