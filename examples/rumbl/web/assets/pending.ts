import { explain, isUncertain } from "./conversation.js"
import { button, element } from "./dom.js"
import { avatar } from "./people.js"

/** One's own text that is on its way to the others: it is shown at once, and becomes final, or is offered to be sent again. */
export class Pending<R> {
  readonly row = element("li", "pending")
  /** Whether it failed, though it may have been kept. */
  uncertain = false
  /** Takes the row out of the list. */
  onDiscard: () => void = () => {}
  /** To be told when it has become uncertain. */
  onUncertain: () => void = () => {}
  private readonly state = element("p", "state")

  constructor(
    me: { id: number; name: string },
    readonly body: string,
    private readonly attempt: () => Promise<R>,
    private readonly settled: (result: R) => void,
  ) {
    const text = element("p", "body", body)
    this.row.dataset.testid = "pending"
    this.row.tabIndex = -1
    this.state.setAttribute("role", "status")
    this.row.append(avatar(me.id, me.name), element("span", "name", `${me.name} (you)`), text, this.state)
    this.send()
  }

  /** Takes it away. */
  discard(): void {
    this.onDiscard()
  }

  private send(): void {
    this.uncertain = false
    this.row.classList.remove("failed")
    this.state.replaceChildren("Sending…")
    this.attempt().then(
      (result) => {
        this.discard()
        this.settled(result)
      },
      (error: unknown) => this.fail(error),
    )
  }

  private fail(error: unknown): void {
    this.uncertain = isUncertain(error)
    this.row.classList.add("failed")
    this.state.replaceChildren(`${explain(error)} `, button("Try again", () => this.send()), button("Discard", () => this.discard()))
    if (this.uncertain) this.onUncertain()
  }
}
