import type { Channel } from "@roost-dev/client"
import type { Refusal } from "./contract.js"
import { clock } from "./people.js"
import type { Player } from "./player.js"

/** The form to annotate. An annotation is about the moment at which one began to write it. */
export class AnnotationForm {
  private readonly form = document.querySelector<HTMLFormElement>("#annotation-form")!
  private readonly input = document.querySelector<HTMLInputElement>("#annotation-body")!
  private readonly submit = this.form.querySelector<HTMLButtonElement>("button")!
  private readonly at = document.querySelector<HTMLOutputElement>("#annotation-at")!
  private readonly problem = document.querySelector<HTMLElement>("#annotation-problem")!
  private begunAt: number | null = null // null: nothing is written yet

  constructor(
    private readonly player: Player,
    private readonly channel: Channel,
  ) {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault()
      this.send()
    })
    this.input.addEventListener("input", () => {
      if (this.input.value === "") this.begunAt = null
      else this.begunAt ??= this.player.now()
      this.showTime()
    })
    player.onChange(() => this.showTime())
    this.showTime()
  }

  private send(): void {
    const body = this.input.value.trim()
    if (body === "" || this.submit.disabled) return
    if (!this.channel.isJoined()) {
      this.fail("You are offline. Your text stays here until you are back.")
      return
    }
    this.fail("")
    this.submit.disabled = true
    this.channel
      .push("new_annotation", { at: this.begunAt ?? this.player.now(), body })
      .receive("ok", () => this.sent())
      .receive<Refusal>("error", (refusal) => this.fail(explain(refusal)))
      .receive("timeout", () => this.fail("There was no answer. If it does not appear in the list, send it again."))
  }

  private sent(): void {
    this.submit.disabled = false
    this.input.value = ""
    this.begunAt = null
    this.showTime()
  }

  /** Shows what is wrong, or nothing, and gives the form back. */
  private fail(problem: string): void {
    this.submit.disabled = false
    this.problem.textContent = problem
    this.problem.hidden = problem === ""
  }

  private showTime(): void {
    this.at.textContent = clock(this.begunAt ?? this.player.now())
  }
}

function explain({ reason, fields }: Refusal): string {
  const problems = Object.entries(fields ?? {}).map(([name, problem]) => `${name === "body" ? "Your text" : name} ${problem}.`)
  if (problems.length > 0) return problems.join(" ")
  if (reason === "rate limited" || reason === "busy") return "That was too fast. Wait a moment and try again."
  return "That could not be kept. Try again in a moment."
}
