/** A room's log as those see it who look back: one page at a time, in the plain form. WIRE 8. */
import { plainObject } from '@roomful/protocol'
import { RoomEvent } from './event.ts'
import type { Hub } from './hub.ts'
import type { Namespace } from './namespace.ts'

/** Which events: the latest, those before or those after a number. */
export interface HistoryPage {
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit: number
}

export interface HistoryEvents {
  /** Oldest first, in the plain form; a redacted one says so. */
  events: Record<string, unknown>[]
  /** There are others in the direction in which the page was read. */
  more: boolean
}

/**
 * Rules are the caller's to ask.
 * @param nameOf what events are called where they are read
 */
export async function readHistory(
  hub: Hub,
  namespace: Namespace,
  roomId: string,
  page: HistoryPage,
  nameOf: (type: string) => string = (type) => type,
): Promise<HistoryEvents> {
  const { events, more } = await hub.broker.history(namespace.name, roomId, page)
  return { events: events.map((row) => plainObject(RoomEvent.fromRow(row), nameOf(row.type))), more }
}
