/** The prices of one symbol as a page draws them: oldest first, and no more than it can show. */
export interface Series {
  /** Milliseconds since 1970, by the server. */
  readonly times: readonly number[]
  readonly prices: readonly number[]
}

export interface Price {
  readonly symbol: string
  readonly price: number
  readonly seq: number
  readonly ts: number
}

export type Board = ReadonlyMap<string, Series>

/** Half an hour, as much as the log keeps. */
const POINTS_MAX = 900

export const NO_SERIES: Series = { times: [], prices: [] }

/** @param prices in the order of their numbers */
export function withPrices(board: Board, prices: readonly Price[]): Board {
  const next = new Map(board)
  for (const { symbol, price, ts } of prices) {
    const { times, prices: known } = next.get(symbol) ?? NO_SERIES
    next.set(symbol, { times: [...times, ts].slice(-POINTS_MAX), prices: [...known, price].slice(-POINTS_MAX) })
  }
  return next
}

export interface Summary {
  readonly price: number
  readonly open: number
  readonly low: number
  readonly high: number
  /** Since the first price that is known. */
  readonly change: number
  /** The last step. */
  readonly step: number
}

export function summaryOf({ prices }: Series): Summary | undefined {
  const [open] = prices
  const price = prices.at(-1)
  if (open === undefined || price === undefined) return undefined
  const before = prices.at(-2) ?? price
  return {
    price,
    open,
    low: Math.min(...prices),
    high: Math.max(...prices),
    change: price / open - 1,
    step: price - before,
  }
}
