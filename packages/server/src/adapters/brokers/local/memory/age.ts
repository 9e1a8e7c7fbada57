/**
 * The rows of a memory log from the oldest to the newest, over all rooms: what goes first when there is too much or it is
 * too old. It holds a reference to the room per row, not the row: a room gives its rows back in the same order anyway, and
 * what a room dropped before its turn is only counted.
 */
import type { MemoryRoom } from './room.ts'

/** Below this many entries out of turn, clearing them up is not worth a pass. */
const CLEARING_MIN = 1024

export class MemoryAge {
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
    if (this.outOfTurn > CLEARING_MIN && this.outOfTurn * 2 > this.rooms.length - this.head) this.clearUp()
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

  /** The oldest row, as `oldest` told it, is gone. */
  shift(): void {
    this.head++
    if (this.head > CLEARING_MIN && this.head * 2 > this.rooms.length) this.clearUp()
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
