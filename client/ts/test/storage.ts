/** As much of a page's sessionStorage as a client uses. */
export class MemoryStorage {
  writes = 0
  onWrite: () => void = () => {}
  private readonly items = new Map<string, string>()

  getItem(key: string): string | null {
    return this.items.get(key) ?? null
  }

  setItem(key: string, value: string): void {
    this.writes++
    this.items.set(key, value)
    this.onWrite()
  }
}
