/**
 * Rooms of Socket.IO are any value, rooms of the log are names. Most are the same; `user:42` is an inbox there, so
 * such a room gets a prefix, and so does what would be mistaken for one with a prefix.
 */
import { isPersonalRoom, isRoomId } from '@roomful/server/core'
import type { Room } from '../adapter.ts'

const PREFIX = 'r:'
/** Before a number: `42` and `'42'` are two rooms. */
const NUMBER = 'r:#'

/** What is for the whole namespace. It is no name of a room with a prefix, since no such room needs one. */
export const EVERYONE = 'r:everyone'

/** @returns undefined for a room that cannot be stored */
export function roomIdOf(room: Room): string | undefined {
  if (typeof room === 'number' && Number.isFinite(room)) return `${NUMBER}${room}`
  if (typeof room !== 'string') return undefined
  const roomId = isPersonalRoom(room) || room.startsWith(PREFIX) ? PREFIX + room : room
  return isRoomId(roomId) ? roomId : undefined
}

export function roomOf(roomId: string): Room {
  if (roomId.startsWith(NUMBER)) return Number(roomId.slice(NUMBER.length))
  return roomId.startsWith(PREFIX) ? roomId.slice(PREFIX.length) : roomId
}
