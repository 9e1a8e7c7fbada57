/** What the server told of itself: its limits, and its time, in which keys are made and ages are counted. */
import type { Limits } from '@roomful/protocol'
import type { Clock } from './environment.ts'

export class ServerFacts {
  /** As told in `welcome`; nothing before the first one. */
  limits: Partial<Limits> = {}
  readonly #clock: Clock
  #offsetMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  learn({ now, limits }: { now?: number; limits?: Record<string, number> }): void {
    if (typeof now === 'number') this.#offsetMs = now - this.#clock.now()
    if (limits) this.limits = limits
  }

  /** Milliseconds since 1970 by the server's clock, as well as it is known. */
  now(): number {
    return this.#clock.now() + this.#offsetMs
  }
}
