/** One message of the protocol (spec/protocol.md §6). */
export interface Message {
  /** Identity of the join this message belongs to; null on broadcasts. */
  join_ref: string | null
  /** What a reply answers to, or an event's position in its topic's history (spec/protocol.md §20); null if there is neither. */
  ref: string | null
  topic: string
  event: string
  /** JSON, or bytes: an ArrayBuffer or a view of one when sent, an ArrayBuffer when decoded. */
  payload: unknown
  /** The mark of a push of bytes, by an Outbox; others have theirs in the payload (spec/protocol.md §21). */
  mark?: string
}

/** A message to be sent. A ref that is missing goes as null. */
export type OutgoingMessage = Omit<Message, "join_ref" | "ref"> & Partial<Message>

/** Turns a message into a frame, whatever the transport sends, and hands it to the callback, at once or later. */
export type Encode = (message: OutgoingMessage, callback: (frame: any) => void) => void

/** Turns a frame, whatever the transport gives, into a Message and hands it to the callback, at once or later. */
export type Decode = (frame: any, callback: (message: any) => void) => void

const KIND = { push: 0, reply: 1, broadcast: 2, keptBroadcast: 5, keptPush: 6, markedPush: 7 } as const
const MAX_FIELD_BYTES = 255

/** Version 2.0.0 of the wire: JSON arrays as text, and binary frames for payloads of bytes. */
export const Serializer = {
  /** Returns what the callback returns. Throws if a binary message's ref, topic or event is longer than 255 bytes. */
  encode<T>(message: OutgoingMessage, callback: (frame: string | ArrayBuffer) => T): T {
    const bytes = asBytes(message.payload)
    if (bytes) return callback(encodeBinary(message, bytes))
    const { join_ref, ref, topic, event, payload } = message
    return callback(JSON.stringify([join_ref, ref, topic, event, payload]))
  },

  /** Returns what the callback returns. Throws if the frame isn't one of the protocol. */
  decode<T>(frame: string | ArrayBuffer | ArrayBufferView, callback: (message: Message) => T): T {
    const bytes = asBytes(frame)
    if (bytes) return callback(decodeBinary(bytes))
    if (typeof frame !== "string") throw new Error("cannot decode a frame that is neither text nor an ArrayBuffer: set binaryType to \"arraybuffer\"")
    const fields: unknown = JSON.parse(frame)
    if (!Array.isArray(fields)) throw new Error("cannot decode a text frame that is not a JSON array")
    const [join_ref, ref, topic, event, payload] = fields
    return callback({ join_ref, ref, topic, event, payload })
  },
}

/** The bytes of an ArrayBuffer, also of another realm such as a frame, or of a view; undefined for all else. */
export function asBytes(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]") return new Uint8Array(value as ArrayBuffer)
  return undefined
}

/** The message with its bytes, if it brings any, as a Uint8Array. */
export function withUint8Array(message: Message): Message {
  const { payload } = message
  const response = asBytes((payload as { response?: unknown } | null)?.response)
  return { ...message, payload: response ? { ...(payload as object), response } : (asBytes(payload) ?? payload) }
}

/** Binary frames: spec/protocol.md §7. A ref that is null or missing goes as an empty one. */
function encodeBinary(message: OutgoingMessage, payload: Uint8Array): ArrayBuffer {
  const fields = [
    encodeField("join_ref", message.join_ref ?? ""),
    encodeField("ref", message.ref ?? ""),
    encodeField("topic", message.topic),
    encodeField("event", message.event),
  ]
  if (message.mark !== undefined) fields.push(encodeField("mark", message.mark))
  const head = 1 + fields.length + fields.reduce((size, field) => size + field.length, 0)
  const frame = new Uint8Array(head + payload.length)
  frame[0] = message.mark === undefined ? KIND.push : KIND.markedPush
  frame.set(fields.map((field) => field.length), 1)
  let offset = 1 + fields.length
  for (const field of fields) {
    frame.set(field, offset)
    offset += field.length
  }
  frame.set(payload, head)
  return frame.buffer
}

function encodeField(name: string, value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value)
  if (bytes.length > MAX_FIELD_BYTES) {
    throw new Error(`unable to convert ${name} to binary: must be less than or equal to ${MAX_FIELD_BYTES} bytes, but is ${bytes.length} bytes`)
  }
  return bytes
}

function decodeBinary(bytes: Uint8Array): Message {
  switch (bytes[0]) {
    case KIND.push: {
      const { fields: [join_ref, topic, event], payload } = split(bytes, 3)
      return { join_ref: join_ref!, ref: null, topic: topic!, event: event!, payload }
    }
    case KIND.reply: {
      const { fields: [join_ref, ref, topic, status], payload } = split(bytes, 4)
      return { join_ref: join_ref!, ref: ref!, topic: topic!, event: "phx_reply", payload: { status, response: payload } }
    }
    case KIND.broadcast: {
      const { fields: [topic, event], payload } = split(bytes, 2)
      return { join_ref: null, ref: null, topic: topic!, event: event!, payload }
    }
    case KIND.keptBroadcast: {
      const { fields: [position, topic, event], payload } = split(bytes, 3)
      return { join_ref: null, ref: position!, topic: topic!, event: event!, payload }
    }
    case KIND.keptPush: {
      const { fields: [join_ref, position, topic, event], payload } = split(bytes, 4)
      return { join_ref: join_ref!, ref: position!, topic: topic!, event: event!, payload }
    }
    default:
      throw new Error(`cannot decode a binary frame of kind ${bytes[0]}: known are 0 (push), 1 (reply), 2 (broadcast), 5 (kept broadcast) and 6 (kept push)`)
  }
}

/** Splits a binary frame into its `count` text fields and its payload, a copy of its own. */
function split(bytes: Uint8Array, count: number): { fields: string[]; payload: ArrayBuffer } {
  const sizes = [...bytes.subarray(1, 1 + count)]
  let offset = 1 + count
  if (sizes.length < count || bytes.length < sizes.reduce((sum, size) => sum + size, offset)) {
    throw new Error(`cannot decode a binary frame of ${bytes.length} bytes: it is shorter than its header says`)
  }
  const decoder = new TextDecoder()
  const fields = sizes.map((size) => decoder.decode(bytes.subarray(offset, (offset += size))))
  return { fields, payload: bytes.slice(offset).buffer as ArrayBuffer }
}
