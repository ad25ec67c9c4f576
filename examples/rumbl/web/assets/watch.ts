// The script of the page on which a video is watched.

import { AnnotationList, type Me } from "./annotation_list.js"
import { Announcer } from "./announcer.js"
import { Chat } from "./chat.js"
import { Composer } from "./composer.js"
import { ConnectionBanner } from "./connection_banner.js"
import type { Joined } from "./contract.js"
import { Conversation } from "./conversation.js"
import { byId } from "./dom.js"
import { clock } from "./people.js"
import { openPlayer } from "./player.js"
import { openTabs } from "./tabs.js"
import { Timeline } from "./timeline.js"
import { ViewerList } from "./viewer_list.js"

const page = byId("watch").dataset
const ownerId = Number(page.ownerId)
const me: Me = { id: Number(page.userId), name: page.userName!, isOwner: page.ownerId === page.userId }
const maxBody = Number(page.maxBody)

openTabs()
const announcer = new Announcer()
const player = openPlayer(page.sourceKind!, page.sourceRef!)
const conversation = new Conversation(page.socketUrl!, page.socketToken!, page.videoId!, { joined, page: (part, first) => annotations.show(part, first), refused, ended })
const { channel } = conversation
const banner = new ConnectionBanner(conversation)
const annotations = new AnnotationList(me, maxBody, player, new Timeline(player), conversation, announcer)
const chat = new Chat(me, conversation, announcer)
const viewers = new ViewerList(me, ownerId, conversation, announcer)
const typing = () => conversation.typing()
const composers = [new Composer("annotation-form", annotate, typing), new Composer("message-form", (text) => chat.say(text), typing)]

// An annotation is about the moment at which one began to write it.
let begunAt: number | null = null // null: nothing is written yet
const annotation = composers[0]!.input
const annotateAt = byId("annotation-at")
annotation.addEventListener("input", () => {
  if (annotation.value === "") begunAt = null
  else begunAt ??= player.now()
  showTime()
})
player.onChange(showTime)
showTime()

channel.on("annotation_added", (added) => annotations.add(added))
channel.on("annotation_edited", (edited) => annotations.add(edited))
channel.on("annotation_removed", (removed) => annotations.remove(removed))
channel.on("message_added", (message) => chat.add(message))
channel.on("viewer_muted", (mute) => {
  if (mute.user.id === me.id) showMuted(mute.muted)
  else viewers.mute(mute)
})
conversation.start()

function joined(reply: Joined): void {
  banner.online(reply.node)
  showMuted(reply.muted)
  if (me.isOwner) viewers.setMuted(reply.muted_viewers ?? [])
  if (!reply.resumed) chat.reset(reply.messages)
}

function refused(reason: string): void {
  if (reason !== "not found") annotations.failed("The annotations cannot be loaded at the moment. Trying again…")
}

function ended(reason: string): void {
  const notice = byId("ended")
  if (!notice.hidden) return
  const [title, text] = {
    "not found": ["This video is gone", "Its owner has deleted it, with all annotations."],
    "kicked by the owner": ["You were sent away", "The owner of this video has ended your visit. You no longer see what others write here."],
  }[reason] ?? ["That was it", "The server has ended this conversation. Load the page anew to come back."]
  byId("ended-title").textContent = title!
  byId("ended-text").textContent = text!
  notice.hidden = false
  banner.close()
  for (const composer of composers) composer.close()
  byId("watch").classList.add("over")
  notice.focus()
}

function showMuted(muted: boolean): void {
  byId("muted").hidden = !muted
}

function annotate(text: string): void {
  annotations.write(begunAt ?? player.now(), text)
  begunAt = null
}

function showTime(): void {
  annotateAt.textContent = clock(begunAt ?? player.now())
}
