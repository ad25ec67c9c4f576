import type { Announcer } from "./announcer.js"
import type { Me } from "./annotation_list.js"
import type { Message } from "./contract.js"
import type { Conversation } from "./conversation.js"
import { byId, element } from "./dom.js"
import { Pending } from "./pending.js"
import { avatar } from "./people.js"
import { Unread } from "./unread.js"

const NEAR_END = 40 // pixels: who is so near to the end of the list wants to stay there

const time = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" })

/** What the viewers say to each other, the newest at the end. */
export class Chat {
  private readonly messages = new Map<number, Message>() // by id, the newest last
  private readonly list = byId("messages")
  private readonly empty = byId("messages-empty")
  private follows = true // the end of the list, since its reader is there
  private readonly unread = new Unread(this.list, byId<HTMLButtonElement>("messages-new"), byId("chat-badge"))

  constructor(
    private readonly me: Me,
    private readonly conversation: Conversation,
    private readonly announcer: Announcer,
  ) {
    this.list.addEventListener("scroll", () => (this.follows = this.atEnd()), { passive: true })
    // The list also becomes visible, where there are tabs.
    new ResizeObserver(() => this.follows && this.toEnd()).observe(this.list)
  }

  /** Shows what was said last in place of all that is shown, but for what is still on its way. */
  reset(messages: Message[]): void {
    for (const row of this.list.querySelectorAll("[data-id]")) row.remove()
    this.messages.clear()
    const pending = this.list.firstElementChild
    for (const message of messages) this.insert(message, pending)
    this.list.removeAttribute("aria-busy")
    this.empty.textContent = "Nobody has said anything yet."
    this.toEnd()
  }

  /** Shows what somebody says. */
  add(message: Message): void {
    if (this.messages.has(message.id)) return
    const row = this.insert(message)
    if (this.follows || message.user.id === this.me.id) this.toEnd()
    if (message.user.id === this.me.id) return
    this.unread.add(row)
    this.announcer.came("message")
  }

  /** Says something. */
  say(body: string): void {
    const attempt = () => this.conversation.send("new_message", { body })
    const pending = new Pending<Message>(this.me, body, attempt, (message) => this.add(message))
    const before = Math.max(0, ...this.messages.keys())
    const isIt = (said: Message) => said.id > before && said.user.id === this.me.id && said.body === body
    pending.onUncertain = () => {
      if ([...this.messages.values()].some(isIt)) pending.discard()
    }
    pending.onDiscard = () => pending.row.remove()
    this.list.append(pending.row)
    this.empty.hidden = true
    this.toEnd()
  }

  private insert(message: Message, before: Element | null = null): HTMLElement {
    const { id, user, body, sent_at, muted } = message
    const row = element("li")
    row.dataset.id = String(id)
    row.dataset.testid = "message"
    row.tabIndex = -1
    const sent = element("time", "sent", time.format(sent_at))
    sent.dateTime = new Date(sent_at).toISOString()
    const mine = user.id === this.me.id
    const name = element("span", "name", mine ? `${user.name} (you)` : user.name)
    if (muted) name.append(" ", element("small", "muted", mine ? "hidden from others" : "muted"))
    const text = element("p", "body", body)
    text.dataset.testid = "message-text"
    row.append(avatar(user.id, user.name), name, sent, text)
    this.messages.set(id, message)
    this.list.insertBefore(row, before)
    this.empty.hidden = true
    return row
  }

  private atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.list
    return scrollHeight - scrollTop - clientHeight < NEAR_END
  }

  private toEnd(): void {
    this.list.scrollTop = this.list.scrollHeight
  }
}
