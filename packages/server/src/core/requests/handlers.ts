/** What the requests of a namespace run: checks before each event, a handler for each, and the parts that they use. */
import { isRecord } from '@roomful/protocol'
import type { EventDefinition } from '../base/contract.ts'
import type { Runtime } from '../base/runtime.ts'
import type { CatchUp } from '../log/catch-up.ts'
import type { Commit } from '../log/commit.ts'
import type { Stored } from '../log/effects.ts'
import type { Delivery, FanOut } from '../log/fan-out.ts'
import type { SavedSessions } from '../log/saved-sessions.ts'
import type { Request } from '../ports/dialect.ts'
import type { Placement } from '../rooms/placement.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { Context, ContextParts } from './context.ts'
import type { Idempotency } from './idempotency.ts'

/** Runs at connect (`ctx.event` is undefined) and before each event; throws to refuse. */
export type Middleware = (context: Context) => void | Promise<void>
// biome-ignore lint/suspicious/noExplicitAny: what a handler takes is declared by a contract, checked by `on`'s overloads
export type Handler = (context: Context, ...args: any[]) => unknown
// biome-ignore lint/suspicious/noExplicitAny: the same arguments as the handler's
export type AckFrom = (first: Numbers, ...args: any[]) => unknown

export interface HandlerEntry {
  readonly handler: Handler
  readonly definition: EventDefinition | undefined
  /** Its data names an event of the room, or a version of its state, by a number. */
  readonly isByNumber: boolean
  /** Does not count towards the events of a second. */
  readonly uncounted: boolean
  /** The event that carries the acknowledgement when the request has no id; none without it. */
  readonly answerAs: string | undefined
  /** Makes the acknowledgement from the numbers of the first append, where it says nothing else: then none is stored. */
  readonly ackFrom: AckFrom | undefined
}

/** @returns the log of the room that the numbers in a request are of, as it was when the request came */
export function epochOf(handlers: Handlers, { namespace }: Connection, request: Request): string | undefined {
  if (request.epoch !== undefined || !handlers.byEvent.get(request.event)?.isByNumber) return request.epoch
  const [data] = request.args
  return isRecord(data) && typeof data.roomId === 'string' ? namespace.epochOf(data.roomId) : undefined
}

/** What the log gave to an event. */
export type Numbers = Pick<Stored, 'n' | 'seq' | 'ts'>

/** The checks and handlers of one namespace. */
export class Handlers {
  readonly middleware: Middleware[] = []
  readonly byEvent = new Map<string, HandlerEntry>()
  /** Of the events that are not among those. */
  others: HandlerEntry | undefined
}

/** What requests of one namespace are made with: one object, so that a request carries a single reference to all of it. */
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
