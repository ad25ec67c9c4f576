import type { Annotation } from "./contract.js"
import { button, element } from "./dom.js"
import { avatar, clock } from "./people.js"

/** What can be done with an annotation; what is missing is not for this viewer to do. */
export interface Actions {
  seek(): void
  edit?: ((body: string) => void) | undefined
  remove?: (() => void) | undefined
}

/** Makes the row of an annotation. */
export function annotationRow({ id, at, user, body, edited, muted }: Annotation, mine: boolean, maxBody: number, actions: Actions): HTMLLIElement {
  const row = element("li")
  row.dataset.id = String(id)
  row.dataset.testid = "annotation"
  row.tabIndex = -1

  const time = element("button", "time", clock(at))
  time.type = "button"
  time.setAttribute("aria-label", `Go to ${clock(at)}`)
  time.addEventListener("click", () => actions.seek())

  const name = element("span", "name", mine ? `${user.name} (you)` : user.name)
  if (edited) name.append(" ", element("small", "", "edited"))
  if (muted) name.append(" ", element("small", "muted", mine ? "hidden from others" : "muted"))
  const text = element("p", "body", body)
  text.dataset.testid = "annotation-text"
  row.append(time, avatar(user.id, user.name), name, text)

  const tools = element("span", "tools")
  const { edit, remove } = actions
  if (edit) tools.append(button("Edit", () => editInPlace(row, text, maxBody, edit), "edit"))
  if (remove) tools.append(button("Delete", remove, "remove"))
  if (edit || remove) row.append(tools)
  return row
}

/** Has the text edited where it stands. Enter saves, and Escape leaves it as it was. */
function editInPlace(row: HTMLElement, text: HTMLElement, maxBody: number, save: (body: string) => void): void {
  const before = text.textContent ?? ""
  const input = element("input")
  input.value = before
  input.maxLength = maxBody
  input.required = true
  input.setAttribute("aria-label", "Your annotation")
  const form = element("form", "edit", input)
  const submit = button("Save", () => {})
  submit.type = "submit"
  const end = () => {
    form.replaceWith(text)
    row.classList.remove("editing")
    row.focus()
  }
  form.append(submit, button("Cancel", end))
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    const body = input.value.trim()
    if (body === "") return
    end()
    if (body !== before) save(body)
  })
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end()
  })
  row.classList.add("editing")
  text.replaceWith(form)
  input.focus()
}
