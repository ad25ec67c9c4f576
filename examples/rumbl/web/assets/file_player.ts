import { notice } from "./notice.js"
import type { Player } from "./player.js"

/** A video file, played by the browser itself. */
export class FilePlayer implements Player {
  constructor(private readonly video: HTMLVideoElement) {
    if (video.error) this.fail()
    else video.addEventListener("error", () => this.fail())
  }

  now(): number {
    return Math.round(this.video.currentTime * 1000)
  }

  length(): number {
    const seconds = this.video.duration
    return Number.isFinite(seconds) ? Math.round(seconds * 1000) : 0
  }

  seek(at: number): void {
    this.video.currentTime = at / 1000
  }

  onChange(callback: () => void): void {
    for (const event of ["timeupdate", "seeking", "durationchange", "ended"]) {
      this.video.addEventListener(event, callback)
    }
  }

  private fail(): void {
    this.video.replaceWith(notice("This video cannot be played. It may have moved."))
  }
}
