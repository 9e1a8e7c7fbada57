/** A promise that is settled from outside, by its deadline, or by its signal, whichever comes first. */
import type { Clock } from './environment.ts'
import type { RoomfulError } from './errors.ts'

export interface DeferredOptions {
  readonly clock: Clock
  /** No deadline without it. */
  readonly timeoutMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly timeoutError: () => RoomfulError
  /** Called once, before the promise says anything. */
  readonly onSettled: () => void
}

export interface Deferred {
  readonly promise: Promise<unknown>
  /** Rejects with `error` when there is one. The second call and later ones do nothing. */
  settle(error: unknown, value?: unknown): void
}

/** @throws the signal's reason when it is aborted already */
export function defer({ clock, timeoutMs, signal, timeoutError, onSettled }: DeferredOptions): Deferred {
  signal?.throwIfAborted()
  let settle: Deferred['settle'] | undefined
  const promise = new Promise((resolve, reject) => {
    settle = (error, value) => {
      if (!settle) return
      settle = undefined
      cancelTimer?.()
      signal?.removeEventListener('abort', onAbort)
      onSettled()
      if (error === undefined) resolve(value)
      else reject(error)
    }
  })
  const onAbort = (): void => settle?.(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  const cancelTimer = timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => settle?.(timeoutError()))
  return { promise, settle: (error, value) => settle?.(error, value) }
}
