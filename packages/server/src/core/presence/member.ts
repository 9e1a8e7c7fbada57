/** A user in a room as its members see him. WIRE 8. */
import type { Room, Seat } from '../room.ts'

export interface Member {
  userId: string
  name: string
  /** `left` only ever in what tells that somebody went; a list has none of them. */
  status: 'online' | 'reconnecting' | 'left'
}

export function toMember({ user, isAway }: Seat): Member {
  return { userId: user.sub, name: user.name, status: isAway ? 'reconnecting' : 'online' }
}

/** Every user in the room, whatever the number. */
export function membersOf(room: Room): Member[] {
  return Array.from(room.seats.values(), toMember)
}
