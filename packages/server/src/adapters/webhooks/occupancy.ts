/**
 * Who is in which room, as receivers have been sent it. It is built from the rows of the outbox, so that a change is sent once
 * even where two nodes noticed it, or a server that was killed comes back.
 */

export class Occupancy {
  private readonly rooms = new Map<string, Set<string>>()

  /** @returns whether the user is new in the room, and whether the room was empty */
  enter(roomId: string, userId: string): { readonly isNew: boolean; readonly isFirst: boolean } {
    const users = this.rooms.get(roomId) ?? new Set<string>()
    const isFirst = users.size === 0
    if (users.has(userId)) return { isNew: false, isFirst: false }
    this.rooms.set(roomId, users.add(userId))
    return { isNew: true, isFirst }
  }

  /** @returns whether the user was in the room, and whether it was the last one */
  exit(roomId: string, userId: string): { readonly wasIn: boolean; readonly isLast: boolean } {
    const users = this.rooms.get(roomId)
    if (!users?.delete(userId)) return { wasIn: false, isLast: false }
    const isLast = users.size === 0
    if (isLast) this.rooms.delete(roomId)
    return { wasIn: true, isLast }
  }

  usersOf(roomId: string): ReadonlySet<string> {
    return this.rooms.get(roomId) ?? NONE
  }

  get roomIds(): string[] {
    return [...this.rooms.keys()]
  }

  clear(): void {
    this.rooms.clear()
  }
}

const NONE: ReadonlySet<string> = new Set()
