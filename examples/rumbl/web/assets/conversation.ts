import { type Channel, LongPoll, Outbox, PushError, Recovery, Socket } from "@roost-dev/client"
import { type Joined, type Page, type Videos, videos } from "./contract.js"

const FALL_BACK_AFTER = 2500 // milliseconds
// After a fallback, which one in the wake of a restart may be: soon, and then patiently.
const upgradeAfterMs = (tries: number) => [5000, 30_000][tries - 1] ?? 120_000
const TYPING_EVERY = 2000 // milliseconds; the server has it end by itself after 4 s

type In = Videos["in"]

/** What the conversation about a video tells the page. */
export interface Told {
  /** The conversation has begun, or begun anew. */
  joined(reply: Joined): void
  /** The join was refused, with this reason; it is tried again unless the video is gone. */
  refused(reason: string): void
  /** The conversation is over for good, with this reason. */
  ended(reason: string): void
  /** Part of the annotations. The first takes the place of all that is shown. */
  page(page: Page, first: boolean): void
}

/** The conversation about a video, over a connection that is kept up. */
export class Conversation {
  readonly socket: Socket
  readonly channel: Channel<Videos>
  private readonly outbox: Outbox<Videos>
  // Up to where all changes are known: that of the last page. One that comes live does not count, since it may overtake
  // another on its way; the next page brings it once more, and the list knows it.
  private revision = 0
  private more = false // there are others after it, and they are still to be asked for
  private lastTyping = 0

  constructor(
    url: string,
    token: string,
    videoId: string,
    private readonly told: Told,
  ) {
    this.socket = new Socket(url, { authToken: token, longPollFallbackMs: FALL_BACK_AFTER, upgradeAfterMs })
    this.channel = videos(this.socket, { id: videoId }, () => ({ revision: this.revision }))
    // After an interruption the server tells what happened meanwhile from the history of the video, and a join brings
    // annotations only if that does not reach back so far.
    new Recovery(this.channel)
    // What is written takes effect once, though its answer may be lost with the connection and it is sent again.
    this.outbox = new Outbox(this.channel)
  }

  /** Connects. The page must listen to the channel by now. */
  start(): void {
    this.channel.on("video_deleted", () => this.told.ended("not found"))
    this.channel.onClose((why) => this.told.ended((why as { reason?: string } | undefined)?.reason ?? ""))
    this.channel
      .join()
      .receive("ok", (joined) => this.joined(joined))
      .receive<{ reason: string }>("error", ({ reason }) => {
        this.told.refused(reason)
        if (reason === "not found") this.channel.leave()
      })
    this.socket.connect()
  }

  /** Sends something that takes effect once, now or after the next rejoin. Rejects with a PushError if the server refuses. */
  async send<E extends keyof In & string>(event: E, payload: In[E]["payload"]): Promise<In[E]["reply"]> {
    return this.outbox.push<any>(event, payload) // which throws if too much waits to be sent already
  }

  /** Has the others see that one is writing, to be called as often as one likes. */
  typing(): void {
    const now = Date.now()
    if (now - this.lastTyping < TYPING_EVERY || !this.channel.isJoined()) return
    this.lastTyping = now
    this.channel.push("typing")
  }

  /** Whether the connection goes over requests, since WebSockets do not get through. */
  get polls(): boolean {
    return this.socket.transport === LongPoll
  }

  private joined(joined: Joined): void {
    this.told.joined(joined)
    // The interruption may have come between two pages.
    if (joined.resumed) this.askForMore()
    else this.show({ ...joined, more: joined.more || this.more })
  }

  private show(page: Page): void {
    this.told.page(page, this.revision === 0)
    this.revision = page.revision
    this.more = page.more
    this.askForMore()
  }

  private askForMore(): void {
    if (this.more) this.channel.push("more_annotations", { revision: this.revision }).receive("ok", (page) => this.show(page))
  }
}

/** What it means to who wrote something that it could not be sent. */
export function explain(error: unknown): string {
  if (!(error instanceof PushError)) return "Too much waits to be sent."
  const { field, error: problem } = error.response
  switch (error.reason) {
    case "invalid payload":
      return field === "body" ? `Your text ${problem}.` : `The ${field} ${problem}.`
    case "rate limited":
    case "busy":
      return "That was too fast."
    case "muted":
      return "You are muted."
    case "not found":
      return "It is not there any more."
    case "not allowed":
      return "That is not yours to do."
    default:
      return isUncertain(error) ? "Nobody knows whether that was kept." : "That could not be kept."
  }
}

/** Whether what could not be sent may have been kept all the same. */
export function isUncertain(error: unknown): boolean {
  return error instanceof PushError && ["outcome_unknown", "crashed"].includes(error.reason)
}
