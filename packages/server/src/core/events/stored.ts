/** A durable event once it is in the log: its numbers, and what listeners receive. */
import type { Appended } from '../ports/broker.ts'

/** What the log said of a durable event. */
export interface Stored {
  readonly id: string
  readonly roomId: string
  readonly seq: number
  readonly n: number
  readonly ts: number
  /** A repeat: these are the numbers of the first time. */
  readonly duplicate: boolean
}

/** A durable event as listeners of `stored` receive it. */
export interface StoredEvent extends Omit<Stored, 'duplicate'> {
  readonly type: string
  readonly args: readonly unknown[]
  /** The first argument; most events have no other. */
  readonly data: unknown
  /** Who caused it; `undefined` for the server itself. */
  readonly userId: string | undefined
  /** The idempotency key of its request. */
  readonly key: string | undefined
}

export function toStored(roomId: string, result: Extract<Appended, { n: number }>): Stored {
  const { n, seq, ts, status } = result
  return { id: `${roomId}-${seq}`, roomId, seq, n, ts, duplicate: status === 'duplicate' }
}
