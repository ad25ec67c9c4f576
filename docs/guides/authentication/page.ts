import { Socket } from "@roost-dev/client"

async function fetchToken(): Promise<string> {
  const answer = await fetch("/socket-token")
  if (answer.status === 401) location.assign("/login")
  if (!answer.ok) throw new Error(`no token: ${answer.status}`)
  return answer.text()
}

export async function openSocket(userId: number): Promise<Socket> {
  const socket = new Socket("/socket", { authToken: fetchToken }) // asked at each connect and reconnect
  socket.connect()

  const account = socket.channel(`account:${userId}`)
  account.on<{ text: string }>("notice", ({ text }) => console.log(text))
  await account.join() // throws a PushError if it is refused

  setInterval(async () => {
    if (account.isJoined()) account.push("renew", { token: await fetchToken() })
  }, 5 * 60_000)
  return socket
}

export function openSocketByCookie(csrfToken: string): Socket {
  const socket = new Socket("/socket", { params: { _csrf_token: csrfToken } })
  socket.connect()
  return socket
}
