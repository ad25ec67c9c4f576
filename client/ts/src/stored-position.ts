import type { SessionStorage } from "./platform.js"

const WRITE_EVERY_MS = 1000
const MAX_TOPICS = 100

/**
 * The position of one topic in a storage, where it shares a key with those of other topics: the last 100 that were
 * written. Whatever the storage throws is ignored, and so is what it holds if it makes no sense.
 */
export class StoredPosition {
  private readonly storage: SessionStorage
  private readonly key: string
  private readonly topic: string
  private unwritten: string | undefined
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(storage: SessionStorage, key: string, topic: string) {
    this.storage = storage
    this.key = key
    this.topic = topic
  }

  read(): string | undefined {
    const position = this.load().get(this.topic)
    return typeof position === "string" ? position : undefined
  }

  /** Writes it within a second, together with those that come until then. */
  save(position: string): void {
    this.unwritten = position
    this.timer ??= setTimeout(() => this.flush(), WRITE_EVERY_MS)
  }

  /** Writes what is not written yet. */
  flush(): void {
    if (this.unwritten !== undefined) this.write(this.unwritten)
  }

  forget(): void {
    this.write(undefined)
  }

  private write(position: string | undefined): void {
    clearTimeout(this.timer)
    this.timer = this.unwritten = undefined
    const positions = this.load()
    const known = positions.delete(this.topic)
    if (position !== undefined) positions.set(this.topic, position)
    else if (!known) return
    const last = [...positions].slice(-MAX_TOPICS)
    try {
      this.storage.setItem(this.key, JSON.stringify(last))
    } catch {
      // It is full, or forbidden. After a reload the server tells of the gap, or more than was missed.
    }
  }

  private load(): Map<string, unknown> {
    try {
      return new Map(JSON.parse(this.storage.getItem(this.key) ?? "[]"))
    } catch {
      return new Map()
    }
  }
}
