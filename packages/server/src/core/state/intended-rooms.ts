/** Joins and leaves of a connection that were recorded and wait for their turn, so that its next request need not wait. */

interface Intention {
  isIn: boolean
  waiting: number
}

export class IntendedRooms {
  /** Most connections have none. */
  private byRoom: Map<string, Intention> | undefined

  /** A join or leave was recorded. */
  add(roomId: string, isIn: boolean): void {
    this.byRoom ??= new Map()
    this.byRoom.set(roomId, { isIn, waiting: (this.byRoom.get(roomId)?.waiting ?? 0) + 1 })
  }

  /** One of them was done, or will not be. */
  done(roomId: string): void {
    const intention = this.byRoom?.get(roomId)
    if (!intention) return
    intention.waiting--
    if (intention.waiting === 0) this.byRoom?.delete(roomId)
    if (this.byRoom?.size === 0) this.byRoom = undefined
  }

  /** @returns nothing when no join or leave of this room waits */
  willBeIn(roomId: string): boolean | undefined {
    return this.byRoom?.get(roomId)?.isIn
  }

  /** In how many rooms the connection will be. */
  count(memberships: Pick<ReadonlyMap<string, unknown>, 'size' | 'has'>): number {
    let count = memberships.size
    for (const [roomId, { isIn }] of this.byRoom ?? []) {
      if (isIn !== memberships.has(roomId)) count += isIn ? 1 : -1
    }
    return count
  }
}
