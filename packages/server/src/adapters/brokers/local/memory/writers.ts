/**
 * Whose rows a memory log holds, so that a full one takes from who wrote most. Writers stand in classes of size, each
 * twice the last: a row moves a writer only when it leaves its class, and the largest is found without a search over all.
 */
import type { MemoryRoom } from './room.ts'

/** Writers of the largest class that are compared; beyond them whoever came into the class first. */
const COMPARED_MAX = 64
/** Below this many places of rows that are gone, clearing them up is not worth a pass. */
const CLEARING_MIN = 64

export class Writer {
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
    if (this.rooms.length - this.head > CLEARING_MIN + 2 * this.rows) this.clearUp()
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

export class MemoryWriters {
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
  return Math.floor(Math.log2(Math.max(1, bytes)))
}
