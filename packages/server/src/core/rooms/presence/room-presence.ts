/**
 * Who is in a room: a seat per user, whatever the number of connections, outside the log. A seat whose last connection was
 * cut off is kept for a while for those who can come back, and says so once they are missed: a quick return is told to
 * nobody. What changes goes to the feed, which numbers and tells it. G6.
 */
import { isPersonalRoom, SharedJson } from '@roomful/protocol'
import type { Runtime } from '../../base/runtime.ts'
import type { FanOut } from '../../log/fan-out.ts'
import type { ReturningMember } from '../../ports/broker.ts'
import type { User } from '../../ports/user.ts'
import type { Connection, Member, NamespaceState, Room, RoomUser } from '../../state/namespace-state.ts'
import type { Capacity } from '../capacity.ts'
import type { OpenRooms } from '../open-rooms.ts'
import { GraceTimers, signOf } from './grace-timers.ts'
import { PRESENCE_BY_NAME_MAX, PresenceFeed, toMember } from './presence-feed.ts'
import type { ThrottledFanOut } from './throttled-fan-out.ts'

/** Who was cut off shows as `reconnecting` after this long; the SDK's first try comes within it. D10. */
const MISSED_AFTER_MS = 1_000

export class RoomPresence {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly rooms: OpenRooms
  private readonly capacity: Capacity
  private readonly feed: PresenceFeed
  private readonly holds: GraceTimers

  constructor(
    runtime: Runtime,
    namespace: NamespaceState,
    { rooms, capacity, fanOut, pace }: { rooms: OpenRooms; capacity: Capacity; fanOut: FanOut; pace: ThrottledFanOut },
  ) {
    this.runtime = runtime
    this.namespace = namespace
    this.rooms = rooms
    this.capacity = capacity
    this.feed = new PresenceFeed(runtime, fanOut, pace)
    this.holds = new GraceTimers(runtime.timers)
  }

  /** A connection became a member. */
  seat(room: Room, connection: Connection): void {
    if (isPersonalRoom(room.id)) return // only its owner is ever there
    const { user } = connection
    const known = room.seats.get(user.sub)
    if (!known) {
      const seat = { user, connections: 1, held: 0, isAway: false, missed: undefined }
      room.seats.set(user.sub, seat)
      this.feed.joined(room, toMember(seat), connection.id)
      return this.namespace.announce('enter', user, room.id)
    }
    const isRenamed = known.user.name !== user.name
    known.connections++
    known.user = user
    if (this.holds.release(holdName(signOf(connection), room))) {
      known.held--
      room.pins--
    }
    this.runtime.timers.cancel(known.missed)
    known.missed = undefined
    const wasAway = known.isAway
    known.isAway = false
    if (isRenamed) this.feed.joined(room, toMember(known), connection.id)
    else if (wasAway) this.feed.changed(room, toMember(known))
  }

  /** A connection left, or was cut off and its seat is kept. @param holdMs how long; 0 not at all */
  unseat(room: Room, connection: Connection, reason: string, holdMs: number): void {
    const seat = room.seats.get(connection.user.sub)
    if (!seat) return
    seat.connections--
    if (holdMs > 0) this.hold(room, seat, signOf(connection), holdMs)
    this.giveUp(room, seat, reason)
  }

  /** Somebody who was a member before a restart was told to come back: his seat is kept until then. G7. */
  expect(room: Room, { user, sign }: ReturningMember, holdMs: number): void {
    let seat = room.seats.get(user.sub)
    if (!seat) {
      seat = { user, connections: 0, held: 0, isAway: true, missed: undefined }
      room.seats.set(user.sub, seat)
      this.feed.joined(room, toMember(seat))
      this.namespace.announce('enter', user, room.id)
    }
    this.hold(room, seat, sign, holdMs)
  }

  /** The user behind a connection is another one now, or has another name. */
  renamed(room: Room, connection: Connection, before: User): void {
    const old = room.seats.get(before.sub)
    if (before.sub === connection.user.sub) {
      if (!old) return
      old.user = connection.user
      if (before.name !== connection.user.name) this.feed.joined(room, toMember(old))
      return
    }
    this.capacity.pass(room, connection.user.sub)
    if (old) {
      old.connections--
      this.giveUp(room, old, 'renamed')
    }
    this.seat(room, connection)
  }

  /** The first users and the number of all. Made once and shared until one of them changes. */
  snapshot(room: Room): { users: SharedJson<Member[]>; count: number; pv: number } {
    if (room.users === undefined) {
      const users: Member[] = []
      for (const seat of room.seats.values()) {
        if (users.length === PRESENCE_BY_NAME_MAX) break
        users.push(toMember(seat))
      }
      room.users = new SharedJson(users)
    }
    return { users: room.users, count: room.count, pv: room.pv }
  }

  /** Who is back may not have it any more: nobody waits for him here. */
  endHold(room: Room, connection: Connection, reason: string): void {
    const seat = room.seats.get(connection.user.sub)
    if (!seat || !this.holds.release(holdName(signOf(connection), room))) return
    seat.held--
    room.pins--
    this.giveUp(room, seat, reason)
    this.rooms.freeIfEmpty(room)
  }

  private hold(room: Room, seat: RoomUser, sign: string, ms: number): void {
    const isNew = this.holds.keep(holdName(sign, room), ms, () => {
      seat.held--
      room.pins--
      this.giveUp(room, seat, 'timeout')
      this.rooms.freeIfEmpty(room)
    })
    if (!isNew) return
    seat.held++
    room.pins++
  }

  /** Nobody is on the seat: it goes, or those for whom it is kept are missed before long. */
  private giveUp(room: Room, seat: RoomUser, reason: string): void {
    if (seat.connections > 0) return
    if (seat.held > 0) {
      if (!seat.isAway) seat.missed ??= this.runtime.timers.add(MISSED_AFTER_MS, () => this.miss(room, seat))
      return
    }
    this.runtime.timers.cancel(seat.missed)
    const { sub } = seat.user
    room.seats.delete(sub)
    this.capacity.freeIfUnused(room, sub)
    this.feed.left(room, sub, reason)
    this.namespace.announce('exit', seat.user, room.id, reason)
  }

  private miss(room: Room, seat: RoomUser): void {
    seat.missed = undefined
    seat.isAway = true
    this.feed.changed(room, toMember(seat))
  }
}

function holdName(sign: string, room: Room): string {
  return `${sign}\n${room.id}`
}
