/**
 * An exact sliding window: it keeps the time of each counted request per key, so the wait that a client is given is exact.
 * It counts on one node. B34.
 */
import type { Clock, Limiter } from '../ports/system.ts'

/** Most keys that are remembered. Above this, the key that was idle longest is forgotten. */
const KEYS_MAX = 1_000_000
/** Expired times are removed from the array when there are this many. */
const COMPACT_AT = 64

interface Window {
  /** Times of counted requests, oldest first; those before `first` have expired. */
  moments: number[]
  first: number
  windowMs: number
}

/** Counts requests per key. */
export class SlidingWindowLimiter implements Limiter {
  private readonly clock: Clock
  private readonly keysMax: number
  /** In the order of the latest request, so that expired windows are at the front. */
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

  /** As `take`, but counts nothing. */
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
    // The next request is allowed when `limit - 1` are left. This also works after the limit was lowered.
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
