/**
 * How long to wait before the next attempt: full jitter, so that thousands of clients that were cut off together do not come
 * back together. (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.) C18.
 */
export interface BackoffOptions {
  /** Longest first wait, ms. */
  readonly baseMs: number
  /** Longest wait of all, ms. */
  readonly maxMs: number
  /** The random part of the wait: 0 none, 1 all of it. */
  readonly jitter: number
}

/** 1 s, doubled up to 30 s, all of it random. */
const RECONNECT_BACKOFF: BackoffOptions = { baseMs: 1_000, maxMs: 30_000, jitter: 1 }

/** Enough doublings to reach any limit; keeps the power finite. */
const MAX_DOUBLINGS = 32

/**
 * @param failures attempts that failed before this wait, from 0
 * @param random a number from 0 (included) to 1 (excluded)
 * @returns ms, at most `baseMs · 2^failures` and at most `maxMs`
 */
export function backoffMs(failures: number, random: number, options: BackoffOptions = RECONNECT_BACKOFF): number {
  const ceilingMs = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(failures, MAX_DOUBLINGS))
  return Math.round(ceilingMs * (1 - options.jitter * random))
}
