import type { Member, Room, RoomUser } from '../../state/namespace-state.ts'
/** The users of a room, as its members see them. */

export function toMember({ user, isAway }: RoomUser): Member {
  return { userId: user.sub, name: user.name, status: isAway ? 'reconnecting' : 'online' }
}

/** Every user in the room, whatever the number. */
export function membersOf(room: Room): Member[] {
  return Array.from(room.seats.values(), toMember)
}
