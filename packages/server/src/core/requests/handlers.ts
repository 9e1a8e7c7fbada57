/** What an application declares for the requests of a namespace: checks before each event, and a handler for each. */

import type { EventDefinition } from '../base/contract.ts'
import type { Stored } from '../log/effects.ts'
import type { Context } from '../requests/context.ts'

/** Runs at connect (`ctx.event` is undefined) and before each event; throws to refuse. */
export type Middleware = (context: Context) => void | Promise<void>
// biome-ignore lint/suspicious/noExplicitAny: what a handler takes is declared by a contract, checked by `on`'s overloads
export type Handler = (context: Context, ...args: any[]) => unknown
// biome-ignore lint/suspicious/noExplicitAny: the same arguments as the handler's
export type AnswerOf = (first: Numbers, ...args: any[]) => unknown

export interface HandlerEntry {
  readonly handler: Handler
  readonly definition: EventDefinition | undefined
  /** Does not count towards the events of a second. */
  readonly uncounted: boolean
  /** The event that carries the answer when the request has no id; none without it. */
  readonly answerAs: string | undefined
  /** Makes the answer from the numbers of the first append, where it says nothing else: then none is kept for a repeat. */
  readonly answerOf: AnswerOf | undefined
}

/** What the log gave to an event. */
export type Numbers = Pick<Stored, 'n' | 'seq' | 'ts'>

/** The checks and handlers of one namespace. */
export class Handlers {
  readonly middleware: Middleware[] = []
  readonly byEvent = new Map<string, HandlerEntry>()
}
