/**
 * Events of several rooms in the order in which they were committed: a heap of cursors, one per room, whose top has the
 * smallest `n`. Both logs read through it, so that both page alike.
 */
import { Buffer } from 'node:buffer'
import type { ReadLimits, StoredRow } from '../../../core/ports/broker.ts'

/** A room's rows in order, looked at one at a time. */
export interface RowCursor {
  /** `undefined` at the end. */
  readonly row: StoredRow | undefined
  next(): void
}

/** The smallest `n` first, up to the limits, and at least one row if there is one. */
export function mergeByN(cursors: readonly RowCursor[], limits: ReadLimits): StoredRow[] {
  const heap = cursors.filter((cursor) => cursor.row !== undefined)
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i)
  const rows: StoredRow[] = []
  let bytes = 0
  for (;;) {
    const row = heap[0]?.row
    if (row === undefined) return rows
    bytes += rowBytes(row)
    if (rows.length > 0 && (rows.length >= limits.events || bytes > limits.bytes)) return rows
    rows.push(row)
    advance(heap)
  }
}

/** What a row counts for in a page: its text as UTF-8, and a little for the numbers. */
function rowBytes(row: StoredRow): number {
  return ROW_OVERHEAD_BYTES + row.type.length + Buffer.byteLength(row.argsJson)
}

const ROW_OVERHEAD_BYTES = 32

function advance(heap: RowCursor[]): void {
  const top = heap[0] as RowCursor
  top.next()
  if (top.row === undefined) {
    const last = heap.pop() as RowCursor
    if (heap.length === 0) return
    heap[0] = last
  }
  sink(heap, 0)
}

function sink(heap: RowCursor[], from: number): void {
  const sinking = heap[from]
  if (sinking === undefined) return
  let at = from
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && order(heap[child + 1]) < order(heap[child])) child++
    if (order(heap[child]) >= order(sinking)) break
    heap[at] = heap[child] as RowCursor
    at = child
  }
  heap[at] = sinking
}

function order(cursor: RowCursor | undefined): number {
  return cursor?.row?.n ?? Number.POSITIVE_INFINITY
}
