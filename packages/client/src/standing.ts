/**
 * Where we stand in a room's log, as a value. It comes from the answer to a join, never from the first event (V1),
 * and says of each event whether it is the next one, one we had, or one with something missing before it. Pure.
 */
import type { Position } from '@roomful/protocol'
import type { JoinReply, Reset } from './vocabulary.ts'

export interface Standing {
  readonly epoch: string | undefined
  /** Number of the last event that was handed on. */
  readonly seq: number | undefined
}

export type Verdict = 'next' | 'duplicate' | 'hole'

export const UNKNOWN: Standing = { epoch: undefined, seq: undefined }

export function judge({ seq: last }: Standing, seq: number): Verdict {
  if (last === undefined || seq === last + 1) return 'next'
  return seq <= last ? 'duplicate' : 'hole'
}

/** What to ask for when joining again; `undefined` on the first join, which replays nothing. */
export function resumeAfter({ epoch, seq }: Standing): Position | number | undefined {
  if (seq === undefined) return undefined
  return epoch === undefined ? seq : { epoch, seq }
}

export function afterJoin(standing: Standing, reply: JoinReply): { standing: Standing; reset: Reset | undefined } {
  const { epoch, roomId } = reply
  if (reply.recovered === true) return { standing: { epoch, seq: standing.seq ?? reply.seq }, reset: undefined }
  if (reply.recovered === undefined) {
    return { standing: { epoch, seq: Math.max(standing.seq ?? 0, reply.seq) }, reset: undefined }
  }
  const { reason = 'trimmed', from = reply.seq + 1, to = reply.seq } = reply
  return { standing: { epoch, seq: from - 1 }, reset: { roomId, reason, from, to } }
}

export function afterReset({ epoch }: Standing, { from }: Reset): Standing {
  return { epoch, seq: from - 1 }
}
