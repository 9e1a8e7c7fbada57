/**
 * What a namespace sends while events of it are being stored: everything waits for what was sent before it, so that nothing
 * overtakes a durable event, and an answer after it says that it is stored. Empty nearly always, and then nothing waits.
 */

export interface Queued {
  /** What it waits for is there. */
  isReady: boolean
  /** Of an event that has its place in the log. */
  readonly stored?: unknown
  run(): void
}

const MAX = 100_000

export class SendQueue<Item extends Queued> {
  private items: Item[] = []
  private isRunning = false
  private onIdle: (() => void)[] = []

  get isIdle(): boolean {
    return this.items.length === 0
  }

  /** The storage is so far behind that no more may wait. */
  get isFull(): boolean {
    return this.items.length >= MAX
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.items[Symbol.iterator]()
  }

  add(item: Item): void {
    this.items.push(item)
    this.drain()
  }

  /**
   * Behind what is in the log already, and before what is still on its way there. Answers and events that are in no log are ready
   * from the beginning, and say nothing about the order of the log.
   */
  addStored(item: Item): void {
    const at = this.items.findLastIndex(({ stored }) => stored !== undefined) + 1
    this.items.splice(at, 0, item)
    this.drain()
  }

  /** Runs what has become ready. What one of them adds runs in its turn. */
  drain(): void {
    if (this.isRunning) return
    this.isRunning = true
    try {
      for (let first = this.items[0]; first?.isReady; first = this.items[0]) {
        this.items.shift()
        try {
          first.run()
        } catch (error) {
          // A listener of the application threw; what is behind it must not wait for ever.
          queueMicrotask(() => {
            throw error
          })
        }
      }
    } finally {
      this.isRunning = false
    }
    if (this.items.length === 0) for (const resolve of this.onIdle.splice(0)) resolve()
  }

  idle(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => this.onIdle.push(resolve))
  }
}
