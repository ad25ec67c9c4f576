// What goes over the channel "videos:<id>": the same as live/contract.go says.

export interface Author {
  id: number
  username: string
  name: string
}

export interface Annotation {
  /** Grows with each annotation. */
  id: number
  user: Author
  /** Milliseconds since the beginning of the video. */
  at: number
  body: string
}

/** The annotations after the last one asked for, by growing id. */
export interface Page {
  annotations: Annotation[]
  /** Whether there are more after the last of these. */
  more: boolean
  /** Up to where everything is known now. */
  revision: number
}

/** The reply to a join. It brings no annotations if those that were missed follow as events. */
export interface Joined extends Page {
  resumed: boolean
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

/** One user's presence: a meta for each page that is open. */
export interface Viewer {
  metas: { phx_ref: string; name: string }[]
}
