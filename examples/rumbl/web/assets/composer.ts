import { byId } from "./dom.js"

/** A form in which one line is written and sent. */
export class Composer {
  readonly input: HTMLInputElement
  private readonly form: HTMLFormElement

  constructor(
    id: string,
    private readonly send: (text: string) => void,
    private readonly typing: () => void,
  ) {
    this.form = byId<HTMLFormElement>(id)
    this.input = this.form.querySelector("input")!
    this.form.addEventListener("submit", (event) => {
      event.preventDefault()
      this.submit()
    })
    this.input.addEventListener("input", () => {
      if (this.input.value.trim() !== "") this.typing()
    })
  }

  /** Takes the form away, when there is nobody to write to any more. */
  close(): void {
    this.form.hidden = true
  }

  private submit(): void {
    const text = this.input.value.trim()
    if (text === "") return
    this.input.value = ""
    this.send(text)
    this.input.dispatchEvent(new Event("input"))
  }
}
