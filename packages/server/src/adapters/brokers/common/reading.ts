/** How every log reads: events of several rooms in the order of commits, pages of one room, and where a commit stands. */
import { Buffer } from 'node:buffer'
import type { ReadLimits, StoredRow } from '../../../core/ports/broker.ts'

/** A room's rows in order, looked at one at a time. */
export interface Cursor {
  /** Where the row stands among those of all rooms; infinity at the end. */
  readonly order: number
  next(): void
}

/**
 * Rows of several rooms in the order in which they were committed: gives the cursor with the earliest row again and again.
 * Each must be looked at before the next is asked for.
 */
export function* inOrder<C extends Cursor>(cursors: Iterable<C>): Generator<C> {
  const heap = Array.from(cursors).filter((cursor) => cursor.order < Number.POSITIVE_INFINITY)
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i)
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    yield top
    top.next()
    if (top.order === Number.POSITIVE_INFINITY) {
      const last = heap.pop()
      if (heap.length > 0 && last !== undefined) heap[0] = last
    }
    sink(heap, 0)
  }
}

/** The first rows up to the limits, and at least one if there is one. */
export function takePage(rows: Iterable<StoredRow>, limits: ReadLimits): StoredRow[] {
  const page: StoredRow[] = []
  let bytes = 0
  for (const row of rows) {
    bytes += rowBytes(row)
    if (page.length > 0 && bytes > limits.bytes) break
    page.push(row)
    if (page.length >= limits.events) break
  }
  return page
}

const ROW_OVERHEAD_BYTES = 32

/** What a row counts for in a page: its text as UTF-8, and a little for the numbers. */
export function rowBytes(row: StoredRow): number {
  return ROW_OVERHEAD_BYTES + row.type.length + Buffer.byteLength(row.argsJson)
}

function sink<C extends Cursor>(heap: C[], from: number): void {
  const sinking = heap[from]
  if (sinking === undefined) return
  let at = from
  for (;;) {
    const left = heap[2 * at + 1]
    const right = heap[2 * at + 2]
    if (left === undefined) break
    const isRight = right !== undefined && right.order < left.order
    const child = isRight ? right : left
    if (child.order >= sinking.order) break
    heap[at] = child
    at = 2 * at + (isRight ? 2 : 1)
  }
  heap[at] = sinking
}

/** Which page of a room's history: the latest, the one before or the one after a number. */
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
 * The numbers of a page.
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

/** Where a room's log stands. */
export interface Numbered {
  /** Lowest number still readable; `seq + 1` when nothing is. */
  readonly first: number
  /** Latest number given. */
  readonly seq: number
  /** The commit of the number before `first`; 0 when that is the first of all. */
  readonly trimmedN: number
}

/**
 * Where a commit stands in a room: numbers and commits grow together, so it is found by halving.
 * @param n the commit
 * @param latest commit of the namespace: from there on nothing is missing, whatever was trimmed
 * @param commitOf the commit number of a readable event
 * @returns the last number stored up to `n`; -1 when that was trimmed and is not known
 */
export function seqAt(
  { first, seq, trimmedN }: Numbered,
  n: number,
  latest: number,
  commitOf: (seq: number) => number | undefined,
): number {
  if (n >= latest || seq === 0) return seq
  let low = first - 1
  let high = seq
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((commitOf(middle) ?? Number.POSITIVE_INFINITY) <= n) low = middle
    else high = middle - 1
  }
  return low >= first || n >= trimmedN ? low : -1
}
