/** What one connection may do in a second. Refusals are counted for whoever watches, and say how long to wait. C12. */
import type { Connection } from './connection.ts'
import { RoomfulError } from './errors.ts'
import type { Hub } from './hub.ts'
import { RateWindow } from './rate-window.ts'

/** Joins are cheap, but not free. DESIGN 5. */
export const JOINS_PER_SECOND = 50
const SECOND_MS = 1_000

/** @throws RoomfulError RATE_LIMITED */
export function takeEvent(hub: Hub, connection: Connection): void {
  const { ratePerSecond } = hub.settings
  if (ratePerSecond === 0) return
  connection.rate ??= new RateWindow(ratePerSecond)
  take(hub, connection.id, connection.rate, 'connection', undefined)
}

/** An event that was taken counts as `cost` of them, since its answer is large. */
export function chargeEvent(hub: Hub, connection: Connection, cost: number): void {
  connection.rate?.charge(hub.clock.monotonic(), cost - 1)
}

/** @throws RoomfulError RATE_LIMITED */
export function takeJoin(hub: Hub, connection: Connection): void {
  if (hub.settings.ratePerSecond === 0) return
  connection.joinRate ??= new RateWindow(JOINS_PER_SECOND)
  take(hub, connection.id, connection.joinRate, 'join', `Rate limit exceeded: ${JOINS_PER_SECOND} joins a second`)
}

function take(
  hub: Hub,
  connectionId: string,
  window: RateWindow,
  scope: 'connection' | 'join',
  message: string | undefined,
): void {
  const retryAfterMs = window.take(hub.clock.monotonic(), SECOND_MS)
  if (retryAfterMs === 0) return
  hub.observer.observe({ type: 'rate-limited', scope, connectionId })
  throw new RoomfulError('RATE_LIMITED', message, { retryAfterMs })
}
