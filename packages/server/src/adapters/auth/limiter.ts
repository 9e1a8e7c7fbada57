/**
 * A sliding window kept exactly: the moments of the latest takings per key, so the wait that is told is the wait there is.
 * For one node; a cluster counts elsewhere. B34.
 */
import type { Clock } from '../../core/ports/clock.ts'
import type { Limiter } from '../../core/ports/limiter.ts'

/** Keys remembered at once; above it the one that has been idle longest is forgotten (and so forgiven). */
const KEYS_MAX = 1_000_000
/** Moments that have passed are cut off the array when there are this many of them. */
const COMPACT_AT = 64

interface Window {
  /** Moments of taking, oldest first; those before `first` have passed. */
  moments: number[]
  first: number
  windowMs: number
}

export class SlidingWindowLimiter implements Limiter {
  private readonly clock: Clock
  private readonly keysMax: number
  /** In the order of the latest taking, so that what has passed is found at the front. */
  private readonly windows = new Map<string, Window>()

  constructor(clock: Clock, keysMax: number = KEYS_MAX) {
    this.clock = clock
    this.keysMax = keysMax
  }

  get size(): number {
    return this.windows.size
  }

  take(key: string, limit: number, windowMs: number): number {
    if (limit <= 0) return 0
    const now = this.clock.monotonic()
    const wait = this.wait(key, limit, windowMs)
    if (wait > 0) return wait
    const window = this.windows.get(key) ?? { moments: [], first: 0, windowMs }
    window.windowMs = windowMs
    window.moments.push(now)
    this.windows.delete(key)
    this.windows.set(key, window)
    this.forget(now)
    return 0
  }

  /** As `take`, but takes nothing: 0 when one is free. */
  wait(key: string, limit: number, windowMs: number): number {
    const window = this.windows.get(key)
    if (!window || limit <= 0) return 0
    const now = this.clock.monotonic()
    const { moments } = window
    while (window.first < moments.length && (moments[window.first] as number) + windowMs <= now) window.first++
    if (window.first >= COMPACT_AT) {
      moments.splice(0, window.first)
      window.first = 0
    }
    const taken = moments.length - window.first
    if (taken < limit) return 0
    // One is free once only `limit - 1` are left, which also holds after the limit was lowered.
    return (moments[moments.length - limit] as number) + windowMs - now
  }

  giveBack(key: string): void {
    const window = this.windows.get(key)
    if (!window) return
    if (window.moments.length > window.first) window.moments.pop()
    if (window.moments.length <= window.first) this.windows.delete(key)
  }

  private forget(now: number): void {
    for (const [key, { moments, windowMs }] of this.windows) {
      const latest = moments.at(-1) ?? 0
      if (latest + windowMs > now && this.windows.size <= this.keysMax) return
      this.windows.delete(key)
    }
  }
}
