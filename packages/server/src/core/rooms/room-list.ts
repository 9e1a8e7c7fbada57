/** Which rooms of a namespace have members. However many there are, an answer holds a page of them. */
import { isPersonalRoom } from '@roomful/protocol'
import type { Room } from '../state/namespace-state.ts'

export interface ListedRoom {
  readonly roomId: string
  /** Users in it. */
  readonly count: number
}

export interface RoomPage {
  /** Those behind this one, in the order of code units. */
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

export interface ListedRooms {
  readonly rooms: readonly ListedRoom[]
  /** There are others behind them. */
  readonly more: boolean
}

export interface LargestRooms {
  readonly rooms: readonly ListedRoom[]
  /** How many there are in all. */
  readonly total: number
}

/** Most rooms of a page that a client is given. */
export const ROOM_PAGE_MAX = 100
/** A page counts as one event for each of as many rooms. */
const ROOMS_PER_EVENT = 25

/** @returns as how many events an answer with so many rooms counts */
export function costOf(rooms: number): number {
  return Math.max(1, Math.ceil(rooms / ROOMS_PER_EVENT))
}

export function isListed({ id, count }: Room): boolean {
  return count > 0 && !isPersonalRoom(id)
}

/** The first rooms behind `after`: looks at each room once and keeps no more than the page. */
export function listPage(
  rooms: Iterable<Room>,
  { after = '', limit = ROOM_PAGE_MAX }: RoomPage,
  isWanted: (roomId: string) => boolean,
): ListedRooms {
  const page = firstBy(
    rooms,
    limit + 1,
    (a, b) => (a.id < b.id ? -1 : 1),
    (room) => room.id > after && isWanted(room.id),
  )
  return { rooms: page.slice(0, limit).map(describe), more: page.length > limit }
}

/** The rooms with the most users, and how many there are in all. */
export function listLargest(rooms: Iterable<Room>, limit: number): LargestRooms {
  let total = 0
  const isWanted = (): boolean => ++total > 0
  const page = firstBy(rooms, limit, (a, b) => b.count - a.count || (a.id < b.id ? -1 : 1), isWanted)
  return { rooms: page.map(describe), total }
}

/** The same from the lists of several nodes, on each of which a room counts its users of all nodes. */
export function mergeLargest(lists: readonly LargestRooms[], limit: number): readonly ListedRoom[] {
  const merged = new Map<string, number>()
  for (const { roomId, count } of lists.flatMap(({ rooms }) => rooms)) {
    merged.set(roomId, Math.max(count, merged.get(roomId) ?? 0))
  }
  const all = Array.from(merged, ([roomId, count]) => ({ roomId, count }))
  return all.sort((a, b) => b.count - a.count || (a.roomId < b.roomId ? -1 : 1)).slice(0, limit)
}

function firstBy(
  rooms: Iterable<Room>,
  limit: number,
  compare: (a: Room, b: Room) => number,
  isWanted: (room: Room) => boolean,
): Room[] {
  const first: Room[] = []
  for (const room of rooms) {
    if (!isListed(room) || !isWanted(room)) continue
    const last = first.at(-1)
    if (first.length === limit && last && compare(room, last) > 0) continue
    let [low, high] = [0, first.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compare(first[middle] as Room, room) < 0) low = middle + 1
      else high = middle
    }
    first.splice(low, 0, room)
    if (first.length > limit) first.pop()
  }
  return first
}

function describe({ id, count }: Room): ListedRoom {
  return { roomId: id, count }
}
