/**
 * The users in a room, whatever their number of connections. A user whose last connection was cut off stays for a grace, and
 * shows as reconnecting after a second, so that a quick return is not visible. The feed numbers and sends the changes. G6.
 */
import { isPersonalRoom, SharedJson } from '@roomful/protocol'
import type { Runtime } from '../../base/runtime.ts'
import type { FanOut } from '../../log/fan-out.ts'
import type { ReturningMember } from '../../ports/broker.ts'
import type { User } from '../../ports/users.ts'
import type { Connection, Member, NamespaceState, Room, RoomUser } from '../../state/namespace-state.ts'
import type { Capacity } from '../capacity.ts'
import type { OpenRooms } from '../open-rooms.ts'
import { GraceTimers, signOf } from './grace-timers.ts'
import { PRESENCE_BY_NAME_MAX, PresenceFeed, toMember } from './presence-feed.ts'
import type { ThrottledFanOut } from './throttled-fan-out.ts'

/** A user who was cut off shows as `reconnecting` after this long; the SDK's first attempt comes within it. D10. */
const AWAY_AFTER_MS = 1_000

export class RoomPresence {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly rooms: OpenRooms
  private readonly capacity: Capacity
  private readonly feed: PresenceFeed
  private readonly graceTimers: GraceTimers

  constructor(
    runtime: Runtime,
    namespace: NamespaceState,
    {
      rooms,
      capacity,
      fanOut,
      throttle,
    }: { rooms: OpenRooms; capacity: Capacity; fanOut: FanOut; throttle: ThrottledFanOut },
  ) {
    this.runtime = runtime
    this.namespace = namespace
    this.rooms = rooms
    this.capacity = capacity
    this.feed = new PresenceFeed(runtime, fanOut, throttle)
    this.graceTimers = new GraceTimers(runtime.timers)
  }

  /** A connection became a member. */
  add(room: Room, connection: Connection): void {
    if (isPersonalRoom(room.id)) return // only its owner is in it
    const { user } = connection
    const known = room.users.get(user.sub)
    if (!known) {
      const member = { user, connections: 1, expected: 0, isAway: false, awayTimer: undefined }
      room.users.set(user.sub, member)
      this.feed.joined(room, toMember(member), connection.id)
      return this.namespace.announce('enter', user, room.id)
    }
    const isRenamed = known.user.name !== user.name
    known.connections++
    known.user = user
    if (this.graceTimers.release(graceName(signOf(connection), room))) {
      known.expected--
      room.pins--
    }
    this.runtime.timers.cancel(known.awayTimer)
    known.awayTimer = undefined
    const wasAway = known.isAway
    known.isAway = false
    if (isRenamed) this.feed.joined(room, toMember(known), connection.id)
    else if (wasAway) this.feed.changed(room, toMember(known))
  }

  /** A connection left, or was cut off. @param graceMs how long its user may take to come back; 0 not at all */
  remove(room: Room, connection: Connection, reason: string, graceMs: number): void {
    const member = room.users.get(connection.user.sub)
    if (!member) return
    member.connections--
    if (graceMs > 0) this.keepForGrace(room, member, signOf(connection), graceMs)
    this.removeIfGone(room, member, reason)
  }

  /** A member expected to reconnect after a restart. G7. */
  expect(room: Room, { user, sign }: ReturningMember, graceMs: number): void {
    let member = room.users.get(user.sub)
    if (!member) {
      member = { user, connections: 0, expected: 0, isAway: true, awayTimer: undefined }
      room.users.set(user.sub, member)
      this.feed.joined(room, toMember(member))
      this.namespace.announce('enter', user, room.id)
    }
    this.keepForGrace(room, member, sign, graceMs)
  }

  /** The user behind a connection is another one now, or has another name. */
  renamed(room: Room, connection: Connection, before: User): void {
    const old = room.users.get(before.sub)
    if (before.sub === connection.user.sub) {
      if (!old) return
      old.user = connection.user
      if (before.name !== connection.user.name) this.feed.joined(room, toMember(old))
      return
    }
    this.capacity.pass(room, connection.user.sub)
    if (old) {
      old.connections--
      this.removeIfGone(room, old, 'renamed')
    }
    this.add(room, connection)
  }

  /** The first users and the number of all. Made once and shared until one of them changes. */
  snapshot(room: Room): { users: SharedJson<Member[]>; count: number; pv: number } {
    if (room.memberList === undefined) {
      const users: Member[] = []
      for (const member of room.users.values()) {
        if (users.length === PRESENCE_BY_NAME_MAX) break
        users.push(toMember(member))
      }
      room.memberList = new SharedJson(users)
    }
    return { users: room.memberList, count: room.count, pv: room.pv }
  }

  /** A connection is back, and its user may not be in this room any more. */
  endGrace(room: Room, connection: Connection, reason: string): void {
    const member = room.users.get(connection.user.sub)
    if (!member || !this.graceTimers.release(graceName(signOf(connection), room))) return
    member.expected--
    room.pins--
    this.removeIfGone(room, member, reason)
    this.rooms.freeIfEmpty(room)
  }

  private keepForGrace(room: Room, member: RoomUser, sign: string, ms: number): void {
    const isNew = this.graceTimers.keep(graceName(sign, room), ms, () => {
      member.expected--
      room.pins--
      this.removeIfGone(room, member, 'timeout')
      this.rooms.freeIfEmpty(room)
    })
    if (!isNew) return
    member.expected++
    room.pins++
  }

  /** A user without connections leaves, or shows as away before long while connections are expected back. */
  private removeIfGone(room: Room, member: RoomUser, reason: string): void {
    if (member.connections > 0) return
    if (member.expected > 0) {
      if (!member.isAway) member.awayTimer ??= this.runtime.timers.add(AWAY_AFTER_MS, () => this.showAway(room, member))
      return
    }
    this.runtime.timers.cancel(member.awayTimer)
    const { sub } = member.user
    room.users.delete(sub)
    this.capacity.freeIfUnused(room, sub)
    this.feed.left(room, sub, reason)
    this.namespace.announce('exit', member.user, room.id, reason)
  }

  private showAway(room: Room, member: RoomUser): void {
    member.awayTimer = undefined
    member.isAway = true
    this.feed.changed(room, toMember(member))
  }
}

function graceName(sign: string, room: Room): string {
  return `${sign}\n${room.id}`
}
