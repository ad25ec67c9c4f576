import { type Channel, Presence } from "@roost-dev/client"
import type { Videos, Viewer } from "./contract.js"
import { avatar } from "./people.js"

/** Who is watching, and on how many pages each. */
export class ViewerList {
  private readonly list = document.querySelector<HTMLElement>("#viewers")!
  private readonly number = document.querySelector<HTMLElement>("#viewer-count")!
  private readonly presence: Presence<Viewer>

  constructor(
    channel: Channel<Videos>,
    private readonly viewerId: number,
  ) {
    this.presence = new Presence(channel)
    this.presence.onSync(() => this.show())
  }

  private show(): void {
    const viewers = this.presence.list((key, { metas }) => ({ id: Number(key), name: metas[0]?.name ?? "", pages: metas.length }))
    viewers.sort((a, b) => Number(b.id === this.viewerId) - Number(a.id === this.viewerId) || a.name.localeCompare(b.name))
    this.list.replaceChildren(...viewers.map(({ id, name, pages }) => this.row(id, name, pages)))
    this.number.textContent = String(viewers.length)
  }

  private row(id: number, name: string, pages: number): HTMLLIElement {
    const row = document.createElement("li")
    row.dataset.userId = String(id)
    row.dataset.sessions = String(pages)
    row.dataset.testid = "viewer"
    const label = document.createElement("span")
    label.className = "name"
    label.textContent = id === this.viewerId ? `${name} (you)` : name
    row.append(avatar(id, name), label)
    if (pages > 1) {
      const times = document.createElement("span")
      times.className = "times"
      times.textContent = `×${pages}`
      times.setAttribute("aria-label", `on ${pages} pages`)
      row.append(times)
    }
    return row
  }
}
