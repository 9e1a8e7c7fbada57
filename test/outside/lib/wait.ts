/** Waiting for what cannot announce itself: a bounded poll for state behind HTTP or /proc, and a bound on a promise. */
import { setTimeout as delay } from 'node:timers/promises'

export interface UntilOptions {
  timeoutMs?: number
  everyMs?: number
  what?: string
}

/** Asks `probe` again and again until it answers something truthy. @throws when that takes longer than `timeoutMs`. */
export async function until<T>(probe: () => Promise<T> | T, options: UntilOptions = {}): Promise<NonNullable<T>> {
  const { timeoutMs = 5000, everyMs = 20, what = 'the condition' } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await probe()
    if (value) return value as NonNullable<T>
    if (performance.now() > deadline) throw new Error(`${what} did not come true within ${timeoutMs} ms`)
    await delay(everyMs)
  }
}

/** @throws when `promise` has not settled after `timeoutMs`. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
