/** The rooms of one namespace of the memory log, and which of them nobody holds, for the sweep. */
import type { Head, RoomSubscription } from '../../../../core/ports/broker.ts'
import type { Clock, Random } from '../../../../core/ports/system.ts'
import { EPOCH_LENGTH, formatEpoch } from '../log.ts'
import { MemoryRoom } from './room.ts'
import type { MemoryRows } from './rows.ts'

/** Nothing in memory outlives a crash, so the tail of this log cannot be lost alone. */
const GENERATION = 1

export interface MemoryRoomsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly rows: MemoryRows
  readonly idleRooms: IdleRooms
  /** Most rows per room that does not say otherwise. */
  readonly retention: number
}

/** Rooms of all namespaces that nobody holds, each with what forgets it. */
export type IdleRooms = Map<MemoryRoom, () => void>

export class MemoryRooms {
  /** The latest commit of a room that was forgotten. */
  forgottenN = 0
  private readonly rooms = new Map<string, MemoryRoom>()
  private readonly options: MemoryRoomsOptions

  constructor(options: MemoryRoomsOptions) {
    this.options = options
  }

  find(roomId: string): MemoryRoom | undefined {
    return this.rooms.get(roomId)
  }

  all(): Iterable<MemoryRoom> {
    return this.rooms.values()
  }

  /** The room, made when it is missing. */
  get(roomId: string): MemoryRoom {
    const known = this.rooms.get(roomId)
    if (known !== undefined) return known
    const { random, clock, retention, rows } = this.options
    const room = new MemoryRoom(roomId, random.id(EPOCH_LENGTH), retention, clock.now())
    this.rooms.set(roomId, room)
    rows.addRoom()
    this.letIdle(room)
    return room
  }

  hold({ roomId, retention }: RoomSubscription): Head {
    const room = this.get(roomId)
    room.retention = retention ?? this.options.retention
    this.options.rows.trim(room)
    this.options.idleRooms.delete(room)
    return toHead(room)
  }

  release(roomId: string): void {
    const room = this.rooms.get(roomId)
    if (room === undefined) return
    room.idleSinceMs = this.options.clock.now()
    this.letIdle(room)
  }

  private letIdle(room: MemoryRoom): void {
    const { idleRooms, rows } = this.options
    idleRooms.set(room, () => {
      idleRooms.delete(room)
      this.rooms.delete(room.roomId)
      this.forgottenN = Math.max(this.forgottenN, room.trimmedN)
      rows.forgetRoom()
    })
  }
}

export function toHead({ roomId, epoch, seq, first }: MemoryRoom): Head {
  return { roomId, epoch: formatEpoch(epoch, GENERATION), seq, first }
}
