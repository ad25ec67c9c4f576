import type { SocketOptions } from "./fallback-socket.js"
import type { OnJoin, OnLeave, PresenceOptions } from "./presence.js"

// The names that `@types/phoenix` has beside those of the classes, so that an application may replace its import alone. Of
// its classes Ajax and Timer there is nothing: phoenix.js has them for itself and does not export them.

/** The options of a Socket, all of them: `Partial<SocketConnectOption>` is what a Socket takes. */
export type SocketConnectOption = Required<Omit<SocketOptions, "jitter" | "uint8Arrays" | "upgradeAfterMs">>

/** What a Presence takes. */
export type PresenceOpts = PresenceOptions

/** What `Presence.onJoin` takes. */
export type PresenceOnJoinCallback = OnJoin

/** What `Presence.onLeave` takes. */
export type PresenceOnLeaveCallback = OnLeave

/** What names a callback for `Socket.off`, and a message: what `Socket.makeRef` gives. */
export type MessageRef = string

/** The statuses of which a Push tells, unless the server has others. */
export type PushStatus = "ok" | "error" | "timeout"

/** Where a Socket's connection is in its life. */
export type ConnectionState = "connecting" | "open" | "closing" | "closed"

/** The types of binary frames that browsers know. */
export type BinaryType = "arraybuffer" | "blob"
