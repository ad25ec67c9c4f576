/** The element of the page with this id; the page has it. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  return document.getElementById(id) as E
}

/** Makes an element of a class, with what is in it. */
export function element<T extends keyof HTMLElementTagNameMap>(tag: T, className = "", ...content: (Node | string)[]): HTMLElementTagNameMap[T] {
  const made = document.createElement(tag)
  made.className = className
  made.append(...content)
  return made
}

/** Makes a button that says what it does in words, or, if these are for the ears only, by an icon. */
export function button(words: string, onClick: () => void, icon?: Icon): HTMLButtonElement {
  const made = element("button", icon ? "icon" : "text", icon ? drawn(icon) : words)
  made.type = "button"
  if (icon) made.setAttribute("aria-label", (made.title = words))
  made.addEventListener("click", onClick)
  return made
}

const SVG = "http://www.w3.org/2000/svg"

// Lines on a square of 24.
const icons = {
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M11 11v5M13 11v5",
  mute: "M4 9v6h4l5 4V5L8 9zM16 9l5 6M21 9l-5 6",
  unmute: "M4 9v6h4l5 4V5L8 9zM16 9a4 4 0 0 1 0 6M18 6a8 8 0 0 1 0 12",
  kick: "M10 4H5v16h5M9 12h11M16 8l4 4-4 4",
}

export type Icon = keyof typeof icons

function drawn(icon: Icon): SVGElement {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  const path = document.createElementNS(SVG, "path")
  path.setAttribute("d", icons[icon])
  svg.append(path)
  return svg
}
