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
  /** Number of the last message that was read; `undefined` marks none. */
  readonly readUntil?: number | undefined
  /** Own messages are never news. */
  readonly ownId?: string | undefined
}

/** Messages of one author further apart than this are told apart. */
const GROUP_MS = 5 * 60_000

export function toRows(messages: readonly Message[], { isWhole, readUntil, ownId }: RowOptions): Row[] {
  const rows: Row[] = isWhole ? [{ kind: 'start', key: 'start' }] : []
  let before: Message | undefined
  let isMarked = readUntil === undefined
  for (const message of messages) {
    const isNewDay = before === undefined || dayOf(before.ts) !== dayOf(message.ts)
    if (isNewDay) rows.push({ kind: 'day', key: `day ${dayOf(message.ts)}`, ts: message.ts })
    const isNews = !isMarked && message.status === 'sent' && message.seq > (readUntil ?? 0) && message.userId !== ownId
    if (isNews) rows.push({ kind: 'unread', key: 'unread' })
    isMarked ||= isNews
    const isFirst = isNewDay || isNews || before?.userId !== message.userId || message.ts - before.ts > GROUP_MS
    rows.push({ kind: 'message', key: message.localId, message, isFirst })
    before = message
  }
  return rows
}

function dayOf(ts: number): string {
  return new Date(ts).toDateString()
}
