/** Every row of a memory log with what they and their rooms weigh together: adds at the young end, drops at the old one or within a room. */
import type { StoredRow } from '../../../../core/ports/broker.ts'
import { MemoryAge } from './age.ts'
import type { MemoryRoom } from './room.ts'
import { MemoryWriters } from './writers.ts'

/** What a row weighs besides its arguments, roughly: the object, its texts and numbers, its places in ring and queue. */
const ROW_BYTES = 280
/** What a room weighs besides its rows. */
const ROOM_BYTES = 512

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
   * There are too many bytes: the oldest row of who has most goes. Where others have older ones in its room, which no hole
   * may follow, it is emptied instead. @returns false when there is none
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
