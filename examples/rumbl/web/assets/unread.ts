/** Counts what came into a list where nobody has seen it yet, and offers to go there. */
export class Unread {
  private readonly rows = new Set<HTMLElement>()

  /** The hint is over the list; the badge on the tab that opens it, where there is not room for all lists at once. */
  constructor(
    private readonly list: HTMLElement,
    private readonly hint: HTMLButtonElement,
    private readonly badge: HTMLElement,
  ) {
    list.addEventListener("scroll", () => this.look(), { passive: true })
    new ResizeObserver(() => this.look()).observe(list)
    hint.addEventListener("click", () => this.go())
  }

  /** Notes that a row is new. */
  add(row: HTMLElement): void {
    this.rows.add(row)
    this.look()
  }

  /** Forgets a row that is gone. */
  forget(row: HTMLElement): void {
    this.rows.delete(row)
    this.look()
  }

  private go(): void {
    const [first] = this.rows
    if (!first) return
    scrollWithin(this.list, first)
    first.focus({ preventScroll: true })
  }

  private look(): void {
    for (const row of this.rows) if (this.sees(row)) this.rows.delete(row)
    const count = this.rows.size
    this.hint.hidden = count === 0
    this.hint.textContent = `${count} new`
    this.badge.hidden = count === 0
    this.badge.textContent = String(count)
  }

  private sees(row: HTMLElement): boolean {
    const { top, bottom, height } = this.list.getBoundingClientRect()
    const at = row.getBoundingClientRect()
    return height > 0 && at.top < bottom - 8 && at.bottom > top + 8
  }
}

/** Scrolls a list, and never the page, so that a row is in its middle. */
export function scrollWithin(list: HTMLElement, row: HTMLElement): void {
  const top = row.offsetTop - (list.clientHeight - row.clientHeight) / 2
  list.scrollTo({ top, behavior: calm() ? "auto" : "smooth" })
}

/** Whether things should not move. */
export function calm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches
}
