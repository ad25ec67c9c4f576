/** What stands in the place of a video that cannot be shown. */
export function notice(text: string): HTMLElement {
  const paragraph = document.createElement("p")
  paragraph.className = "notice"
  paragraph.setAttribute("role", "status")
  paragraph.textContent = `${text} You can still read the annotations.`
  return paragraph
}
