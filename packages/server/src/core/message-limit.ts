/** Messages that a user stores, per minute, over all connections. A repeat and a refusal are given back. B34. */
import type { Connection } from './connection.ts'
import { RoomfulError } from './errors.ts'
import type { Hub } from './hub.ts'

const MINUTE_MS = 60_000

export class MessageLimit {
  private readonly hub: Hub

  constructor(hub: Hub) {
    this.hub = hub
  }

  /** @returns how long to wait, ms; 0 when one was taken */
  take({ scope }: Connection): number {
    const { ratePerMinute } = this.hub.settings
    return ratePerMinute === 0 ? 0 : this.hub.limiter.take(scope, ratePerMinute, MINUTE_MS)
  }

  giveBack({ scope }: Connection): void {
    if (this.hub.settings.ratePerMinute > 0) this.hub.limiter.giveBack(scope)
  }

  /** The refusal that {@link take} asks for. */
  refusal({ id: connectionId }: Connection, retryAfterMs: number): RoomfulError {
    this.hub.observer.observe({ type: 'rate-limited', scope: 'user', connectionId })
    const message = `Rate limit exceeded: ${this.hub.settings.ratePerMinute} messages a minute`
    return new RoomfulError('RATE_LIMITED', message, { retryAfterMs })
  }
}
