/** Appends that wait while they are held, in their order: one that comes later never passes one that waits. */
import { RoomfulError } from '../../../../core/errors.ts'
import type { Appended } from '../../../../core/ports/broker.ts'

/** Batches, of which there is one per turn and namespace: seconds of a disk that stands still. */
const WAITING_MAX = 10_000

interface Waiting {
  append(): Appended[]
  resolve(results: Appended[]): void
  reject(error: unknown): void
}

export class SqliteQueue {
  private waiting: Waiting[] = []
  private readonly isHolding: () => boolean

  constructor(isHolding: () => boolean) {
    this.isHolding = isHolding
  }

  run(append: () => Appended[]): Appended[] | Promise<Appended[]> {
    if (!this.isHolding() && this.waiting.length === 0) return append()
    if (this.waiting.length >= WAITING_MAX)
      throw new RoomfulError('UNAVAILABLE', 'The disk does not keep up', { retryAfterMs: 1000 })
    return new Promise((resolve, reject) => void this.waiting.push({ append, resolve, reject }))
  }

  /** Lets all go that wait. */
  drain(): void {
    const going = this.waiting
    this.waiting = []
    for (const { append, resolve, reject } of going) {
      try {
        resolve(append())
      } catch (error) {
        reject(error)
      }
    }
  }
}
