/**
 * Who is in which room and who is online, where several nodes share a log. A node says what is so of its own connections;
 * the union over all nodes is what clients see. With one node there is no such port: the core knows everyone itself.
 */
import type { User } from './users.ts'

export interface SharedPresence {
  /**
   * Takes effect in the order of the changes. What members see of them comes through `onPresence` before this resolves.
   * @throws (rejects) RoomfulError UNAVAILABLE: whether they took effect is not known; saying them again does no harm
   */
  seats(namespace: string, changes: readonly SeatChange[]): Promise<SeatResult[]>
  /**
   * Users of whom this node has the first connection, or no more, and how many connections it has. It resolves when
   * `onOnline` was called with what came of it.
   * @throws (rejects) RoomfulError UNAVAILABLE; saying it again does no harm
   */
  online(namespace: string, connections: number, changes: readonly OnlineChange[]): Promise<void>
  /**
   * What this node answers for, as far as the broker knows: after a break it may be more than is so, where a statement was
   * lost.
   */
  owned(namespace: string): Promise<OwnedPresence>
  /**
   * A page of the users of a room. A change after `pv` of the first page may be in a later page already.
   * @param cursor `next` of the page before
   */
  roomUsers(namespace: string, roomId: string, cursor?: string): Promise<UserPage>
  /** Those of these users who are online on any node, or are expected back there. @throws (rejects) UNAVAILABLE */
  whoIsOnline(namespace: string, userIds: readonly string[]): Promise<ReadonlySet<string>>
  /**
   * How many users these rooms have, with everything that this node has stated.
   * @throws (rejects) UNAVAILABLE
   */
  counts(namespace: string, roomIds: readonly string[]): Promise<readonly number[]>
  /**
   * Rooms in which users are on any node, by name, without personal ones.
   * @param page those behind `after`, so many
   * @throws (rejects) UNAVAILABLE
   */
  rooms(namespace: string, page: { readonly after: string; readonly limit: number }): Promise<RoomsPage>
}

export interface RoomsPage {
  readonly rooms: readonly { readonly roomId: string; readonly count: number }[]
  readonly more: boolean
  /** How many there are in all. */
  readonly total: number
}

export interface OwnedPresence {
  readonly seats: readonly { readonly roomId: string; readonly userId: string }[]
  /** Who are online by this node. */
  readonly users: readonly string[]
}

/** Who is online in the namespace, and what has changed. */
export interface OnlineUsers {
  readonly users: number
  readonly connections: number
  readonly changes: readonly OnlineChange[]
}

export interface OnlineChange {
  readonly userId: string
  readonly state: 'online' | 'offline'
  /** The connection that caused it, and the rooms that it is in; nothing when the node is gone. */
  readonly by?: string | undefined
  readonly rooms?: readonly string[] | undefined
}

/** A user's place in a room, as far as one node is concerned. */
export interface SeatChange {
  readonly roomId: string
  readonly user: User
  /**
   * `away`: not connected, and expected back. A node where the user is connected ends that on all other nodes. `joining`: to
   * the members the same as `here`; it ends nothing, since the join may fail.
   */
  readonly state: 'here' | 'joining' | 'away' | 'gone'
  /** How long an `away` lasts unless something else is said. */
  readonly forMs?: number | undefined
  /** Most users in the room, for a user who is not among them and comes in. */
  readonly capacity?: number | undefined
  /** Why the user is gone, for the members. */
  readonly reason?: string | undefined
}

/** @property isElsewhere the user has a place by another node as well */
export type SeatResult =
  | { readonly ok: true; readonly isElsewhere: boolean }
  | { readonly ok: false; readonly code: 'ROOM_FULL' }

export interface UserPage {
  /** Version of the membership. */
  readonly pv: number
  /** Of the whole room. */
  readonly count: number
  readonly users: readonly { readonly user: User; readonly isAway: boolean }[]
  readonly next: string | undefined
}

/** Consecutive changes of a room. */
export interface PresenceDiff {
  readonly roomId: string
  /** The version before them; each change is the next version, so that the last one is `pv`. */
  readonly since: number
  readonly pv: number
  readonly changes: readonly PresenceChange[]
  /** Of the nodes that have the room open, this one calls its hooks. */
  readonly callsHooks: boolean
}

export interface PresenceChange {
  readonly user: User
  readonly state: 'here' | 'away' | 'gone'
  /** Was not in the room before. */
  readonly isNew: boolean
  readonly reason?: string | undefined
}
