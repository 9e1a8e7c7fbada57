/** Messages that a user stores, or a guest of an address, per minute, over all connections. A repeat and a refusal are given back. B34. */
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { SharedLimits } from '../state/shared-limits.ts'

export class MessageLimit {
  private readonly runtime: Runtime
  private readonly sharedLimits: SharedLimits

  constructor(runtime: Runtime, sharedLimits: SharedLimits) {
    this.runtime = runtime
    this.sharedLimits = sharedLimits
  }

  /** @returns how long to wait, ms; 0 when one was taken */
  take(connection: Connection): number {
    return this.sharedLimits.takeMessage(connection)
  }

  giveBack(connection: Connection): void {
    this.sharedLimits.giveMessageBack(connection)
  }

  /** The refusal that {@link take} asks for. */
  refusal({ id: connectionId }: Connection, retryAfterMs: number): RoomfulError {
    this.runtime.observer.observe({ type: 'rate-limited', scope: 'user', connectionId })
    const message = `Rate limit exceeded: ${this.runtime.settings.ratePerMinute} messages a minute`
    return new RoomfulError('RATE_LIMITED', message, { retryAfterMs })
  }
}
