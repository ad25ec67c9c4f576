import { Outbox, Recovery, type Socket } from "@roost-dev/client"

interface Annotation {
  id: number
  body: string
}

/** Shows a video's annotations. What show is given again it knows by its id. */
export function follow(socket: Socket, id: string, show: (annotations: Annotation[]) => void): Outbox {
  const video = socket.channel(`videos:${id}`)
  new Recovery(video) // before the join
  const outbox = new Outbox(video)

  video.on<Annotation>("annotated", (annotation) => show([annotation]))
  video.join().receive<{ snapshot?: Annotation[] }>("ok", ({ snapshot = [] }) => {
    show(snapshot) // at first, and if more was missed than the server kept; else what was missed follows
  })
  return outbox
}

export function buy(outbox: Outbox, item: number): void {
  outbox
    .push("buy", { item })
    .receive<{ order: string }>("ok", ({ order }) => console.log("bought:", order))
    .receive<{ reason: string }>("error", ({ reason }) => console.log("not bought, or who knows:", reason))
}
