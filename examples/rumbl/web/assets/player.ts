import { FilePlayer } from "./file_player.js"
import { YouTubePlayer } from "./youtube_player.js"

/** A video on the page, whatever plays it. Times are milliseconds since its beginning. */
export interface Player {
  /** Where the video is; 0 until the player is ready. */
  now(): number
  /** How long the video is; 0 while that is not known. */
  length(): number
  /** Goes to a time, and goes on playing if it did. */
  seek(at: number): void
  /** Calls back a few times a second while the video plays, and whenever `now` or `length` changes otherwise. */
  onChange(callback: () => void): void
}

/** Opens the player for a video that the page has a place for. */
export function openPlayer(kind: string, ref: string): Player {
  if (kind === "youtube") return new YouTubePlayer("youtube-player", ref)
  return new FilePlayer(document.querySelector<HTMLVideoElement>("#video")!)
}
