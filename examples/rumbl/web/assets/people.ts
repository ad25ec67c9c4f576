/** The round sign that stands for a person. Its color and letter are those that the server picks, see pages.go. */
export function avatar(id: number, name: string): HTMLElement {
  const sign = document.createElement("span")
  sign.className = `avatar tint-${id % 6}`
  sign.setAttribute("aria-hidden", "true")
  sign.textContent = ([...name][0] ?? "?").toUpperCase()
  return sign
}

/** A time of a video as people write it: 1:05, or 1:00:05. */
export function clock(at: number): string {
  const seconds = Math.floor(at / 1000)
  const pad = (n: number) => String(n).padStart(2, "0")
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`
}
