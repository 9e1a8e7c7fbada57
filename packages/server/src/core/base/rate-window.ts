/**
 * An exact sliding window: the times of the last `limit` accepted events. A refusal is not recorded, so asking again and
 * again does not extend the wait. B34, C12.
 */
export class RateWindow {
  private readonly times: Float64Array
  private next = 0

  constructor(limit: number) {
    this.times = new Float64Array(limit).fill(Number.NEGATIVE_INFINITY)
  }

  /** @returns 0 when taken, else ms until one is free. */
  take(now: number, windowMs: number): number {
    const oldest = this.times[this.next] as number
    const wait = oldest + windowMs - now
    if (wait > 0) return wait
    this.add(now)
    return 0
  }

  /** What was taken turned out to count for more: the next ones wait for it. */
  charge(now: number, count: number): void {
    for (let i = 0; i < Math.min(count, this.times.length); i++) this.add(now)
  }

  private add(now: number): void {
    this.times[this.next] = now
    this.next = (this.next + 1) % this.times.length
  }
}

/** Ten times the allowed rate, kept up for this long, is abuse and closes with 1008. */
export const ABUSE_FACTOR = 10
export const ABUSE_WINDOW_MS = 5_000

/** Counts attempts, allowed or not, in windows of {@link ABUSE_WINDOW_MS}. */
export class AbuseCounter {
  private windowStart = Number.NEGATIVE_INFINITY
  private attempts = 0

  /** @returns true when these attempts are too many. */
  isAbuse(now: number, ratePerSecond: number, attempts = 1): boolean {
    if (now - this.windowStart >= ABUSE_WINDOW_MS) {
      this.windowStart = now
      this.attempts = 0
    }
    this.attempts += attempts
    return this.attempts > ratePerSecond * ABUSE_FACTOR * (ABUSE_WINDOW_MS / 1000)
  }
}
