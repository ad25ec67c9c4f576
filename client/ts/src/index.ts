export { Channel, type ChannelState, type EventCallback, type JoinParams } from "./channel.js"
export { Socket, type SocketOptions } from "./fallback-socket.js"
export { LongPoll } from "./longpoll.js"
export { Outbox, type OutboxOptions } from "./outbox.js"
export type { Eventually, Params } from "./params.js"
export type { SessionStorage } from "./platform.js"
export {
  Presence,
  type OnJoin,
  type OnLeave,
  type PresenceDiff,
  type PresenceEntry,
  type PresenceMeta,
  type PresenceOptions,
  type PresenceState,
} from "./presence.js"
export { Push } from "./push.js"
export { Recovery, type RecoveryOptions } from "./recovery.js"
export { Serializer, type Decode, type Encode, type Message } from "./serializer.js"
export type { ErrorCallback, Logger } from "./socket-options.js"
export type { CloseInfo, Transport, TransportConstructor } from "./transport.js"
