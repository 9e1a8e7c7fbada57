/**
 * Reads a page of notifications from an inbox. By timestamp, a notification is returned only when its millisecond is over:
 * another one with the same timestamp could follow, and the next request would not find it.
 */
import { type Cursor, parseCursor } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import type { Namespace } from '../../core/namespace.ts'
import type { StoredRow } from '../../core/ports/broker.ts'

const PAGE_MAX = 100
const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

/** A cursor, a time in ms since 1970, or undefined for the newest notifications. */
export type Since = Cursor | number | undefined

/** A page of an inbox. */
export interface NotificationPage {
  readonly rows: readonly StoredRow[]
  /** The commit up to which everything has been returned. */
  readonly n: number
  /** Some are of the current millisecond: read again when it is over. */
  readonly isHeldBack: boolean
}

/** Reads the parameter `since`. @throws RoomfulError INVALID_MESSAGE */
export function parseSince(text: string | undefined): Since {
  if (text === undefined || text === '') return undefined
  const moment = /^\d{1,16}$/.test(text) ? Number(text) : ISO.test(text) ? Date.parse(text) : Number.NaN
  const since = Number.isSafeInteger(moment) ? moment : parseCursor(text)
  if (since !== undefined) return since
  const sentence = 'since must be milliseconds since 1970, an ISO 8601 time with its zone, or a cursor'
  throw new RoomfulError('INVALID_MESSAGE', sentence, { field: 'since' })
}

/** Reads one page. @throws RoomfulError (rejects) CURSOR_INVALID */
export async function readPage(hub: Hub, namespace: Namespace, inbox: string, since: Since): Promise<NotificationPage> {
  const { headN } = namespace.state // events stored after this may be missing in the page
  const isByTime = typeof since === 'number'
  const now = hub.runtime.clock.now()
  const found: StoredRow[] = []
  let after = since === undefined ? undefined : await seqBefore(hub, namespace, inbox, since)
  let before: number | undefined
  for (let more = true; more && found.length <= PAGE_MAX + tiesOf(found, isByTime); ) {
    const page = { ...(after === undefined ? { before } : { after }), limit: PAGE_MAX }
    const { events, more: hasMore } = await hub.runtime.broker.history(namespace.name, inbox, page)
    const shown = events.filter(({ type, redacted }) => type === 'notification' && !redacted)
    if (after === undefined) found.unshift(...shown)
    else found.push(...shown)
    if (after === undefined) before = events[0]?.seq
    else after = events.at(-1)?.seq ?? after
    more = hasMore && events.length > 0
  }
  const settled = typeof since !== 'object' ? found.filter(({ ts }) => ts < now) : found
  const rows = since === undefined ? settled.slice(-PAGE_MAX) : settled.slice(0, pageLength(settled, isByTime))
  // Without a position the page ends at the newest notification, with one it ends where it is full.
  const next = since === undefined ? found[settled.length] : found[rows.length]
  const n = next ? next.n - 1 : Math.max(headN, found.at(-1)?.n ?? 0)
  return { rows, n, isHeldBack: settled.length < found.length }
}

/** If a whole page has one timestamp: how many more notifications have the same. */
function tiesOf(found: readonly StoredRow[], isByTime: boolean): number {
  const [first] = found
  if (!isByTime || first === undefined || found[PAGE_MAX]?.ts !== first.ts) return 0
  return found.findLastIndex(({ ts }) => ts === first.ts) + 1 - PAGE_MAX
}

/** A page by timestamp does not end between two notifications of one millisecond. */
function pageLength(found: readonly StoredRow[], isByTime: boolean): number {
  const left = found[PAGE_MAX]
  if (left === undefined || !isByTime) return PAGE_MAX
  const end = found.findIndex(({ ts }) => ts === left.ts)
  return end > 0 ? end : PAGE_MAX + tiesOf(found, isByTime)
}

/** The last number at or before a time or a cursor, by binary search: numbers, commits and times grow together. */
async function seqBefore(hub: Hub, { name, state }: Namespace, inbox: string, since: Cursor | number): Promise<number> {
  if (typeof since === 'object') {
    const { broker } = hub.runtime
    if (since.logId !== state.logId) await broker.heads(name, []) // the client may know of a newer log than this node
    const { n, positions } = await broker.positions(name, since.n, [inbox])
    if (since.logId === state.logId && since.n <= n) return Math.max(0, positions[0]?.seq ?? 0)
    throw new RoomfulError('CURSOR_INVALID', undefined, { field: 'since' })
  }
  const [head] = await hub.runtime.broker.heads(name, [inbox])
  let low = (head?.first ?? 1) - 1
  let high = head?.seq ?? 0
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [row] = (await hub.runtime.broker.history(name, inbox, { after: middle, limit: 1 })).events
    if (row === undefined || row.ts > since) high = middle
    else low = row.seq
  }
  return low
}
