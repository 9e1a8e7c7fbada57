/** A room's history as clients read it: one page at a time, in the plain form. M11. */
import { plainObject } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import { RoomEvent } from '../events/event.ts'
import type { Broker, StoredRow } from '../ports/broker.ts'
import { GROWING_TAIL, withText } from '../ports/facts.ts'
import type { NamespaceState } from '../state/namespace-state.ts'

/** Which events: the latest, those before or those after a number. */
export interface HistoryPage {
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit: number
}

/** Characters of JSON in a page: a hundred large events are more than a client should have to take at once. */
const PAGE_MAX_LENGTH = 1024 ** 2

export interface HistoryEvents {
  /** Oldest first, in the plain form; a redacted one says so. */
  events: Record<string, unknown>[]
  /** There are others in the direction in which the page was read. */
  more: boolean
}

/**
 * The caller has asked the room's rules.
 * @param nameOf what events are called where they are read
 */
export async function readHistory(
  { broker }: Pick<Runtime, 'broker'>,
  namespace: Pick<NamespaceState, 'name' | 'rooms'>,
  roomId: string,
  page: HistoryPage,
  nameOf: (type: string) => string = (type) => type,
): Promise<HistoryEvents> {
  const { events: stored, more } = await broker.history(namespace.name, roomId, page)
  const rows = stored.some(isGrowing) ? await withTexts(broker, namespace, roomId, stored) : stored
  const fitting = fit(rows, page.after !== undefined)
  const events = fitting.map((row) => plainObject(RoomEvent.fromRow(row), nameOf(row.type)))
  return { events, more: more || fitting.length < rows.length }
}

function isGrowing({ argsJson }: StoredRow): boolean {
  return argsJson.endsWith(GROWING_TAIL)
}

/** Messages that are being written have the text so far. */
async function withTexts(
  broker: Broker,
  namespace: Pick<NamespaceState, 'name' | 'rooms'>,
  roomId: string,
  rows: readonly StoredRow[],
): Promise<readonly StoredRow[]> {
  const texts = namespace.rooms.get(roomId)?.texts
  const growing = await broker.growing(namespace.name, roomId)
  const filled = rows.map(async (row): Promise<StoredRow> => {
    if (!isGrowing(row)) return row
    const text = texts?.get(row.seq)
    // What members that read along have: no more, or they would get a piece twice.
    if (text) return { ...row, argsJson: text.replay().argsJson }
    const stored = growing.find((each) => each.row.seq === row.seq)
    if (stored) return { ...row, argsJson: withText(row.argsJson, stored.fragment) }
    // It has ended since the page was read.
    const { events } = await broker.history(namespace.name, roomId, { after: row.seq - 1, limit: 1 })
    return events[0]?.seq === row.seq ? events[0] : row
  })
  return Promise.all(filled)
}

/** @returns as many as fit, from the end from which the page is read, and one in any case */
function fit(rows: readonly StoredRow[], isForward: boolean): readonly StoredRow[] {
  let length = 0
  const isOver = ({ argsJson }: StoredRow): boolean => {
    length += argsJson.length
    return length > PAGE_MAX_LENGTH
  }
  const over = isForward ? rows.findIndex(isOver) : rows.findLastIndex(isOver)
  if (over < 0) return rows
  return isForward ? rows.slice(0, Math.max(1, over)) : rows.slice(Math.min(rows.length - 1, over + 1))
}
