import { Socket } from "@roost-dev/client"

export function openSocket(userId: number): Socket {
  let token = document.querySelector<HTMLMetaElement>('meta[name="socket-token"]')!.content
  const socket = new Socket("/socket", { authToken: () => token }) // asked again at each reconnect

  const account = socket.channel(`account:${userId}`)
  account.on<{ text: string }>("notice", ({ text }) => console.log(text))
  account.join().receive<{ reason: string }>("error", ({ reason }) => console.log("not let in:", reason))

  // A token lives for ten minutes. A page that is open for longer has another one in time for its next reconnect.
  const renew = async () => {
    const answer = await fetch("/socket-token")
    if (answer.status === 401) location.assign("/login")
    if (!answer.ok) return
    token = await answer.text()
    if (account.isJoined()) account.push("renew", { token }) // see "Sockets that live for long"
  }
  setInterval(renew, 5 * 60_000)
  socket.onError(renew) // perhaps it was refused

  socket.connect()
  return socket
}

export function openSocketByCookie(csrfToken: string): Socket {
  const socket = new Socket("/socket", { params: { _csrf_token: csrfToken } })
  socket.connect()
  return socket
}
