/** Counts attempts on one node. */

import { SlidingWindowLimiter } from '../../core/base/sliding-window.ts'
import type { AttemptLimit, Attempts } from '../../core/ports/accounts.ts'
import type { Clock } from '../../core/ports/system.ts'

export class LocalAttempts implements Attempts {
  private readonly limiter: SlidingWindowLimiter

  constructor(clock: Clock) {
    this.limiter = new SlidingWindowLimiter(clock)
  }

  take(limits: readonly AttemptLimit[]): number {
    const waitMs = Math.max(0, ...limits.map((limit) => this.wait(limit)))
    if (waitMs === 0) for (const limit of limits) this.limiter.take(...limit)
    return waitMs
  }

  wait(limit: AttemptLimit): number {
    return this.limiter.wait(...limit)
  }

  giveBack(keys: readonly string[]): void {
    for (const key of keys) this.limiter.giveBack(key)
  }
}
