/**
 * Rights that an identity brings with it: `rooms: {"board:7": ["join", "publish"], "team-*": ["join"]}`. Rooms that it does not
 * list are refused, and the rules of the namespace apply as well. D19.
 */
import { matcher, type RoomAction } from '../base/contract.ts'
import type { User } from '../ports/users.ts'

/** What a user may do in which rooms. */
export interface Rights {
  allows(action: RoomAction, roomId: string): boolean
  /** Whether they allow anything in this room. */
  name(roomId: string): boolean
}

/** Patterns in one identity. */
const RIGHTS_MAX = 1_000

/** By the user object, which is a new one after each refresh. */
const known = new WeakMap<User, Rights>()

/** @returns undefined for a user who brings no rights, so that only the rules of the namespace apply */
export function rightsOf(user: User): Rights | undefined {
  const { rooms } = user
  if (rooms === undefined) return undefined
  const rights = known.get(user) ?? new PatternRights(isRights(rooms) ? rooms : {})
  known.set(user, rights)
  return rights
}

/** @returns whether a list of rooms that this user asks for has this one: what they may do nothing in is not named to them */
export function isNamedTo(user: User): (roomId: string) => boolean {
  const rights = rightsOf(user)
  return (roomId) => rights?.name(roomId) ?? true
}

/** Whether a claim `rooms` can be read: a list of actions by room or pattern. */
export function isRights(rooms: unknown): rooms is Readonly<Record<string, readonly string[]>> {
  if (typeof rooms !== 'object' || rooms === null || Array.isArray(rooms)) return false
  const lists = Object.values(rooms)
  const isList = (list: unknown): boolean => Array.isArray(list) && list.every((action) => typeof action === 'string')
  return lists.length <= RIGHTS_MAX && lists.every(isList)
}

class PatternRights implements Rights {
  private readonly rooms = new Map<string, ReadonlySet<string>>()
  private readonly patterns: { matches: (roomId: string) => boolean; actions: ReadonlySet<string> }[] = []

  constructor(rooms: Readonly<Record<string, readonly string[]>>) {
    for (const [pattern, list] of Object.entries(rooms)) {
      const actions = new Set(list)
      if (pattern.includes('*')) this.patterns.push({ matches: matcher(pattern), actions })
      else this.rooms.set(pattern, actions)
    }
  }

  allows(action: RoomAction, roomId: string): boolean {
    if (this.rooms.get(roomId)?.has(action)) return true
    return this.patterns.some(({ matches, actions }) => actions.has(action) && matches(roomId))
  }

  name(roomId: string): boolean {
    return this.rooms.has(roomId) || this.patterns.some(({ matches }) => matches(roomId))
  }
}
