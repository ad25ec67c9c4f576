import { Presence, type PresenceEntry, type Socket } from "@roost-dev/client"

interface Viewer {
  device: string
  since: number
  typing?: boolean
}

type User = PresenceEntry<Viewer> & { name: string } // from Fetch

export function enter(socket: Socket, id: string, show: (lines: string[]) => void, input: HTMLInputElement): void {
  const room = socket.channel(`room:${id}`, { device: "laptop" })

  const viewers = new Presence<Viewer, User>(room) // before the join
  viewers.onSync(() => {
    show(
      viewers.list((_user, { name, metas }) => {
        const typing = metas.some((meta) => meta.typing) ? " is typing" : ""
        return metas.length === 1 ? name + typing : `${name} ×${metas.length}${typing}`
      }),
    )
  })
  viewers.onJoin((_user, before, { name }) => {
    if (!before) console.log(`${name} came`)
  })
  viewers.onLeave((_user, { name, metas }) => {
    if (metas.length === 0) console.log(`${name} went`)
  })

  let told = 0
  input.addEventListener("input", () => {
    if (Date.now() - told < 1000) return // a word in a second will do
    told = Date.now()
    room.push("typing")
  })
  room.join()
}
