import type { Player } from "./player.js"

/** A video file, played by the browser itself. */
export class FilePlayer implements Player {
  constructor(private readonly video: HTMLVideoElement) {}

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
}
