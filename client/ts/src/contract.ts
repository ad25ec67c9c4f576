/**
 * What is said on a channel, in types: `socket.channel<Videos>("videos:42", params)` then knows each event's payload and
 * reply. `in` is what the server takes and `out` what it sends, by the events' names. `roost contract` writes one for each
 * handler of a server.
 */
export interface Contract {
  /** The params of a join. */
  params: object
  /** What a join is answered with. */
  joined: unknown
  /** What may be pushed, and what is replied: NoReply for an event that is not answered. */
  in: { [event: string]: { payload: unknown; reply: unknown } }
  /** What comes from the server. */
  out: { [event: string]: unknown }
  /** What is tracked of each session in the topic's presence. */
  meta: object
}

/** The contract of a channel of which nothing is known: any event, with any payload and reply. */
export interface Untyped {
  params: any
  joined: any
  in: any
  out: any
  meta: any
}

declare const noReply: unique symbol

/** In a contract, the reply of an event that the server does not answer: a push of it cannot be awaited. */
export type NoReply = typeof noReply

/** The names of a contract's events. */
export type EventName<Events> = keyof Events & string

/** T, unless the caller has named another type, as in `channel.on<Annotation>("annotation_added", show)`. */
export type Named<Type, T> = [Type] extends [never] ? T : NoInfer<Type>
