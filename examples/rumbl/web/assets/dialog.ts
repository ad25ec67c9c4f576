import { byId } from "./dom.js"

/** Asks whether to do what cannot be undone. The focus goes back to where it was. */
export function confirmed(question: string, verb: string): Promise<boolean> {
  const dialog = byId<HTMLDialogElement>("confirm")
  byId("confirm-question").textContent = question
  byId("confirm-yes").textContent = verb
  dialog.returnValue = ""
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true })
  })
}
