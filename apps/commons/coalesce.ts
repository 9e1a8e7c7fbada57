/**
 * Tells of changes no faster than people can read: the first one at once, those that follow within the interval as one.
 * What a hundred arrivals in a second would otherwise be is a hundred messages to everyone.
 */
import type { Commons } from './commons.ts'

export class Coalesce {
  /** What was told within the interval, and whether it has changed since. Bound: keys with a change in the interval. */
  private readonly recent = new Map<string, { again: boolean }>()
  private readonly clock: Commons['clock']
  private readonly intervalMs: number
  private readonly tell: (key: string) => void

  constructor(clock: Commons['clock'], intervalMs: number, tell: (key: string) => void) {
    this.clock = clock
    this.intervalMs = intervalMs
    this.tell = tell
  }

  changed(key: string): void {
    const told = this.recent.get(key)
    if (told) told.again = true
    else this.tellNow(key)
  }

  private tellNow(key: string): void {
    const told = { again: false }
    this.recent.set(key, told)
    this.clock.after(this.intervalMs, () => {
      this.recent.delete(key)
      if (told.again) this.tellNow(key)
    })
    this.tell(key)
  }
}
