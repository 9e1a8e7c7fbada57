/**
 * The rows of a memory log. Each room has a ring of them, in which a row's place is its number modulo the size of the ring,
 * so that appending, finding and dropping the oldest are each one array access. Over all rooms together, rows go by age;
 * where there are too many bytes, they go from the writer that has most.
 */
import type { StoredRow } from '../../../../core/ports/broker.ts'
import { type Cursor, inOrder } from '../../common/reading.ts'

const SMALLEST_RING = 16
/** What a row weighs besides its arguments, roughly: the object, its texts and numbers, its places in ring and queue. */
const ROW_BYTES = 280
/** What a room weighs besides its rows. */
const ROOM_BYTES = 512
/** Writers of the largest class that are compared; beyond them the first of the class. */
const COMPARED_MAX = 64
/** Below this many places of a writer's rows that are gone, clearing them up is not worth a pass. */
const PLACES_CLEARING_MIN = 64
/** Below this many rows that went out of turn, clearing up their places in the order of age is not worth a pass. */
const AGE_CLEARING_MIN = 1024

/** The rows of all rooms with what they weigh together: added at the young end, dropped at the old one or within a room. */
export class MemoryRows {
  bytes = 0
  private readonly age = new MemoryAge()
  private readonly writers = new MemoryWriters()

  addRoom(): void {
    this.bytes += ROOM_BYTES
  }

  forgetRoom(): void {
    this.bytes -= ROOM_BYTES
  }

  add(room: MemoryRoom, row: StoredRow, writer: string): void {
    const bytes = weight(row)
    room.push(row, this.writers.wrote(writer, room, row.seq, bytes))
    this.age.push(room)
    this.bytes += bytes
    if (room.count > room.retention) this.trim(room)
  }

  /** Drops what is above the room's retention. */
  trim(room: MemoryRoom): void {
    while (room.count > room.retention) {
      this.drop(room)
      this.age.droppedEarly(room)
    }
  }

  /** When the oldest row was stored; infinity when there is none. */
  get oldestTs(): number {
    const room = this.age.oldest()
    return room?.at(room.first)?.ts ?? Number.POSITIVE_INFINITY
  }

  /** @returns false when there is none */
  dropOldest(): boolean {
    const room = this.age.oldest()
    if (room === undefined) return false
    this.drop(room)
    this.age.shift()
    return true
  }

  /**
   * There are too many bytes: the oldest row of the writer that has most goes. Where others have older ones in its room, in
   * which there must be no hole, it is emptied instead. @returns false when there is none
   */
  dropFromLargest(): boolean {
    const oldest = this.writers.largest()?.oldest()
    if (oldest === undefined) return this.dropOldest()
    const { room, seq } = oldest
    if (seq > room.first) return this.emptyForBytes(room, seq)
    do {
      this.drop(room)
      this.age.droppedEarly(room)
    } while (room.count > 0 && room.writerAt(room.first) === undefined)
    return true
  }

  /** @returns false when there is no such row or it is empty already */
  redact(room: MemoryRoom, seq: number): boolean {
    const row = room.at(seq)
    if (row === undefined || row.redacted) return false
    const bytes = this.empty(room, row)
    const writer = room.writerAt(seq)
    if (writer) this.writers.shrank(writer, bytes)
    return true
  }

  /** The row has another content; a longer one counts for its writer. */
  rewrite(room: MemoryRoom, seq: number, argsJson: string): void {
    const row = room.at(seq)
    if (row === undefined) return
    const bytes = argsJson.length - row.argsJson.length
    room.replace({ ...row, argsJson })
    this.bytes += bytes
    const writer = room.writerAt(seq)
    if (writer) this.writers.shrank(writer, -bytes)
  }

  private emptyForBytes(room: MemoryRoom, seq: number): true {
    const row = room.at(seq) as StoredRow
    const writer = room.writerAt(seq)
    if (writer) this.writers.lost(writer, weight(row))
    room.disown(seq)
    this.empty(room, row)
    return true
  }

  /** @returns the bytes that this freed */
  private empty(room: MemoryRoom, row: StoredRow): number {
    const emptied = { ...row, argsJson: '[]', redacted: true }
    room.replace(emptied)
    const bytes = weight(row) - weight(emptied)
    this.bytes -= bytes
    return bytes
  }

  private drop(room: MemoryRoom): void {
    const writer = room.writerAt(room.first)
    const row = room.shift()
    if (row === undefined) return
    this.bytes -= weight(row)
    if (writer) this.writers.lost(writer, weight(row))
  }
}

function weight(row: StoredRow): number {
  return ROW_BYTES + row.argsJson.length
}

/** What was added to a message so far. */
export interface MemoryText {
  readonly fragments: string[]
  length: number
  ts: number
}

/** One room: its rows, and where its log stands. */
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
  /** When it was last unsubscribed from, ms since 1970. */
  idleSinceMs: number
  lastTs = 0
  /** How far it was delivered to its owner, for an inbox. */
  mark = 0
  /** State, and how far users have read, by key. */
  readonly facts = new Map<string, { readonly value: string; readonly version: number }>()
  /** The version of the state, and its names. */
  fv = 0
  names = 0
  /** Messages that are being written, by number. */
  readonly texts = new Map<number, MemoryText>()
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

/** Rooms of all namespaces without a subscriber, each with the function that forgets it. */
export type IdleRooms = Map<MemoryRoom, () => void>

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

