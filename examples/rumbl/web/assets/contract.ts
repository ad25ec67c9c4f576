// What goes over the channel "videos:<id>": the same as live/contract.go says.

export interface User {
  id: number
  username: string
  name: string
}

export interface Annotation {
  id: number
  /** Grows with each change: of two forms of an annotation, the one with the greater revision holds. */
  revision: number
  user: User
  /** Milliseconds since the beginning of the video. */
  at: number
  body: string
  edited?: boolean
  /** Only its author and the video's owner get to see it. */
  muted?: boolean
}

/** What is left of an annotation that was removed. */
export interface RemovedAnnotation {
  id: number
  revision: number
}

/** What has changed of the annotations since another page, or, the first one, how they begin. */
export interface Page {
  annotations: Annotation[]
  removed: RemovedAnnotation[]
  /** Up to where everything is known now. */
  revision: number
  /** Whether there is more. */
  more: boolean
}

export interface Message {
  id: number
  user: User
  body: string
  /** Milliseconds since 1970. */
  sent_at: number
  /** Only its author and the video's owner get to see it. */
  muted?: boolean
}

/** A viewer is muted, or not any more. */
export interface Mute {
  user: User
  muted: boolean
}

/** The reply to a join. */
export interface Joined extends Page {
  /** What was missed follows as events: the page and the messages are empty. */
  resumed: boolean
  /** What was said last, in place of what was known. */
  messages: Message[]
  /** Whether this viewer is muted. */
  muted: boolean
  /** Who is muted; for the video's owner. */
  muted_viewers?: User[]
  /** The name of the node that the page is connected to, if there are several. */
  node?: string
}

/** Answer to anything that failed. */
export interface Refusal {
  reason: string
  /** The field that was at fault, and what is wrong with it. */
  field?: string
  error?: string
}

/** What presence tells of one page on which somebody watches. */
export interface Viewer {
  phx_ref: string
  name: string
  typing?: boolean
}
