/**
 * What the application's backend is to be sent of a namespace (webhooks): rows of a room that no client can name. A row about
 * an event is stored in the same commit as the event, so that neither is there without the other.
 */
import type { Append } from '../ports/broker.ts'

/** No room of a client begins with a control character. */
export const OUTBOX = '\u0001outbox'

/** Of a row about an event that stands `back` commits before it. */
export interface OutboxNote {
  readonly back: number
  readonly roomId: string
  readonly type: string
}

/** The type of such a row. Its arguments are the note and those of the event. */
export const STORED_NOTE = 'stored'

/** @param group which keeps the two together */
export function noteOf(append: Append, group: number, back: number): Append {
  const { roomId, type, argsJson } = append
  const note: OutboxNote = { back, roomId, type }
  return {
    ...append,
    roomId: OUTBOX,
    type: STORED_NOTE,
    argsJson: `[${JSON.stringify(note)},${argsJson}]`,
    limits: undefined,
    sharesLimits: undefined,
    ack: undefined,
    aboutSeq: undefined,
    epoch: undefined,
    change: undefined,
    traceparent: undefined,
    atomicGroup: group,
  }
}
