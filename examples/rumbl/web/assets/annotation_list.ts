import { type Actions, annotationRow } from "./annotation_row.js"
import type { Announcer } from "./announcer.js"
import type { Annotation, Page, RemovedAnnotation } from "./contract.js"
import { type Conversation, explain } from "./conversation.js"
import { confirmed } from "./dialog.js"
import { byId, element } from "./dom.js"
import { Pending } from "./pending.js"
import { clock } from "./people.js"
import type { Player } from "./player.js"
import type { Timeline } from "./timeline.js"
import { calm, scrollWithin, Unread } from "./unread.js"

const SHOWN_FOR = 5000 // milliseconds of the video
const GLIDE = 200 // milliseconds

/** The visitor of the page. */
export interface Me {
  id: number
  name: string
  /** Of the video. */
  isOwner: boolean
}

interface Item {
  at: number
  row: HTMLElement
  annotation?: Annotation // one of the two
  pending?: Pending<Annotation>
}

/**
 * The annotations of a video: a list by time, and a caption over the video while it passes them. Each is shown once, in its
 * latest form, whatever comes in which order.
 */
export class AnnotationList {
  private readonly revisions = new Map<number, number>() // of all that is known, also of what was removed
  private readonly items: Item[] = [] // by time; at the same time, in the order in which they came
  private readonly byId = new Map<number, Item>() // those that are not pending
  private readonly list = byId("annotations")
  private readonly empty = byId("annotations-empty")
  private readonly number = byId("annotation-count")
  private readonly caption = byId("caption")
  private readonly unread = new Unread(this.list, byId<HTMLButtonElement>("annotations-new"), byId("annotations-badge"))
  private captioned: Item | undefined

  constructor(
    private readonly me: Me,
    private readonly maxBody: number,
    private readonly player: Player,
    private readonly timeline: Timeline,
    private readonly conversation: Conversation,
    private readonly announcer: Announcer,
  ) {
    player.onChange(() => this.follow())
  }

  /** Shows what has changed since another page, or how the annotations begin, in place of all but what is pending. */
  show({ annotations, removed }: Page, first: boolean): void {
    if (first) this.clear()
    for (const annotation of annotations) this.put(annotation)
    for (const gone of removed) this.take(gone)
    this.list.removeAttribute("aria-busy")
    this.empty.textContent = "Nothing yet. Play the video, and be the first to say something."
    this.changed()
  }

  /** Shows an annotation that is new, or was changed. */
  add(annotation: Annotation): void {
    const known = this.byId.has(annotation.id)
    const item = this.put(annotation)
    this.changed()
    if (!item || known || annotation.user.id === this.me.id) return
    this.unread.add(item.row)
    this.announcer.came("annotation")
  }

  /** Takes away an annotation that was removed. */
  remove(removed: RemovedAnnotation): void {
    this.take(removed)
    this.changed()
  }

  /** Writes an annotation: it is shown at once, and kept by the server as soon as that can be reached. */
  write(at: number, body: string): void {
    const attempt = () => this.conversation.send("new_annotation", { at, body })
    const pending = new Pending<Annotation>(this.me, body, attempt, (annotation) => this.add(annotation))
    const item = { at, row: pending.row, pending }
    pending.row.prepend(element("span", "time", clock(at)))
    pending.onUncertain = () => this.changed()
    pending.onDiscard = () => {
      this.takeAway(item)
      this.changed()
    }
    this.insert(item)
    this.changed()
    scrollWithin(this.list, pending.row)
  }

  /** Says why there is nothing. */
  failed(why: string): void {
    this.list.removeAttribute("aria-busy")
    this.empty.textContent = why
  }

  /** Puts an annotation into the list as it is now; undefined if something later is known of it. */
  private put(annotation: Annotation): Item | undefined {
    if (!this.isNews(annotation)) return undefined
    const { id, at, user } = annotation
    const known = this.byId.get(id)
    const item = { at, annotation, row: annotationRow(annotation, user.id === this.me.id, this.maxBody, this.actions(annotation)) }
    this.byId.set(id, item)
    this.timeline.add(id, at, user.id)
    if (known) {
      this.replace(known, item)
    } else {
      this.insert(item)
    }
    return item
  }

  private take(removed: RemovedAnnotation): void {
    if (this.isNews(removed)) this.drop(removed.id)
  }

