// The script of the page on which a video is watched.

import { Outbox, Recovery, Socket } from "@roost-dev/client"
import { AnnotationForm } from "./annotation_form.js"
import { AnnotationList } from "./annotation_list.js"
import { ConnectionBanner } from "./connection_banner.js"
import type { Annotation, Joined, Page } from "./contract.js"
import { openPlayer } from "./player.js"
import { ViewerList } from "./viewer_list.js"

const page = document.querySelector<HTMLElement>("#watch")!.dataset
const viewerId = Number(page.userId)

const player = openPlayer(page.sourceKind!, page.sourceRef!)
const banner = new ConnectionBanner()
const annotations = new AnnotationList(player, viewerId)

// Up to where all changes are known: that of the last page. One that comes live does not count, since it may overtake
// another on its way; the next page brings it once more, and the list knows it.
let revision = 0
let more = false // there are others after it, and they are still to be asked for

const socket = new Socket(page.socketUrl!, { authToken: page.socketToken! })
const channel = socket.channel(`videos:${page.videoId}`, () => ({ revision }))

// After an interruption the server tells what was annotated meanwhile from the history of the video, and a join brings
// annotations only if that does not reach back so far.
new Recovery(channel)

// An annotation whose answer was lost with the connection is sent again, and kept once.
const outbox = new Outbox(channel)

function show(next: Page): void {
  annotations.add(next.annotations)
  revision = next.revision
  more = next.more
  if (more) channel.push("more_annotations", { revision }).receive("ok", show)
}

channel.on<Annotation>("annotation_added", (annotation) => annotations.add([annotation]))
new ViewerList(channel, viewerId)
const form = new AnnotationForm(player, outbox, (annotation) => annotations.add([annotation]))

socket.onClose(() => banner.offline())
socket.onError(() => banner.failed())
channel.onError(() => banner.offline())
channel
  .join()
  .receive<Joined>("ok", (joined) => {
    banner.online(joined.node)
    form.online()
    if (joined.resumed) show({ annotations: [], revision, more })
    else show({ ...joined, more: joined.more || more }) // the interruption may have come between two pages
  })
  .receive("error", () => banner.offline())
socket.connect()
