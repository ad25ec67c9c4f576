import { byId } from "./dom.js"

/** Where the screen is too narrow for all panels at once, shows one of them. The style sheet decides what is too narrow. */
export function openTabs(): void {
  const page = byId("watch")
  const bar = byId("tabs")
  const tabs = [...bar.querySelectorAll<HTMLButtonElement>("[role=tab]")]
  const panels = tabs.map((tab) => byId(tab.getAttribute("aria-controls")!))
  const select = (selected: HTMLButtonElement) => {
    page.dataset.tab = selected.dataset.tab
    for (const tab of tabs) {
      tab.ariaSelected = String(tab === selected)
      tab.tabIndex = tab === selected ? 0 : -1
    }
  }
  for (const [i, tab] of tabs.entries()) {
    tab.addEventListener("click", () => select(tab))
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key]
      const next = step && tabs[(i + step + tabs.length) % tabs.length]
      if (!next) return
      select(next)
      next.focus()
    })
  }
  // Side by side they are no tabs' panels.
  const narrow = matchMedia("(width < 62rem)")
  const follow = () => {
    for (const panel of panels) {
      if (narrow.matches) panel.setAttribute("role", "tabpanel")
      else panel.removeAttribute("role")
    }
  }
  narrow.addEventListener("change", follow)
  follow()
}
