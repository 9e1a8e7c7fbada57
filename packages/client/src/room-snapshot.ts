/** A room as a page renders it: everything that can change on the screen, as one value. */
import type { RoomfulError } from './errors.ts'
import type { Member, Typist } from './vocabulary.ts'

/** `waiting` for a connection, `joining`, `joined`, or `refused` by the server, with its reason. */
export type RoomStatus = 'waiting' | 'joining' | 'joined' | 'refused'

/** What a page shows of a room; the same object until something changes. */
export interface RoomSnapshot {
  readonly status: RoomStatus
  readonly members: readonly Member[]
  /** All members, listed or not. */
  readonly count: number
  readonly typists: readonly Typist[]
  /** Why we are not in it. */
  readonly error: RoomfulError | undefined
}
