import { Presence, Recovery, Socket } from "@roost-dev/client"

interface Text {
  by: string
  text: string
}

export function open(token: string, show: (text: Text) => void, showOnline: (names: string[]) => void): (text: string) => void {
  const socket = new Socket("/socket", { authToken: () => token, longPollFallbackMs: 2500 })
  socket.connect()
  socket.onOpen(() => console.log("connect"))
  socket.onClose(() => console.log("disconnect"))

  const chat = socket.channel("chat:general")
  new Recovery(chat) // what connectionStateRecovery did
  const online = new Presence(chat)
  online.onSync(() => showOnline(online.list((name) => name)))
  chat.on<Text>("chat message", show)
  chat
    .join()
    .receive("ok", () => console.log("joined, or joined again"))
    .receive<{ reason: string }>("error", ({ reason }) => console.log("connect_error:", reason))

  return (text) => {
    chat
      .push("chat message", { text }) // socket.timeout(5000).emit("chat message", text, (err, { id }) => ...)
      .receive<{ id: number }>("ok", ({ id }) => console.log("stored as", id))
      .receive<{ reason: string; field?: string }>("error", ({ reason, field }) => console.log(reason, field))
      .receive("timeout", () => console.log("no answer"))
  }
}
