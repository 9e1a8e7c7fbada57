/** Which numbers one page of a room's history spans: arithmetic on its head, the same for both logs. */
export interface HistoryPage {
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit: number
}

export interface Span {
  /** First number of the page. */
  readonly from: number
  /** Last number of the page; below `from` when the page is empty. */
  readonly to: number
  /** Whether there is more in the direction asked for. */
  readonly more: boolean
}

/**
 * @param first lowest number still readable
 * @param seq latest number
 */
export function spanOf(page: HistoryPage, first: number, seq: number): Span {
  const low = Math.max(first, (page.after ?? 0) + 1)
  const high = Math.min(seq, (page.before ?? seq + 1) - 1)
  if (high < low || page.limit < 1) return { from: low, to: low - 1, more: high >= low }
  const isForward = page.after !== undefined
  return isForward
    ? { from: low, to: Math.min(high, low + page.limit - 1), more: high > low + page.limit - 1 }
    : { from: Math.max(low, high - page.limit + 1), to: high, more: low < high - page.limit + 1 }
}
