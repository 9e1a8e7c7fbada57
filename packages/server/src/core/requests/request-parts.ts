/** What requests of one namespace are made with: one object, so that a request carries a single reference to all of it. */
import type { Runtime } from '../base/runtime.ts'
import type { CatchUp } from '../log/catch-up.ts'
import type { Commit } from '../log/commit.ts'
import type { Delivery } from '../log/delivery.ts'
import type { FanOut } from '../log/fan-out.ts'
import type { SavedSessions } from '../log/saved-sessions.ts'
import type { Placement } from '../rooms/placement.ts'
import type { ContextParts } from './context.ts'
import type { Handlers } from './handlers.ts'
import type { Idempotency } from './idempotency.ts'

export interface RequestParts extends ContextParts {
  readonly runtime: Runtime
  readonly handlers: Handlers
  readonly commit: Commit
  readonly idempotency: Idempotency
  readonly fanOut: FanOut
  readonly delivery: Delivery
  readonly catchUp: CatchUp
  readonly placement: Placement
  readonly savedSessions: SavedSessions
}
