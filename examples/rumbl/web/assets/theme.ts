// Changes the look of the page where one is, rather than loading the page anew. Without this script the form does that.

const form = document.querySelector<HTMLFormElement>("#themes")!

form.addEventListener("submit", (event) => {
  const button = event.submitter
  if (!(button instanceof HTMLButtonElement)) return
  event.preventDefault()
  if (button.value === "system") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = button.value
  for (const other of form.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button))
  void fetch(form.action, { method: "POST", body: new URLSearchParams({ theme: button.value }), redirect: "manual" })
})
