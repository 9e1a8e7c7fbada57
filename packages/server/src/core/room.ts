/**
 * A room while somebody is in it or writes to it: where its log stands, who has a seat, and the connections to tell,
 * grouped by encoding so that an event is encoded once per group. It knows nothing of how they are told.
 */

import { isInbox, type SharedJson } from '@roomful/protocol'
import { type HotBudget, HotTail } from './hot-tail.ts'
import type { Membership } from './membership.ts'
import type { Encoding } from './ports/dialect.ts'
import type { Member } from './presence/member.ts'
import type { RoomOptions } from './room-declaration.ts'
import type { Timer } from './timer-wheel.ts'
import type { User } from './user.ts'

/** A user in a room, whatever the number of connections. */
export interface Seat {
  user: User
  connections: number
  /** Those that were cut off and may still come back. G6. */
  held: number
  /** Shown as on the way back. */
  isAway: boolean
  /** Until it is shown so. */
  missed: Timer | undefined
}

export interface Group {
  readonly encoding: Encoding
  readonly view: 'all' | 'classic'
  readonly members: Membership[]
}

export class Room {
  readonly id: string
  /** The personal room of a user: what is told there need not be told at the next connect. */
  readonly isInbox: boolean
  readonly options: RoomOptions
  readonly tail: HotTail
  readonly seats = new Map<string, Seat>()
  /** Joins under way that count on a seat, by user; only where there is a capacity. Bound: the requests that run. */
  readonly claims = new Map<string, number>()
  readonly groups: Group[] = []
  /** Set once the broker told where the log stands. */
  state: 'opening' | 'open' | 'freed' = 'opening'
  epoch = ''
  /** Latest number released to members. */
  head = 0
  /** Lowest number that the log still has. */
  first = 1
  /** Latest commit number released, for the order of `n`. */
  headN = 0
  /** Version of the membership. */
  pv = 0
  /** The users of a snapshot, as long as they are the same. */
  users: SharedJson<Member[]> | undefined
  /** Whoever needs the room to stay although nobody is in it. */
  pins = 0
  /** Resolves when `state` is open; rejects when the broker could not tell. */
  opened: Promise<void> | undefined

  constructor(id: string, options: RoomOptions, historySize: number, budget: HotBudget) {
    this.id = id
    this.isInbox = isInbox(id)
    this.options = options
    this.tail = new HotTail(historySize, budget)
  }

  get isEmpty(): boolean {
    return this.seats.size === 0 && this.pins === 0 && this.groups.length === 0
  }

  /** Users with a seat. */
  get count(): number {
    return this.seats.size
  }

  get connectionCount(): number {
    let count = 0
    for (const group of this.groups) count += group.members.length
    return count
  }

  addMember(membership: Membership, encoding: Encoding, view: 'all' | 'classic'): void {
    let group = this.groups.find((candidate) => candidate.encoding.key === encoding.key)
    if (!group) {
      group = { encoding, view, members: [] }
      this.groups.push(group)
    }
    membership.group = group
    membership.index = group.members.length
    group.members.push(membership)
  }

  /** Constant cost, however many members there are: the last one moves into the gap. P9. */
  removeMember(membership: Membership): void {
    const { group, index } = membership
    if (!group) return
    const last = group.members.pop() as Membership
    if (last !== membership) {
      group.members[index] = last
      last.index = index
    }
    membership.group = undefined
    if (group.members.length === 0) this.groups.splice(this.groups.indexOf(group), 1)
  }

  hasClassicMembers(): boolean {
    return this.groups.some((group) => group.view === 'classic')
  }
}