/** Whose rows they are. */
class Writer {
  readonly name: string
  bytes = 0
  rows = 0
  /** Places of its rows, oldest first; some of the rows may be gone. */
  private rooms: MemoryRoom[] = []
  private seqs: number[] = []
  private head = 0

  constructor(name: string) {
    this.name = name
  }

  push(room: MemoryRoom, seq: number): void {
    if (this.rooms.length - this.head > PLACES_CLEARING_MIN + 2 * this.rows) this.clearUp()
    this.rooms.push(room)
    this.seqs.push(seq)
  }

  /** Where its oldest row is. */
  oldest(): { room: MemoryRoom; seq: number } | undefined {
    for (; this.head < this.rooms.length; this.head++) {
      const room = this.rooms[this.head] as MemoryRoom
      const seq = this.seqs[this.head] as number
      if (room.writerAt(seq) === this) return { room, seq }
    }
    return undefined
  }

  private clearUp(): void {
    const { rooms, seqs } = this
    this.rooms = []
    this.seqs = []
    for (let i = this.head; i < rooms.length; i++) {
      const room = rooms[i] as MemoryRoom
      const seq = seqs[i] as number
      if (room.writerAt(seq) !== this) continue
      this.rooms.push(room)
      this.seqs.push(seq)
    }
    this.head = 0
  }
}

/**
 * Who wrote the rows. Writers stand in classes of size, each twice the last: a row moves a writer only when it leaves its
 * class, and the largest is found without a search over all.
 */
class MemoryWriters {
  private readonly byName = new Map<string, Writer>()
  private readonly classes: Set<Writer>[] = []

  /** A row of this weight will stand at `seq` of the room. @returns whose it is */
  wrote(name: string, room: MemoryRoom, seq: number, bytes: number): Writer {
    const writer = this.byName.get(name) ?? this.make(name)
    writer.push(room, seq)
    writer.rows++
    this.resize(writer, bytes)
    return writer
  }

  /** A row of the writer is gone. */
  lost(writer: Writer, bytes: number): void {
    writer.rows--
    this.resize(writer, -bytes)
    if (writer.rows > 0) return
    this.byName.delete(writer.name)
    this.classes[classOf(writer.bytes)]?.delete(writer)
  }

  /** A row of the writer weighs less. */
  shrank(writer: Writer, bytes: number): void {
    this.resize(writer, -bytes)
  }

  /** Who has most, among the first of the largest class. */
  largest(): Writer | undefined {
    for (let size = this.classes.length - 1; size >= 0; size--) {
      let largest: Writer | undefined
      let compared = 0
      for (const writer of this.classes[size] as Set<Writer>) {
        if (largest === undefined || writer.bytes > largest.bytes) largest = writer
        if (++compared === COMPARED_MAX) break
      }
      if (largest) return largest
    }
    return undefined
  }

  private make(name: string): Writer {
    const writer = new Writer(name)
    this.byName.set(name, writer)
    this.classAt(0).add(writer)
    return writer
  }

  private resize(writer: Writer, by: number): void {
    const before = classOf(writer.bytes)
    writer.bytes += by
    const now = classOf(writer.bytes)
    if (now === before) return
    this.classAt(before).delete(writer)
    this.classAt(now).add(writer)
  }

  private classAt(size: number): Set<Writer> {
    while (this.classes.length <= size) this.classes.push(new Set())
    return this.classes[size] as Set<Writer>
  }
}

function classOf(bytes: number): number {
  return 31 - Math.clz32(Math.max(1, Math.min(bytes, 0x7fff_ffff)))
}

/**
 * Rows from the oldest to the newest, over all rooms. It has a reference to the room per row, not the row: a room gives its
 * rows back in the same order, and what a room dropped before its turn is only counted.
 */
class MemoryAge {
  private rooms: MemoryRoom[] = []
  private head = 0
  private outOfTurn = 0

  /** A row was added to `room`. */
  push(room: MemoryRoom): void {
    this.rooms.push(room)
  }

  /** The oldest row of `room` went before its turn. */
  droppedEarly(room: MemoryRoom): void {
    room.droppedEarly++
    this.outOfTurn++
    if (this.outOfTurn > AGE_CLEARING_MIN && this.outOfTurn * 2 > this.rooms.length - this.head) this.clearUp()
  }

  /** The room whose oldest row is the oldest of all. */
  oldest(): MemoryRoom | undefined {
    for (; this.head < this.rooms.length; this.head++) {
      const room = this.rooms[this.head] as MemoryRoom
      if (room.droppedEarly === 0) return room
      room.droppedEarly--
      this.outOfTurn--
    }
    return undefined
  }

  /** The oldest row, that of `oldest`, is gone. */
  shift(): void {
    this.head++
    if (this.head > AGE_CLEARING_MIN && this.head * 2 > this.rooms.length) this.clearUp()
  }

  /** Costs a pass over what is left, after at least as many rows came and went: nothing, per row. */
  private clearUp(): void {
    const left: MemoryRoom[] = []
    for (let i = this.head; i < this.rooms.length; i++) {
      const room = this.rooms[i] as MemoryRoom
      if (room.droppedEarly === 0) left.push(room)
      else room.droppedEarly--
    }
    this.rooms = left
    this.head = 0
    this.outOfTurn = 0
  }
}
