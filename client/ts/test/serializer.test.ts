import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { Serializer, type Message } from "../src/index.js"

const bytes = (...parts: (string | number)[]): ArrayBuffer => {
  const list = parts.flatMap((part) => (typeof part === "number" ? [part] : [...new TextEncoder().encode(part)]))
  return new Uint8Array(list).buffer
}
const encode = (message: Partial<Message>) =>
  Serializer.encode({ join_ref: "12", ref: "123", topic: "topic", event: "event", payload: {}, ...message }, (frame) => frame)
const decode = (frame: string | ArrayBuffer | Uint8Array) => Serializer.decode(frame, (message) => message)
const data = bytes(101, 102, 103)

interface Vector extends Omit<Message, "payload"> {
  name: string
  /** In hex, as is the data. */
  frame: string
  status?: string
  data: string
}
const vectors: Record<"client" | "server" | "malformed", Vector[]> = JSON.parse(
  readFileSync(new URL("../../../../spec/binary_vectors.json", import.meta.url), "utf8"),
)
const unhex = (hex: string): ArrayBuffer => new Uint8Array(Buffer.from(hex, "hex")).buffer

test("a message is a JSON array of join_ref, ref, topic, event and payload", () => {
  assert.equal(encode({ payload: { a: [1, null] } }), '["12","123","topic","event",{"a":[1,null]}]')
  assert.equal(encode({ join_ref: null, payload: "any JSON" }), '[null,"123","topic","event","any JSON"]')
})

test("a JSON array is a message, whatever follows its fifth element", () => {
  assert.deepEqual(decode('["1",null,"t","e",{"a":1},"more"]'), { join_ref: "1", ref: null, topic: "t", event: "e", payload: { a: 1 } })
})

test("bytes are pushed in a binary frame: the vectors that the server is held to as well", () => {
  assert.ok(vectors.client.length > 0)
  assert.ok(vectors.client.some(({ mark }) => mark))
  for (const { name, frame, join_ref, ref, topic, event, mark, data } of vectors.client) {
    assert.deepEqual(encode({ join_ref, ref, topic, event, payload: unhex(data), ...(mark ? { mark } : {}) }), unhex(frame), name)
  }
})

test("a view pushes just the bytes that it shows", () => {
  const whole = bytes(9, 101, 102, 103, 9)
  const frame = encode({ payload: data })
  assert.deepEqual(encode({ payload: new Uint8Array(whole, 1, 3) }), frame)
  assert.deepEqual(encode({ payload: new DataView(whole, 1, 3) }), frame)
  assert.deepEqual(encode({ payload: Buffer.from(data) }), frame)
})

test("binary fields are measured in bytes of UTF-8", () => {
  const frame = bytes(0, 1, 1, 3, 2, "0", "1", "€", "é", 1)
  assert.deepEqual(encode({ join_ref: "0", ref: "1", topic: "€", event: "é", payload: bytes(1) }), frame)
})

test("a null ref is an empty field of a binary frame", () => {
  assert.deepEqual(encode({ join_ref: null, ref: null, topic: "t", event: "e", payload: bytes() }), bytes(0, 0, 0, 1, 1, "t", "e"))
})

test("a binary field of 256 bytes is refused by name, one of 255 passes", () => {
  for (const field of ["join_ref", "ref", "topic", "event"]) {
    assert.throws(() => encode({ [field]: "é".repeat(128), payload: data }), {
      message: `unable to convert ${field} to binary: must be less than or equal to 255 bytes, but is 256 bytes`,
    })
    assert.doesNotThrow(() => encode({ [field]: "x".repeat(255), payload: data }))
  }
})

test("binary frames of the server: the vectors that the server is held to as well", () => {
  assert.ok(vectors.server.length > 0)
  for (const { name, frame, join_ref, ref, topic, event, status, data } of vectors.server) {
    const payload = status === undefined ? unhex(data) : { status, response: unhex(data) }
    assert.deepEqual(decode(unhex(frame)), { join_ref, ref, topic, event, payload }, name)
    assert.deepEqual(decode(new Uint8Array(unhex(frame))), { join_ref, ref, topic, event, payload }, `${name} in a view`)
  }
})

test("a payload may be empty", () => {
  assert.deepEqual(decode(bytes(2, 1, 1, "t", "e")).payload, bytes())
})

test("a frame that is none of the protocol is an error that says why", () => {
  assert.throws(() => decode(bytes(7, 1)), /kind 7: known are 0 \(push\), 1 \(reply\), 2 \(broadcast\), 5 \(kept broadcast\) and 6 \(kept push\)/)
  assert.ok(vectors.malformed.length > 0)
  for (const { name, frame } of vectors.malformed) {
    assert.throws(() => decode(unhex(frame)), /shorter than its header says|of kind (3|4|undefined): known are/, name)
  }
  for (const frame of ["{}", '"text"', "5", "null"]) assert.throws(() => decode(frame), /not a JSON array/)
  assert.throws(() => decode("[1,"), SyntaxError)
  assert.throws(() => decode({} as string), /set binaryType to "arraybuffer"/)
})
