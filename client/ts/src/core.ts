/** What is most used, without long polling: `@roost-dev/client/core`. */
export { Channel, type ChannelState, type EventCallback, type JoinParams } from "./channel.js"
export type { Contract, NoReply, Untyped } from "./contract.js"
export type { Eventually, Params } from "./params.js"
export {
  Presence,
  type PresenceChannel,
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
export { Serializer, type Decode, type Encode, type Message, type OutgoingMessage } from "./serializer.js"
export { Socket } from "./socket.js"
export type { CloseCallback, ErrorCallback, Logger, SocketOptions } from "./socket-options.js"
export type { CloseInfo, Transport, TransportConstructor } from "./transport.js"
