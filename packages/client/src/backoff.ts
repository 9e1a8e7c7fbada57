/**
 * How long to wait before trying again: full jitter, so that thousands who were cut off together do not come back together.
 * Pure; the chance comes from outside. (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.) C18.
 */
export interface BackoffOptions {
  /** Longest first wait. */
  readonly baseMs: number
  /** Longest wait at all. */
  readonly maxMs: number
  /** How much of the wait is left to chance: 0 none, 1 all of it. */
  readonly jitter: number
}

/** What the SDK waits: 1 s doubling to 30 s, all of it jittered. */
const RECONNECT_BACKOFF: BackoffOptions = { baseMs: 1_000, maxMs: 30_000, jitter: 1 }

/** Doublings after which any limit is reached; keeps the power finite. */
const MAX_DOUBLINGS = 32

/**
 * @param failures how many tries failed before this wait, from 0
 * @param chance a number from 0 (included) to 1 (excluded)
 * @returns ms, at most `baseMs · 2^failures` and at most `maxMs`
 */
export function backoffMs(failures: number, chance: number, options: BackoffOptions = RECONNECT_BACKOFF): number {
  const ceilingMs = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(failures, MAX_DOUBLINGS))
  return Math.round(ceilingMs * (1 - options.jitter * chance))
}
