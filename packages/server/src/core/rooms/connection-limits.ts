/** What one connection may do in a second. Refusals are counted for whoever watches, and say how long to wait. C12. */

import { RoomfulError } from '../base/errors.ts'
import { RateWindow } from '../base/rate-window.ts'
import type { Runtime } from '../base/runtime.ts'
import type { Connection } from '../state/namespace-state.ts'

/** Joins are cheap, but not free. L8. */
export const JOINS_PER_SECOND = 50
const SECOND_MS = 1_000

/** @throws RoomfulError RATE_LIMITED */
export function takeEvent(runtime: Runtime, connection: Connection): void {
  const { ratePerSecond } = runtime.settings
  if (ratePerSecond === 0) return
  connection.rate ??= new RateWindow(ratePerSecond)
  take(runtime, connection, connection.rate, 'connection', undefined)
}

/** An event that was taken counts as `cost` of them, since its answer is large. */
export function chargeEvent({ clock }: Runtime, connection: Connection, cost: number): void {
  connection.rate?.charge(clock.monotonic(), cost - 1)
}

/** @throws RoomfulError RATE_LIMITED */
export function takeJoin(runtime: Runtime, connection: Connection): void {
  if (runtime.settings.ratePerSecond === 0) return
  connection.joinRate ??= new RateWindow(JOINS_PER_SECOND)
  take(runtime, connection, connection.joinRate, 'join', `Rate limit exceeded: ${JOINS_PER_SECOND} joins a second`)
}

function take(
  runtime: Runtime,
  connection: Connection,
  window: RateWindow,
  scope: 'connection' | 'join',
  message: string | undefined,
): void {
  const now = runtime.clock.monotonic()
  const retryAfterMs = window.take(now, SECOND_MS)
  if (retryAfterMs === 0 || (scope === 'connection' && takeOfBurst(connection, now))) return
  runtime.observer.observe({ type: 'rate-limited', scope, connectionId: connection.id })
  throw new RoomfulError('RATE_LIMITED', message, { retryAfterMs })
}

/** What its client could not send while it was cut off comes at once. L18. */
function takeOfBurst(connection: Connection, now: number): boolean {
  const { burst } = connection
  if (burst && burst.left > 0 && now < burst.until) {
    burst.left--
    return true
  }
  connection.burst = undefined
  return false
}
