/**
 * The seats of rooms with a capacity. A seat belongs to a user: joins under way claim it, members have it, and it is free
 * again when the user is no member and no join claims it. B24.
 */
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { NamespaceState, Room } from '../state/namespace-state.ts'

export class Capacity {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState

  constructor(runtime: Runtime, namespace: NamespaceState) {
    this.runtime = runtime
    this.namespace = namespace
  }

  /**
   * Keeps a seat for a join until `release`.
   * @throws RoomfulError ROOM_FULL
   */
  async claim(room: Room, userId: string): Promise<void> {
    const { capacity } = room.options
    if (capacity === undefined) return
    room.claims.set(userId, (room.claims.get(userId) ?? 0) + 1)
    try {
      if (room.users.has(userId)) return
      if (await this.runtime.broker.takeSeat(this.namespace.name, room.id, userId, capacity)) return
      throw new RoomfulError('ROOM_FULL', `The room is full: it has ${capacity} seats`)
    } catch (error) {
      this.release(room, userId)
      throw error
    }
  }

  /** The join is done, or failed. */
  release(room: Room, userId: string): void {
    const claims = room.claims.get(userId)
    if (claims === undefined) return
    if (claims > 1) room.claims.set(userId, claims - 1)
    else room.claims.delete(userId)
    this.freeIfUnused(room, userId)
  }

  /** A connection in the room has another user now, who gets a seat even if the room is over its capacity for a moment. */
  pass(room: Room, userId: string): void {
    if (room.options.capacity === undefined) return
    this.runtime.broker
      .takeSeat(this.namespace.name, room.id, userId, Number.MAX_SAFE_INTEGER)
      .catch((error: unknown) => {
        this.runtime.observer.observe({ type: 'commit:failed', namespace: this.namespace.name, error })
      })
  }

  /** A user left, or a claim ended. */
  freeIfUnused(room: Room, userId: string): void {
    if (room.options.capacity === undefined || room.users.has(userId) || room.claims.has(userId)) return
    this.runtime.broker.freeSeat(this.namespace.name, room.id, userId)
  }
}
