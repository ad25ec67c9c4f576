import { Presence, PushError, Recovery, Socket } from "@roost-dev/client"

interface Text {
  by: string
  text: string
}

export function open(token: string, show: (text: Text) => void, showOnline: (names: string[]) => void): (text: string) => Promise<void> {
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

  return async (text) => {
    try {
      const { id } = await chat.push("chat message", { text }, 5000)
      console.log("stored as", id)
    } catch (error) {
      if (error instanceof PushError) console.log(error.status, error.reason) // "error", or "timeout"
    }
  }
}
