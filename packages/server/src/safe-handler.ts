/** The house's wrapper for functions that are no handlers: timers, webhooks, callbacks of other libraries. B38. */
import type { WireError } from '@roomful/protocol'
import { toRoomfulError } from './core/base/errors.ts'
import type { Observer } from './core/ports/observer.ts'

export type Safe<Result> = { status: 'ok'; result: Result } | ({ status: 'error' } & WireError)

/**
 * Wraps a function as handlers are wrapped: whatever it throws or rejects with is reported to the observer with its
 * arguments, and comes back as a friendly error instead of an exception. Never throws, never rejects.
 * @param name what the log calls it
 */
export function safeHandler<Args extends unknown[], Result>(
  observer: Observer,
  name: string,
  fn: (...args: Args) => Result | Promise<Result>,
): (...args: Args) => Promise<Safe<Awaited<Result>>> {
  return async (...args) => {
    try {
      return { status: 'ok', result: await fn(...args) }
    } catch (thrown) {
      const error = toRoomfulError(thrown)
      if (error.code === 'INTERNAL') {
        const fact = {
          namespace: '',
          event: name,
          userId: '',
          connectionId: '',
          payload: args,
          error: error.cause ?? error,
        }
        observer.observe({ type: 'handler:failed', ...fact })
      }
      return { status: 'error', ...error.toWire() }
    }
  }
}
