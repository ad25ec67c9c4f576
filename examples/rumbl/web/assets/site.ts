// The script of every page. Without it pages do the same, less smoothly.

const BUSY = 10_000 // milliseconds after which a form may be sent again, whatever became of it

const themes = document.querySelector<HTMLFormElement>("#themes")!

// Changes the look of the page where one is, rather than loading the page anew.
themes.addEventListener("submit", (event) => {
  const button = event.submitter
  if (!(button instanceof HTMLButtonElement)) return
  event.preventDefault()
  if (button.value === "system") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = button.value
  for (const other of themes.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button))
  void fetch(themes.action, { method: "POST", body: new URLSearchParams({ theme: button.value }), redirect: "manual" })
})

// A form that is under way shows it, and is not sent twice.
addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement
  if (event.defaultPrevented || form.method === "dialog") return // a script sends it, or nobody
  if (form.ariaBusy === "true") return event.preventDefault()
  form.ariaBusy = "true"
  setTimeout(() => (form.ariaBusy = null), BUSY)
})

// Who comes back by the browser's button finds the page as it was left.
addEventListener("pageshow", () => {
  for (const form of document.forms) form.ariaBusy = null
})
