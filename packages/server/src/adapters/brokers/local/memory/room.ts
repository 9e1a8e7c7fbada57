/**
 * One room of the memory log: its rows in a ring whose place for a row is `seq` modulo the ring's size, so that appending,
 * finding and dropping the oldest are each one array access.
 */
import type { StoredRow } from '../../../../core/ports/broker.ts'
import { type Cursor, inOrder } from '../../common/merge.ts'
import type { Writer } from './writers.ts'

const SMALLEST_RING = 16

export class MemoryRoom {
  readonly roomId: string
  /** The random half of its epoch. */
  readonly epoch: string
  /** Latest number given. */
  seq = 0
  /** Lowest number still here; `seq + 1` when nothing is. */
  first = 1
  /** The commit of the latest number that went. */
  trimmedN = 0
  retention: number
  /** When it was last let go of, ms since 1970. */
  idleSinceMs: number
  lastTs = 0
  /** How far it was delivered to its owner, for an inbox. */
  mark = 0
  /** Rows that went before their turn in the log-wide order of age came. */
  droppedEarly = 0
  private ring: (StoredRow | undefined)[] = []
  /** The writer of each row; none once the row was emptied to make room. */
  private writers: (Writer | undefined)[] = []

  constructor(roomId: string, epoch: string, retention: number, nowMs: number) {
    this.roomId = roomId
    this.epoch = epoch
    this.retention = retention
    this.idleSinceMs = nowMs
  }

  get count(): number {
    return this.seq - this.first + 1
  }

  /** The row's number must be the next one. */
  push(row: StoredRow, writer: Writer): void {
    if (this.count === this.ring.length) this.grow()
    this.ring[row.seq & (this.ring.length - 1)] = row
    this.writers[row.seq & (this.ring.length - 1)] = writer
    this.seq = row.seq
    this.lastTs = row.ts
  }

  at(seq: number): StoredRow | undefined {
    return seq < this.first || seq > this.seq ? undefined : this.ring[seq & (this.ring.length - 1)]
  }

  writerAt(seq: number): Writer | undefined {
    return seq < this.first || seq > this.seq ? undefined : this.writers[seq & (this.ring.length - 1)]
  }

  /** The row no longer counts for its writer. */
  disown(seq: number): void {
    this.writers[seq & (this.ring.length - 1)] = undefined
  }

  replace(row: StoredRow): void {
    this.ring[row.seq & (this.ring.length - 1)] = row
  }

  /** Takes the oldest row away. */
  shift(): StoredRow | undefined {
    const row = this.at(this.first)
    if (row === undefined) return undefined
    this.ring[this.first & (this.ring.length - 1)] = undefined
    this.disown(this.first)
    this.first++
    this.trimmedN = row.n
    if (this.count === 0) {
      this.ring = []
      this.writers = []
    }
    return row
  }

  slice(from: number, to: number): StoredRow[] {
    const rows: StoredRow[] = []
    for (let seq = Math.max(from, this.first); seq <= Math.min(to, this.seq); seq++)
      rows.push(this.at(seq) as StoredRow)
    return rows
  }

  /** Rows above `seq`. */
  cursor(seq: number): RoomCursor {
    return new RoomCursor(this, Math.max(seq + 1, this.first))
  }

  private grow(): void {
    const grown = new Array<StoredRow | undefined>(Math.max(SMALLEST_RING, this.ring.length * 2))
    const writers = new Array<Writer | undefined>(grown.length)
    for (let seq = this.first; seq <= this.seq; seq++) {
      grown[seq & (grown.length - 1)] = this.at(seq)
      writers[seq & (grown.length - 1)] = this.writerAt(seq)
    }
    this.ring = grown
    this.writers = writers
  }
}

export class RoomCursor implements Cursor {
  row: StoredRow | undefined
  private readonly room: MemoryRoom
  private seq: number

  constructor(room: MemoryRoom, seq: number) {
    this.room = room
    this.seq = seq
    this.row = room.at(seq)
  }

  get order(): number {
    return this.row?.n ?? Number.POSITIVE_INFINITY
  }

  next(): void {
    this.row = this.room.at(++this.seq)
  }
}

/** The rows of several rooms in the order of `n`. */
export function* rowsInOrder(cursors: Iterable<RoomCursor>): Generator<StoredRow> {
  for (const { row } of inOrder(cursors)) if (row !== undefined) yield row
}
