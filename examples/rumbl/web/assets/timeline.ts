import { byId, element } from "./dom.js"
import { clock } from "./people.js"
import type { Player } from "./player.js"

/** The track below the video: a slider to seek by, marks where there are annotations, and buttons that go from one to the next. */
export class Timeline {
  private readonly slider = byId<HTMLInputElement>("timeline")
  private readonly track = byId("marks")
  private readonly previous = byId<HTMLButtonElement>("previous")
  private readonly next = byId<HTMLButtonElement>("next")
  private readonly marks = new Map<number, { at: number; mark: HTMLElement }>()
  private length = 0

  constructor(private readonly player: Player) {
    this.slider.addEventListener("input", () => player.seek(Number(this.slider.value)))
    this.previous.addEventListener("click", () => this.go(this.before()))
    this.next.addEventListener("click", () => this.go(this.after()))
    player.onChange(() => this.follow())
    this.follow()
  }

  /** Marks an annotation. */
  add(id: number, at: number, userId: number): void {
    this.remove(id)
    const mark = element("span", `mark tint-${userId % 6}`)
    this.marks.set(id, { at, mark })
    this.track.append(mark)
    this.place(at, mark)
  }

  /** Takes a mark away. */
  remove(id: number): void {
    this.marks.get(id)?.mark.remove()
    this.marks.delete(id)
  }

  /** Makes the mark larger while the video is there. */
  highlight(id: number, current: boolean): void {
    this.marks.get(id)?.mark.classList.toggle("current", current)
  }

  /** To be told when marks were added or removed. */
  follow(): void {
    const now = this.player.now()
    if (this.player.length() !== this.length) {
      this.length = this.player.length()
      this.slider.max = String(this.length)
      for (const { at, mark } of this.marks.values()) this.place(at, mark)
    }
    this.slider.disabled = this.length === 0
    this.slider.value = String(now)
    this.slider.setAttribute("aria-valuetext", `${clock(now)} of ${clock(this.length)}`)
    this.slider.style.setProperty("--played", this.length > 0 ? `${(100 * now) / this.length}%` : "0%")
    this.previous.disabled = this.before() === undefined
    this.next.disabled = this.after() === undefined
  }

  private before(): number | undefined {
    const now = this.player.now() - 500 // so that one gets past the one at which the video is
    return max([...this.marks.values()].map(({ at }) => at).filter((at) => at < now))
  }

  private after(): number | undefined {
    const now = this.player.now()
    return max([...this.marks.values()].map(({ at }) => -at).filter((at) => -at > now && -at <= this.length), -1)
  }

  private go(at: number | undefined): void {
    if (at !== undefined) this.player.seek(at)
  }

  private place(at: number, mark: HTMLElement): void {
    mark.hidden = this.length === 0 || at > this.length
    if (!mark.hidden) mark.style.insetInlineStart = `${(100 * at) / this.length}%`
  }
}

/** The greatest of the numbers, times sign; undefined if there are none. */
function max(numbers: number[], sign = 1): number | undefined {
  return numbers.length > 0 ? sign * Math.max(...numbers) : undefined
}
