/** Every row of a memory log with what they and their rooms weigh together: adds at the young end, drops at the old one or within a room. */
import type { StoredRow } from '../../../../core/ports/broker.ts'
import { MemoryAge } from './age.ts'
import type { MemoryRoom } from './room.ts'

/** What a row weighs besides its arguments, roughly: the object, its texts and numbers, its places in ring and queue. */
const ROW_BYTES = 240
/** What a room weighs besides its rows. */
const ROOM_BYTES = 512

export class MemoryRows {
  bytes = 0
  private readonly age = new MemoryAge()

  addRoom(): void {
    this.bytes += ROOM_BYTES
  }

  forgetRoom(): void {
    this.bytes -= ROOM_BYTES
  }

  add(room: MemoryRoom, row: StoredRow): void {
    room.push(row)
    this.age.push(room)
    this.bytes += weight(row)
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

  /** @returns false when there is no such row or it is empty already */
  redact(room: MemoryRoom, seq: number): boolean {
    const row = room.at(seq)
    if (row === undefined || row.redacted) return false
    const emptied = { ...row, argsJson: '[]', redacted: true }
    room.replace(emptied)
    this.bytes += weight(emptied) - weight(row)
    return true
  }

  private drop(room: MemoryRoom): void {
    const row = room.shift()
    if (row !== undefined) this.bytes -= weight(row)
  }
}

function weight(row: StoredRow): number {
  return ROW_BYTES + row.argsJson.length
}
