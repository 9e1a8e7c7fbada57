/**
 * Facts of a room: keyed values beside its log, each with a version, changed in the transaction of the appends that they come
 * with. A message that is being written is one: its version is the length so far. When it ends, its row in the log becomes
 * whole, and the fact is gone.
 */
/** Arguments of an event that begins a message end in this: the text comes in its place. */
export const GROWING_TAIL = '"content":"","streaming":true}]'

/**
 * What an append does to a fact. Texts are fragments of JSON, without quotes, so that they join without being parsed; their
 * lengths are in UTF-16 units of the text itself.
 */
export type FactChange = TextChange | StateChange

/** A change of the state of a room, or of how far a user has read. No event. */
export type StateChange =
  /** `value`: JSON. `version`: which it must have, 0 where there must be none. */
  | { readonly kind: 'set'; readonly name: string; readonly value: string; readonly version: number | undefined }
  | { readonly kind: 'delete'; readonly name: string; readonly version: number | undefined }
  /** A whole number grows; one that is not there begins at 0. */
  | { readonly kind: 'add'; readonly name: string; readonly by: number }
  /** How far a user has read: it never goes back. */
  | { readonly kind: 'read'; readonly name: string; readonly seq: number }

export type TextChange =
  /** The event begins a message; its arguments end in {@link GROWING_TAIL}. */
  | { readonly kind: 'begin'; readonly fragment: string; readonly length: number }
  /** Adds to a message. `at` is its length before; a repeat changes nothing. Without a text it only says that the writer is there. */
  | {
      readonly kind: 'extend'
      readonly seq: number
      readonly at: number
      readonly fragment: string
      readonly length: number
    }
  /** The event ends a message of this length. `tail`: what follows the text in its row, up to the end of the arguments. */
  | { readonly kind: 'end'; readonly seq: number; readonly length: number; readonly tail: string }
  /** A message that has ended grows again. `was`: the arguments in its row; `argsJson`: those that it begins with. */
  | {
      readonly kind: 'resume'
      readonly seq: number
      readonly was: string
      readonly argsJson: string
      readonly fragment: string
      readonly length: number
    }

/** How a fact is after a change, or was when one was refused. */
export interface FactStand {
  /** 0 when there is none. */
  readonly version: number
  /** JSON; missing for a text, and when there is none. */
  readonly value?: string | undefined
}

export interface Changed extends FactStand {
  readonly status: 'changed'
  readonly ts: number
  /** It was so already: nothing was added. */
  readonly isRepeat: boolean
}

/** A change of another node. */
export interface NotedChange {
  readonly roomId: string
  readonly change: FactChange
  /** Of state: how it is now. */
  readonly stand?: FactStand | undefined
  readonly userId?: string | undefined
}

/** An entry of the state of a room. Versions are those of the room: its latest is `fv`. */
export interface StateEntry {
  readonly name: string
  readonly value: string
  readonly version: number
}

/** The state of a room. */
export interface StoredState {
  readonly fv: number
  readonly entries: readonly StateEntry[]
}

export function isStateChange(change: FactChange): change is StateChange {
  return change.kind === 'set' || change.kind === 'delete' || change.kind === 'add' || change.kind === 'read'
}

/** Under which key a log keeps it. */
export function keyOfFact({ kind, name }: StateChange): string {
  return kind === 'read' ? `r${name}` : `s${name}`
}

/** An append that is an event, and not only a change of a fact. */
export function isEvent({ change }: { readonly change?: FactChange | undefined }): boolean {
  return change === undefined || change.kind === 'begin' || change.kind === 'end'
}

/** The arguments of a message with its text so far. */
export function withText(argsJson: string, fragment: string): string {
  return `${argsJson.slice(0, -GROWING_TAIL.length)}"content":"${fragment}","streaming":true}]`
}

/** The arguments of a message that has ended. */
export function withWholeText(argsJson: string, fragment: string, tail: string): string {
  return `${argsJson.slice(0, -GROWING_TAIL.length)}"content":"${fragment}",${tail}`
}

/** A text as a fragment of JSON. */
export function fragmentOf(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
