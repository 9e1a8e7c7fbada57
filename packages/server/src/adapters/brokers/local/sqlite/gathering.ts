/**
 * Whether it pays to gather appends for a moment before they are written. A transaction costs about as much as its first
 * ten rows, so where they come fast one after the other, most of the time would go into transactions of two or three.
 * Where few come, or each waits for the answer to the last, nothing is gathered and nothing is later.
 */
import type { Clock } from '../../../../core/ports/clock.ts'

/** How long rows are gathered. */
export const GATHER_MS = 1
/** Below this nothing is gained by waiting. */
const FAST_PER_MS = 4
/** Over which time the rate is measured. */
const WINDOW_MS = 20

export class Gathering {
  isWorthIt = false
  private readonly clock: Pick<Clock, 'monotonic'>
  private since = 0
  private rows = 0

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.clock = clock
  }

  arrived(rows: number): void {
    const now = this.clock.monotonic()
    const passedMs = now - this.since
    if (passedMs >= WINDOW_MS) {
      this.isWorthIt = this.rows >= FAST_PER_MS * passedMs
      this.since = now
      this.rows = 0
    }
    this.rows += rows
  }
}
