/** Messages as the rows of a list: by day, and within it by author. */
import type { Message } from '@roomful/react'

export type Row =
  | { readonly kind: 'start'; readonly key: 'start' }
  | { readonly kind: 'day'; readonly key: string; readonly ts: number }
  /** Between what was read and what was not. */
  | { readonly kind: 'unread'; readonly key: 'unread' }
  /** `isFirst` of its author's: with the name and the time. */
  | { readonly kind: 'message'; readonly key: string; readonly message: Message; readonly isFirst: boolean }

export interface RowOptions {
  /** Nothing lies before the first message. */
  readonly isWhole: boolean
  /** `localId` of the first message that is new; `undefined` marks none. */
  readonly unread?: string | undefined
}

/** Messages of one author further apart than this are not grouped. */
const GROUP_MS = 5 * 60_000

export function toRows(messages: readonly Message[], { isWhole, unread }: RowOptions): Row[] {
  const rows: Row[] = isWhole ? [{ kind: 'start', key: 'start' }] : []
  let before: Message | undefined
  for (const message of messages) {
    const isNewDay = before === undefined || dayOf(before.ts) !== dayOf(message.ts)
    if (isNewDay) rows.push({ kind: 'day', key: `day ${dayOf(message.ts)}`, ts: message.ts })
    const isNews = message.localId === unread
    if (isNews) rows.push({ kind: 'unread', key: 'unread' })
    const isFirst = isNewDay || isNews || before?.userId !== message.userId || message.ts - before.ts > GROUP_MS
    rows.push({ kind: 'message', key: message.localId, message, isFirst })
    before = message
  }
  return rows
}

function dayOf(ts: number): string {
  return new Date(ts).toDateString()
}
