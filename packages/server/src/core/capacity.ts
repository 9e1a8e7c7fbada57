/**
 * The seats of rooms with a capacity: who counts on one, who has it, when it is free again. A seat belongs to a user, so
 * several joins may count on the same one; it goes only when none of them does and nobody sits on it. B24.
 */
import { RoomfulError } from './errors.ts'
import type { Hub } from './hub.ts'
import type { Namespace } from './namespace.ts'
import type { Room } from './room.ts'

export class Capacity {
  private readonly hub: Hub

  constructor(hub: Hub) {
    this.hub = hub
  }

  /**
   * Keeps a seat for a join until `release`.
   * @throws RoomfulError ROOM_FULL
   */
  async claim(namespace: Namespace, room: Room, userId: string): Promise<void> {
    const { capacity } = room.options
    if (capacity === undefined) return
    room.claims.set(userId, (room.claims.get(userId) ?? 0) + 1)
    try {
      if (room.seats.has(userId)) return
      if (await this.hub.broker.takeSeat(namespace.name, room.id, userId, capacity)) return
      throw new RoomfulError('ROOM_FULL', `The room is full: it has ${capacity} seats`)
    } catch (error) {
      this.release(namespace, room, userId)
      throw error
    }
  }

  /** The join has come to something, or to nothing. */
  release(namespace: Namespace, room: Room, userId: string): void {
    const claims = room.claims.get(userId)
    if (claims === undefined) return
    if (claims > 1) room.claims.set(userId, claims - 1)
    else room.claims.delete(userId)
    this.freeIfUnused(namespace, room, userId)
  }

  /** Somebody who has a seat is another user from now on: it goes along, also where that is one too many for a moment. */
  pass(namespace: Namespace, room: Room, userId: string): void {
    if (room.options.capacity === undefined) return
    this.hub.broker.takeSeat(namespace.name, room.id, userId, Number.MAX_SAFE_INTEGER).catch((error: unknown) => {
      this.hub.observer.observe({ type: 'commit:failed', namespace: namespace.name, error })
    })
  }

  /** Whoever stood up may have been the last who needed it. */
  freeIfUnused(namespace: Namespace, room: Room, userId: string): void {
    if (room.options.capacity === undefined || room.seats.has(userId) || room.claims.has(userId)) return
    this.hub.broker.freeSeat(namespace.name, room.id, userId)
  }
}
