/** Messages that a user stores, or a guest of an address, per minute, over all connections. A repeat and a refusal are given back. B34. */
import type { Connection } from './connection.ts'
import { RoomfulError } from './errors.ts'
import type { Hub } from './hub.ts'

export class MessageLimit {
  private readonly hub: Hub

  constructor(hub: Hub) {
    this.hub = hub
  }

  /** @returns how long to wait, ms; 0 when one was taken */
  take(connection: Connection): number {
    return this.hub.sharedLimits.takeMessage(connection)
  }

  giveBack(connection: Connection): void {
    this.hub.sharedLimits.giveMessageBack(connection)
  }

  /** The refusal that {@link take} asks for. */
  refusal({ id: connectionId }: Connection, retryAfterMs: number): RoomfulError {
    this.hub.observer.observe({ type: 'rate-limited', scope: 'user', connectionId })
    const message = `Rate limit exceeded: ${this.hub.settings.ratePerMinute} messages a minute`
    return new RoomfulError('RATE_LIMITED', message, { retryAfterMs })
  }
}
