// The page of the guide: what of it the compiler refuses is marked.

import { Presence, PushError, Socket } from "@roost-dev/client"
import { rooms } from "./contract.js"

const socket = new Socket("/socket", { params: { name: "Ada" } })
const room = rooms(socket, { id: 42 })

room.on("said", ({ by, text }) => console.log(`${by}: ${text}`))
const viewers = new Presence(room)
viewers.onSync(() => console.log(viewers.list((_id, { metas }) => metas[0]!.name)))

socket.connect()
await room.join()
try {
  const { id } = await room.push("say", { text: "hello" })
  console.log(`kept as ${id}`)
} catch (error) {
  if (error instanceof PushError) console.log(`refused: ${error.reason}`)
}
room.push("typing", { on: true })

// @ts-expect-error there is no such event
room.push("shout", { text: "hello" })
// @ts-expect-error the text is missing
room.push("say", {})
// @ts-expect-error nobody replies
await room.push("typing", { on: false })
