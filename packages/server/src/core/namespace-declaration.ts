/** What an application declares of a namespace: how open it is, the checks before each event, a handler for each. Types only. */
import type { Context } from './context.ts'
import type { EventDefinition } from './contract.ts'
import type { Stored } from './effects.ts'

export interface NamespaceOptions {
  /** Rooms that no pattern matches are allowed. Default: true without any declared room. */
  readonly open?: boolean
  /** Lets in who has no token, as a guest. */
  readonly guests?: boolean
  /** Lets in everyone as a guest, and does not look at tokens. */
  readonly anonymous?: boolean
  /** Tells nobody who else comes and goes, nor how many there are; rooms still tell their members. */
  readonly quiet?: boolean
  /** Understands document 000's commands: the first one makes a connection classic. */
  readonly classic?: boolean
}

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
