/** A connection in a room: the one object that both sides share. */
import type { Connection } from './connection.ts'
import type { Group, Room } from './room.ts'

export class Membership {
  readonly connection: Connection
  readonly room: Room
  /** Where in which group of the room; kept by the room. */
  group: Group | undefined
  index = 0
  /** Latest number written to the connection; meaningful while the connection is behind. */
  position: number
  /** The version of the membership that it was given with its answer. */
  pv = 0
  /** From which number on the connection was told: where the session resumes when its client cannot say where it stood. */
  joinedAt: number

  constructor(connection: Connection, room: Room, position: number) {
    this.connection = connection
    this.room = room
    this.position = position
    this.joinedAt = position
  }
}
