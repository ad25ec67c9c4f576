import type { Annotation } from "./contract.js"
import { avatar, clock } from "./people.js"
import type { Player } from "./player.js"

const SHOWN_FOR = 5000 // milliseconds of the video

interface Item {
  annotation: Annotation
  row: HTMLLIElement
  mark: HTMLElement
}

/**
 * The annotations of a video: a list by time, marks on a timeline, and a caption over the video while it passes them.
 * Each is shown once, however often it is added.
 */
export class AnnotationList {
  private readonly ids = new Set<number>()
  private readonly items: Item[] = [] // by time, then id
  private readonly list = document.querySelector<HTMLElement>("#annotations")!
  private readonly empty = document.querySelector<HTMLElement>("#annotations-empty")!
  private readonly number = document.querySelector<HTMLElement>("#annotation-count")!
  private readonly timeline = document.querySelector<HTMLElement>("#timeline")!
  private readonly caption = document.querySelector<HTMLElement>("#caption")!
  private readonly progress = document.createElement("span")
  private captioned: Item | undefined
  private length = 0

  constructor(
    private readonly player: Player,
    private readonly viewerId: number,
  ) {
    this.progress.className = "progress"
    this.timeline.append(this.progress)
    this.timeline.addEventListener("click", (event) => {
      const { left, width } = this.timeline.getBoundingClientRect()
      if (this.length > 0) player.seek(Math.round((this.length * (event.clientX - left)) / width))
    })
    player.onChange(() => this.follow())
  }

  /** Adds those that are not there yet. */
  add(annotations: Annotation[]): void {
    for (const annotation of annotations) {
      if (this.ids.has(annotation.id)) continue
      this.ids.add(annotation.id)
      this.insert(annotation)
    }
    this.number.textContent = this.items.length > 0 ? String(this.items.length) : ""
    this.empty.hidden = this.items.length > 0
    this.empty.textContent = "Nothing yet. Play the video, and be the first to say something."
    this.follow()
  }

  private insert(annotation: Annotation): void {
    const item = { annotation, row: this.row(annotation), mark: document.createElement("span") }
    let i = this.items.length
    while (i > 0 && isBefore(annotation, this.items[i - 1]!.annotation)) i--
    this.list.insertBefore(item.row, this.items[i]?.row ?? null)
    this.items.splice(i, 0, item)
    item.mark.className = `mark tint-${annotation.user.id % 6}`
    this.timeline.append(item.mark)
    this.place(item)
  }

  private row(annotation: Annotation): HTMLLIElement {
    const { id, at, user, body } = annotation
    const row = document.createElement("li")
    row.dataset.id = String(id)
    row.dataset.at = String(at)
    row.dataset.testid = "annotation"
    row.tabIndex = -1

    const time = document.createElement("button")
    time.type = "button"
    time.className = "time"
    time.textContent = clock(at)
    time.setAttribute("aria-label", `Go to ${clock(at)}`)
    time.addEventListener("click", () => this.player.seek(at))

    const name = document.createElement("span")
    name.className = "name"
    name.textContent = user.id === this.viewerId ? `${user.name} (you)` : user.name
    const text = document.createElement("p")
    text.className = "body"
    text.dataset.testid = "annotation-text"
    text.textContent = body

    row.append(time, avatar(user.id, user.name), name, text)
    return row
  }

  /** Shows what belongs to where the video is. */
  private follow(): void {
    const now = this.player.now()
    if (this.player.length() !== this.length) {
      this.length = this.player.length()
      for (const item of this.items) this.place(item)
    }
    this.progress.style.inlineSize = this.length > 0 ? `${(100 * now) / this.length}%` : "0"
    let latest: Item | undefined
    for (const item of this.items) {
      const { at } = item.annotation
      const current = at <= now && now < at + SHOWN_FOR
      item.row.classList.toggle("current", current)
      item.mark.classList.toggle("current", current)
      if (current) latest = item
    }
    this.showCaption(latest)
  }

  private showCaption(item: Item | undefined): void {
    if (item === this.captioned) return
    this.captioned = item
    this.caption.hidden = !item
    if (!item) return
    const { user, body } = item.annotation
    const name = document.createElement("strong")
    name.textContent = user.name
    this.caption.replaceChildren(name, " ", body)
    this.scrollTo(item.row)
  }

  /** Scrolls the list, and never the page, unless somebody is busy in the list. */
  private scrollTo(row: HTMLElement): void {
    if (this.list.matches(":hover, :focus-within")) return
    const top = row.offsetTop - this.list.offsetTop - (this.list.clientHeight - row.clientHeight) / 2
    this.list.scrollTo({ top, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" })
  }

  private place({ annotation, mark }: Item): void {
    mark.hidden = this.length === 0 || annotation.at > this.length
    if (!mark.hidden) mark.style.insetInlineStart = `${(100 * annotation.at) / this.length}%`
  }
}

function isBefore(a: Annotation, b: Annotation): boolean {
  return a.at < b.at || (a.at === b.at && a.id < b.id)
}
