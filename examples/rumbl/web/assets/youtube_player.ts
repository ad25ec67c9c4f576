import { notice } from "./notice.js"
import type { Player } from "./player.js"

const API = "https://www.youtube.com/iframe_api"
const TICK = 250 // milliseconds; YouTube's player tells of no progress by itself

/** The part of YouTube's IFrame API that is used here. */
interface YTPlayer {
  getCurrentTime(): number
  getDuration(): number
  seekTo(seconds: number, allowSeekAhead: boolean): void
}

declare global {
  interface Window {
    YT?: { Player: new (id: string, options: object) => YTPlayer }
    onYouTubeIframeAPIReady?: () => void
  }
}

/** A video on YouTube, in YouTube's own player, which is loaded from there. */
export class YouTubePlayer implements Player {
  private player: YTPlayer | null = null
  private callbacks: (() => void)[] = []
  private last = -1

  constructor(id: string, videoId: string) {
    window.onYouTubeIframeAPIReady = () => {
      const player = new window.YT!.Player(id, {
        host: "https://www.youtube-nocookie.com",
        videoId,
        playerVars: { origin: location.origin, playsinline: 1, rel: 0 },
        events: { onReady: () => this.ready(player) },
      })
    }
    const script = document.createElement("script")
    script.src = API
    script.addEventListener("error", () => document.getElementById(id)?.replaceWith(notice("YouTube cannot be reached.")))
    document.head.append(script)
  }

  now(): number {
    return Math.round((this.player?.getCurrentTime() ?? 0) * 1000)
  }

  length(): number {
    return Math.round((this.player?.getDuration() ?? 0) * 1000)
  }

  seek(at: number): void {
    this.player?.seekTo(at / 1000, true)
  }

  onChange(callback: () => void): void {
    this.callbacks.push(callback)
  }

  private ready(player: YTPlayer): void {
    this.player = player
    setInterval(() => this.tick(), TICK)
    this.tell()
  }

  private tick(): void {
    const now = this.now()
    if (now === this.last) return
    this.last = now
    this.tell()
  }

  private tell(): void {
    for (const callback of this.callbacks) callback()
  }
}
