import { Presence } from "@roost-dev/client"
import type { Announcer } from "./announcer.js"
import type { Me } from "./annotation_list.js"
import type { Mute, User, Viewer } from "./contract.js"
import { type Conversation, explain } from "./conversation.js"
import { confirmed } from "./dialog.js"
import { button, byId, element } from "./dom.js"
import { avatar } from "./people.js"

interface Person {
  id: number
  name: string
  pages: number
  typing: boolean
}

/** Who is watching, on how many pages each, and who is writing; for the video's owner, whom he has muted, and what to do about it. */
export class ViewerList {
  private readonly list = byId("viewers")
  private readonly number = byId("viewer-count")
  private readonly typing = document.querySelectorAll<HTMLElement>(".typing")
  private readonly presence: Presence<Viewer>
  private muted = new Map<number, string>() // names by id

  constructor(
    private readonly me: Me,
    private readonly ownerId: number,
    private readonly conversation: Conversation,
    private readonly announcer: Announcer,
  ) {
    this.presence = new Presence(conversation.channel)
    this.presence.onSync(() => this.show())
  }

  /** Sets whom the owner has muted. */
  setMuted(viewers: User[]): void {
    this.muted = new Map(viewers.map(({ id, name }) => [id, name]))
    this.show()
  }

  /** Notes that somebody is muted, or not any more. */
  mute({ user, muted }: Mute): void {
    if (muted) this.muted.set(user.id, user.name)
    else this.muted.delete(user.id)
    this.show()
  }

  private show(): void {
    const here = this.presence.list((key, { metas }): Person => ({
      id: Number(key),
      name: metas[0]?.name ?? "",
      pages: metas.length,
      typing: metas.some(({ typing }) => typing),
    }))
    const away = [...this.muted].filter(([id]) => !here.some((person) => person.id === id))
    const all = [...here, ...away.map(([id, name]): Person => ({ id, name, pages: 0, typing: false }))]
    all.sort((a, b) => Number(b.id === this.me.id) - Number(a.id === this.me.id) || a.name.localeCompare(b.name) || a.id - b.id)
    const focused = this.list.contains(document.activeElement) && document.activeElement?.closest<HTMLElement>("li")?.dataset.userId
    this.list.replaceChildren(...all.map((person) => this.row(person)))
    if (focused) this.list.querySelector<HTMLElement>(`[data-user-id="${focused}"] button`)?.focus()
    this.number.textContent = String(here.length)
    this.showTyping(here.filter(({ id, typing }) => typing && id !== this.me.id))
  }

  private showTyping(writing: Person[]): void {
    const [first, second, ...others] = writing.map(({ name }) => name)
    let text = ""
    if (first) text = `${first} is writing…`
    if (second) text = others.length > 0 ? `${first}, ${second} and others are writing…` : `${first} and ${second} are writing…`
    for (const line of this.typing) line.textContent = text
  }

  private row({ id, name, pages, typing }: Person): HTMLLIElement {
    const row = element("li", typing ? "writes" : "")
    row.dataset.userId = String(id)
    row.dataset.sessions = String(pages)
    row.dataset.testid = "viewer"
    row.append(avatar(id, name), element("span", "name", id === this.me.id ? `${name} (you)` : name))
    if (pages > 1) {
      const times = element("span", "times", `×${pages}`)
      times.title = `on ${pages} pages`
      row.append(times)
    }
    if (typing) row.append(element("span", "for-ears", "is writing"))
    if (id === this.ownerId) row.append(element("span", "role", "owner"))
    if (this.muted.has(id)) row.append(element("span", "role", pages > 0 ? "muted" : "muted, away"))
    if (this.me.isOwner && id !== this.me.id) row.append(...this.tools(id, name, pages > 0))
    return row
  }

  private tools(id: number, name: string, here: boolean): HTMLElement[] {
    const muted = this.muted.has(id)
    const mute = () => void this.moderate(async () => this.mute(await this.conversation.send("mute_viewer", { user_id: id, muted: !muted })))
    const kick = () =>
      void this.moderate(async () => {
        if (!(await confirmed(`Send ${name} away from this video?`, "Send away"))) return
        await this.conversation.send("kick_viewer", { user_id: id })
      })
    const buttons = [button(`${muted ? "Unmute" : "Mute"} ${name}`, mute, muted ? "unmute" : "mute")]
    if (here) buttons.push(button(`Send ${name} away`, kick, "kick"))
    return buttons
  }

  private async moderate(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.announcer.alert(explain(error))
    }
  }
}
