/** Counts in a sliding window, exactly, for as long as a test runs; nothing is ever forgotten but what has passed. */
import type { Clock } from '@roomful/server/ports'
import type { Limiter } from '@roomful/server/testing'

export class MemoryLimiter implements Limiter {
  private readonly clock: Clock
  private readonly taken = new Map<string, number[]>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  take(key: string, limit: number, windowMs: number): number {
    const now = this.clock.monotonic()
    const moments = (this.taken.get(key) ?? []).filter((moment) => moment + windowMs > now)
    this.taken.set(key, moments)
    if (moments.length >= limit) return (moments[moments.length - limit] as number) + windowMs - now
    moments.push(now)
    return 0
  }

  giveBack(key: string): void {
    this.taken.get(key)?.pop()
  }
}
