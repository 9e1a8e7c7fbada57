/**
 * Events of several rooms in the order in which they were committed: a heap of cursors, one per room, whose top is the
 * earliest. Both logs read through it, so that both page alike.
 */
import { Buffer } from 'node:buffer'
import type { ReadLimits, StoredRow } from '../../../core/ports/broker.ts'

/** A room's rows in order, looked at one at a time. */
export interface Cursor {
  /** Where the row stands among those of all rooms; infinity at the end. */
  readonly order: number
  next(): void
}

/** Gives the cursor with the earliest row again and again; each must be looked at before the next is asked for. */
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
