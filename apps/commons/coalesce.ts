/**
 * Tells of changes no faster than people can read: the first one at once, those that follow within the interval as one.
 * What a hundred arrivals in a second would otherwise be is a hundred messages to everyone.
 */
import type { Commons } from './commons.ts'

export class Coalesce {
  /** Keys sent within the interval, and whether they changed since. Bound: keys with a change in the interval. */
  private readonly recent = new Map<string, { again: boolean }>()
  private readonly clock: Commons['clock']
  private readonly intervalMs: number
  private readonly tell: (key: string) => void | Promise<void>

  constructor(clock: Commons['clock'], intervalMs: number, tell: (key: string) => void | Promise<void>) {
    this.clock = clock
    this.intervalMs = intervalMs
    this.tell = tell
  }

  changed(key: string): void {
    const sent = this.recent.get(key)
    if (sent) sent.again = true
    else this.tellNow(key)
  }

  private tellNow(key: string): void {
    const sent = { again: false }
    this.recent.set(key, sent)
    this.clock.after(this.intervalMs, () => {
      this.recent.delete(key)
      if (sent.again) this.tellNow(key)
    })
    // What cannot be read now shows with the next change.
    Promise.resolve(this.tell(key)).catch(() => undefined)
  }
}
