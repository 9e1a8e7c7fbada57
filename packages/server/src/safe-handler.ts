/** Error handling for functions that are no event handlers: timers, webhooks, callbacks of libraries. B38. */
import type { WireError } from '@roomful/protocol'
import { toRoomfulError } from './core/base/errors.ts'
import type { Observer } from './core/ports/observer.ts'

/** What a safe function resolves with: its result, or an error to show. */
export type Safe<Result> = { status: 'ok'; result: Result } | ({ status: 'error' } & WireError)

/**
 * Wraps a function so that it never throws or rejects. An unexpected error is reported to the observer with the arguments,
 * and the result is an error that can be shown to a user.
 * @param name the name in logs
 * @example
 * const refresh = roomful.safeHandler('refresh prices', () => fetchPrices())
 * const answer = await refresh()
 * if (answer.status === 'ok') show(answer.result)
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
