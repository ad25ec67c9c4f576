/** What arrives from outside, in order, for a test to wait for. */
export class Inbox<T> {
  private readonly arrived: T[] = []
  private readonly waiting: ((item: T) => void)[] = []

  put(item: T): void {
    const next = this.waiting.shift()
    if (next) next(item)
    else this.arrived.push(item)
  }

  /** The next item, as soon as there is one. */
  next(): Promise<T> {
    if (this.arrived.length > 0) return Promise.resolve(this.arrived.shift()!)
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  /** How many items nobody has taken yet. */
  get size(): number {
    return this.arrived.length
  }
}
