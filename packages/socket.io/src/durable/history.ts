/** What a room had, for clients that do not come back by themselves, and for those that come later. */
import type { RoomLog } from '@roomful/server/core'
import type { Room } from '../adapter.ts'
import { EVERYONE, roomIdOf } from './room-names.ts'

export interface HistoryPage {
  /** Events with a lower number. */
  before?: number
  /** Events with a higher number. */
  after?: number
  /** Default 50. */
  limit?: number
}

/** A durable event as it was stored. */
export interface HistoryEvent {
  readonly event: string
  readonly args: readonly unknown[]
  /** Its number in the room. */
  readonly seq: number
  /** When it was stored, ms since 1970. */
  readonly ts: number
}

export interface HistoryEvents {
  readonly events: readonly HistoryEvent[]
  /** There are others in the direction in which the page was read. */
  readonly more: boolean
}

const LIMIT = 50

export async function readHistory(
  log: RoomLog,
  room: Room | undefined,
  { before, after, limit = LIMIT }: HistoryPage,
): Promise<HistoryEvents> {
  const roomId = room === undefined ? EVERYONE : roomIdOf(room)
  if (roomId === undefined) return { events: [], more: false }
  const { events, more } = await log.history(roomId, { before, after, limit })
  return { events: events.map(({ type: event, args, seq, ts }) => ({ event, args, seq, ts })), more }
}
