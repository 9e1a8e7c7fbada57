/** Who sits in which room with a capacity. A seat is a user, however many connections; after a restart all are free. */
export class Seats {
  private readonly rooms = new Map<string, Set<string>>()

  /** @returns false when `capacity` other users sit there */
  take(namespace: string, roomId: string, userId: string, capacity: number): boolean {
    const name = nameOf(namespace, roomId)
    const users = this.rooms.get(name)
    if (users?.has(userId)) return true
    if ((users?.size ?? 0) >= capacity) return false
    if (users) users.add(userId)
    else this.rooms.set(name, new Set([userId]))
    return true
  }

  free(namespace: string, roomId: string, userId: string): void {
    const name = nameOf(namespace, roomId)
    const users = this.rooms.get(name)
    users?.delete(userId)
    if (users?.size === 0) this.rooms.delete(name)
  }
}

function nameOf(namespace: string, roomId: string): string {
  return `${namespace.length} ${namespace}${roomId}`
}
