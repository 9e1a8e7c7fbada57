/** Web Locks as signs of life: the browser releases them when their holder ends, however it ends. */

export type Locks = Pick<LockManager, 'request'>

/** @returns once the lock is held: a function that releases it */
export function hold(locks: Locks, name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    locks.request(name, () => new Promise<void>((release) => resolve(release))).catch(reject)
  })
}

/** Resolves when no other holds the lock any more. Rejects when `signal` is aborted. */
export async function untilFree(locks: Locks, name: string, signal?: AbortSignal): Promise<void> {
  await locks.request(name, { mode: 'shared', ...(signal && { signal }) }, () => undefined)
}
