/** Events that are not durable, on their way to the clients of the server beside this one, which are in the same rooms. */
import type { Roomful } from '@roomful/server/core'
import type { BroadcastOptions, EventPacket, Room } from '../adapter.ts'
import type { AnyNamespace } from '../internal.ts'
import { roomIdOf } from './room-names.ts'

/** How ids of those clients begin. */
const CONNECTION = 'c_'

interface Rooms {
  readonly nsp: AnyNamespace
  readonly rooms: ReadonlyMap<Room, unknown>
}

export class Bridge {
  private readonly roomful: Roomful

  constructor(roomful: Roomful) {
    this.roomful = roomful
  }

  /** This names one of those clients, and no room of sockets. */
  isConnection({ rooms }: Rooms, room: Room): room is string {
    return typeof room === 'string' && room.startsWith(CONNECTION) && !rooms.has(room)
  }

  /** To those of them who are connected now, on whatever server. */
  emit(from: Rooms, { data, id }: EventPacket, { rooms, except, flags }: BroadcastOptions): void {
    if (id !== undefined || flags?.local) return
    const to = this.names(from, rooms)
    if (rooms.size > 0 && to.length === 0) return
    const [event, ...args] = data as [unknown, ...unknown[]]
    if (typeof event !== 'string') return
    const left = this.names(from, except ?? [])
    const namespace = this.roomful.get(from.nsp.name)
    let emitter = flags?.volatile ? namespace.volatile : namespace.except([])
    if (to.length > 0) emitter = emitter.to(to)
    if (left.length > 0) emitter = emitter.except(left)
    emitter.emit(event, ...args)
  }

  /** Without the sockets' own rooms, in which no other client is, and those that cannot be named there. */
  private names(from: Rooms, rooms: Iterable<Room>): string[] {
    const names: string[] = []
    for (const room of rooms) {
      const name = this.isConnection(from, room) ? room : roomIdOf(room)
      if (name !== undefined && !from.nsp.findSocket(room as string)) names.push(name)
    }
    return names
  }
}
