/**
 * Who is in a room, as a value: a snapshot and the numbered changes over it (`pv`). A change that does not follow on the
 * one before says so, and a new snapshot is asked for, so that the list is never quietly wrong (D10, G6). Pure.
 */
import type { DownData, Member } from './vocabulary.ts'

export interface Presence {
  /** By user id; the first ones of a large room. */
  readonly members: ReadonlyMap<string, Member>
  /** All of them, listed or not. */
  readonly count: number
  readonly pv: number
}

export interface PresenceSnapshot {
  readonly users: readonly Member[]
  readonly count: number
  readonly pv: number
}

/** What a change of membership looks like on the wire. */
export type PresenceChange =
  | { readonly event: 'user:joined'; readonly data: DownData<'user:joined'> }
  | { readonly event: 'user:left'; readonly data: DownData<'user:left'> }
  | { readonly event: 'presence:diff'; readonly data: DownData<'presence:diff'> }

export const NOBODY: Presence = { members: new Map(), count: 0, pv: -1 }

/** Members that are listed by name; the others are only counted. Five times what a snapshot lists. */
export const MAX_LISTED = 1_000
/** Rooms up to this size are told completely, so that list and count must agree. PROTOCOL.md 9. */
const SNAPSHOT_MAX = 200

export function presenceOf({ users, count, pv }: PresenceSnapshot): Presence {
  return { members: new Map(users.map((member) => [member.userId, member])), count, pv }
}

/** @returns the presence after the change, the same object when it was old news, or `gap` when something is missing */
export function applyChange(presence: Presence, change: PresenceChange): Presence | 'gap' {
  const { pv } = change.data
  if (pv <= presence.pv) return presence
  const members = new Map(presence.members)
  if (change.event === 'presence:diff') {
    const { since, left, joined, changed, count } = change.data
    if (since > presence.pv) return 'gap'
    for (const userId of left) members.delete(userId)
    for (const member of joined) list(members, member)
    for (const member of changed) if (members.has(member.userId)) members.set(member.userId, member)
    return checked({ members, count, pv })
  }
  if (pv !== presence.pv + 1) return 'gap'
  const { userId } = change.data
  const wasListed = members.has(userId)
  if (change.event === 'user:left') {
    members.delete(userId)
    return checked({ members, count: presence.count - 1, pv })
  }
  list(members, { userId, name: change.data.name, status: 'online' })
  // Somebody known who joins again has another name.
  return checked({ members, count: presence.count + (wasListed ? 0 : 1), pv })
}

function checked(presence: Presence): Presence | 'gap' {
  const { members, count } = presence
  return count <= SNAPSHOT_MAX && members.size !== count ? 'gap' : presence
}

function list(members: Map<string, Member>, member: Member): void {
  if (members.size < MAX_LISTED || members.has(member.userId)) members.set(member.userId, member)
}