  private drop(id: number): void {
    const item = this.byId.get(id)
    if (!item) return
    this.byId.delete(id)
    this.timeline.remove(id)
    this.takeAway(item)
  }

  private clear(): void {
    for (const id of [...this.byId.keys()]) this.drop(id)
    this.revisions.clear()
  }

  private isNews({ id, revision }: RemovedAnnotation): boolean {
    if ((this.revisions.get(id) ?? 0) >= revision) return false
    this.revisions.set(id, revision)
    return true
  }

  private actions({ id, at, user, body }: Annotation): Actions {
    const mine = user.id === this.me.id
    return {
      seek: () => this.player.seek(at),
      edit: mine ? (text) => void this.change(id, async () => this.add(await this.conversation.send("edit_annotation", { id, body: text }))) : undefined,
      remove: mine || this.me.isOwner ? () => void this.askToRemove(id, body) : undefined,
    }
  }

  private async askToRemove(id: number, body: string): Promise<void> {
    if (!(await confirmed(`Delete “${body}”?`, "Delete"))) return
    await this.change(id, async () => this.remove(await this.conversation.send("remove_annotation", { id })))
  }

  private async change(id: number, action: () => Promise<void>): Promise<void> {
    const row = this.byId.get(id)?.row
    row?.setAttribute("aria-busy", "true")
    try {
      await action()
    } catch (error) {
      this.announcer.alert(explain(error))
    }
    row?.removeAttribute("aria-busy")
  }

  private insert(item: Item): void {
    let i = this.items.length
    while (i > 0 && item.at < this.items[i - 1]!.at) i--
    this.list.insertBefore(item.row, this.items[i]?.row ?? null)
    this.items.splice(i, 0, item)
    this.moved(i + 1, -item.row.offsetHeight)
  }

  private replace(known: Item, item: Item): void {
    this.items[this.items.indexOf(known)] = item
    const focused = known.row.contains(document.activeElement)
    known.row.replaceWith(item.row)
    if (focused) item.row.focus()
  }

  private takeAway(item: Item): void {
    const i = this.items.indexOf(item)
    if (i < 0) return
    const { row } = item
    const height = row.offsetHeight
    if (row.contains(document.activeElement)) (this.items[i + 1]?.row ?? this.list).focus()
    row.remove()
    this.unread.forget(row)
    this.items.splice(i, 1)
    this.moved(i, height)
  }

  /** Has the rows from the nth on glide to their new place, from where they were. */
  private moved(n: number, from: number): void {
    if (calm() || this.list.offsetHeight === 0 || this.list.ariaBusy) return
    for (const { row } of this.items.slice(n)) row.animate([{ transform: `translateY(${from}px)` }, { transform: "none" }], GLIDE)
  }

  private changed(): void {
    this.dropKept()
    const count = this.items.length
    this.number.textContent = count > 0 ? String(count) : ""
    this.empty.hidden = count > 0
    this.timeline.follow()
    this.follow()
  }

  /** Takes away one's own text of which nobody knew whether it was kept, and which is here. */
  private dropKept(): void {
    for (const { at, pending } of [...this.items]) {
      if (!pending?.uncertain) continue
      const same = (a?: Annotation) => a?.user.id === this.me.id && a.at === at && a.body === pending.body
      if (this.items.some(({ annotation }) => same(annotation))) pending.discard()
    }
  }

  /** Shows what belongs to where the video is. */
  private follow(): void {
    const now = this.player.now()
    let latest: Item | undefined
    for (const item of this.items) {
      const current = item.at <= now && now < item.at + SHOWN_FOR
      item.row.classList.toggle("current", current)
      if (!item.annotation) continue
      this.timeline.highlight(item.annotation.id, current)
      if (current) latest = item
    }
    this.showCaption(latest)
  }

  private showCaption(item: Item | undefined): void {
    if (item?.annotation === this.captioned?.annotation) return
    this.captioned = item
    this.caption.hidden = !item
    if (!item?.annotation) return
    const { user, body } = item.annotation
    this.caption.replaceChildren(element("strong", "", user.name), " ", body)
    // Unless somebody is busy in the list.
    if (!this.list.matches(":hover, :focus-within")) scrollWithin(this.list, item.row)
  }
}
