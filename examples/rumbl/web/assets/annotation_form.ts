import type { Outbox } from "@roost-dev/client"
import type { Annotation, Refusal } from "./contract.js"
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
    private readonly outbox: Outbox,
    private readonly added: (annotation: Annotation) => void,
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

  /** To be told when one is back after having been offline. */
  online(): void {
    this.showProblem("")
  }

  private send(): void {
    const body = this.input.value.trim()
    if (body === "" || this.submit.disabled) return
    if (!this.outbox.channel.isJoined()) {
      this.fail("You are offline. Your text stays here until you are back.")
      return
    }
    this.showProblem("")
    this.submit.disabled = true
    this.outbox
      .push("new_annotation", { at: this.begunAt ?? this.player.now(), body })
      .receive<Annotation>("ok", (annotation) => {
        this.added(annotation)
        this.sent(body)
      })
      .receive<Refusal>("error", (refusal) => this.fail(explain(refusal)))
  }

  private sent(body: string): void {
    this.submit.disabled = false
    if (this.input.value.trim() === body) this.input.value = "" // else the next one is being written
    this.begunAt = null
    this.showTime()
  }

  private fail(problem: string): void {
    this.submit.disabled = false
    this.showProblem(problem)
  }

  private showProblem(problem: string): void {
    this.problem.textContent = problem
    this.problem.hidden = problem === ""
  }

  private showTime(): void {
    this.at.textContent = clock(this.begunAt ?? this.player.now())
  }
}

function explain({ reason, field, error }: Refusal): string {
  if (field && error) return `${field === "body" ? "Your text" : field} ${error}.`
  if (reason === "rate limited" || reason === "busy") return "That was too fast. Wait a moment and try again."
  if (reason === "outcome_unknown" || reason === "crashed") return "Perhaps that was kept. If it does not appear in the list, send it again."
  return "That could not be kept. Try again in a moment."
}
