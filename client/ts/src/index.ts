export { Channel, type ChannelState, type EventCallback, type JoinParams } from "./channel.js"
export type { Contract, NoReply, Untyped } from "./contract.js"
export { LongPoll } from "./longpoll.js"
export { Outbox, type OutboxOptions } from "./outbox.js"
export type { Params } from "./params.js"
export type { SessionStorage } from "./platform.js"
export {
  Presence,
  type OnJoin,
  type OnLeave,
  type OnUpdate,
  type PresenceDiff,
  type PresenceEntry,
  type PresenceMeta,
  type PresenceOptions,
  type PresenceState,
} from "./presence.js"
export { Push, PushError, type PushOptions, type UnansweredPush } from "./push.js"
export { Recovery, type RecoveryOptions } from "./recovery.js"
export { Serializer, type Decode, type Encode, type Message } from "./serializer.js"
export { Socket, type ErrorCallback, type Logger, type SocketOptions } from "./socket.js"
export type { CloseInfo, Transport, TransportConstructor } from "./transport.js"
