/**
 * The users in a room, whatever their number of connections. A user whose last connection was cut off stays for a grace, and
 * shows as reconnecting after a second, so that a quick return is not visible. The feed numbers and sends the changes. With
 * several nodes this is what the node states of its own users; what members see comes back from all nodes. G6.
 */
import { isPersonalRoom, SharedJson } from '@roomful/protocol'
import type { Runtime } from '../../base/runtime.ts'
import type { FanOut } from '../../log/fan-out.ts'
import type { PresenceDiff, ReturningMember } from '../../ports/broker.ts'
import type { User } from '../../ports/users.ts'
import type { Connection, Member, NamespaceState, PresenceState, Room, Seat } from '../../state/namespace-state.ts'
import type { OpenRooms } from '../open-rooms.ts'
import type { Seats } from '../seats.ts'
import type { FormerNodes } from './former-nodes.ts'
import { type CutOff, cutOff, GraceTimers, signOf } from './grace-timers.ts'
import { PRESENCE_BY_NAME_MAX, PresenceFeed, toMember } from './presence-feed.ts'
import { SharedUsers } from './shared-users.ts'
import type { ThrottledFanOut } from './throttled-fan-out.ts'

/** A user who was cut off shows as `reconnecting` after this long; the SDK's first attempt comes within it. D10. */
const AWAY_AFTER_MS = 1_000

interface RoomPresenceParts {
  readonly rooms: OpenRooms
  readonly seats: Seats
  readonly fanOut: FanOut
  readonly throttle: ThrottledFanOut
  readonly formerNodes: FormerNodes
}

export class RoomPresence {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly rooms: OpenRooms
  private readonly seats: Seats
  private readonly feed: PresenceFeed
  private readonly graceTimers: GraceTimers
  private readonly formerNodes: FormerNodes
  private readonly sharedUsers: SharedUsers | undefined

  constructor(
    runtime: Runtime,
    namespace: NamespaceState,
    { rooms, seats, fanOut, throttle, formerNodes }: RoomPresenceParts,
  ) {
    this.runtime = runtime
    this.namespace = namespace
    this.rooms = rooms
    this.seats = seats
    this.formerNodes = formerNodes
    this.feed = new PresenceFeed(runtime, fanOut, throttle)
    this.graceTimers = new GraceTimers(runtime.timers)
    const { shared } = seats
    if (!shared) return
    const sharedUsers = new SharedUsers(runtime, namespace, { shared, seats, feed: this.feed })
    this.sharedUsers = sharedUsers
    rooms.onOpened = (room) => (isPersonalRoom(room.id) ? undefined : sharedUsers.read(room))
  }

  /** A connection became a member. */
  add(room: Room, connection: Connection, state?: PresenceState): void {
    if (isPersonalRoom(room.id)) return // only its owner is in it
    const { user } = connection
    const known = room.seats.get(user.sub)
    if (!known) {
      if (this.sharedUsers && connection.link.dialect.view === 'classic') this.feed.listFor(room, connection)
      return this.enter(room, seatWith(newSeat(user, 1), connection, state), connection.id)
    }
    // What a connection said that is gone counts no more.
    if (known.connections === 0) known.states = keptState(known, connection.id)
    const before = known.state
    seatWith(known, connection, state)
    const isChanged = before !== known.state
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
    if (this.sharedUsers) this.seats.state(room, user.sub)
    else if (isRenamed) this.feed.joined(room, toMember(known), connection.id)
    else if (wasAway || isChanged) this.feed.changed(room, toMember(known))
  }

  /** A connection left, or was cut off. @param graceMs how long its user may take to come back; 0 not at all */
  remove(room: Room, connection: Connection, reason: string, graceMs: number): void {
    const seat = room.seats.get(connection.user.sub)
    if (!seat) return
    seat.connections--
    if (graceMs > 0) this.keepForGrace(room, seat, cutOff(connection), graceMs)
    this.removeIfGone(room, seat, reason)
    if (graceMs === 0) this.formerNodes.letGo(connection, { roomId: room.id, reason })
    if (seat.connections > 0 && seat.states?.delete(connection.id)) this.show(room, seat)
  }

  /** What a member says of itself has changed. */
  setState(room: Room, connection: Connection, state: PresenceState): void {
    const seat = room.seats.get(connection.user.sub)
    if (!seat) return
    seat.states ??= new Map()
    seat.states.delete(connection.id)
    seat.states.set(connection.id, state)
    this.show(room, seat)
  }

  private show(room: Room, seat: Seat): void {
    const before = JSON.stringify(seat.state)
    merge(seat)
    if (JSON.stringify(seat.state) === before) return
    if (this.sharedUsers) this.seats.state(room, seat.user.sub)
    else this.feed.changed(room, toMember(seat))
  }

  /** A member expected to reconnect after a restart. G7. */
  expect(room: Room, { user, sign }: ReturningMember, graceMs: number): void {
    let seat = room.seats.get(user.sub)
    if (!seat) {
      seat = { ...newSeat(user, 0), isAway: true }
      this.enter(room, seat)
    }
    this.keepForGrace(room, seat, { sign, fence: 0 }, graceMs)
  }

  /** The user behind a connection is another one now, or has another name. */
  renamed(room: Room, connection: Connection, before: User): void {
    const old = room.seats.get(before.sub)
    if (before.sub === connection.user.sub) {
      if (!old) return
      old.user = connection.user
      if (this.sharedUsers) this.seats.state(room, before.sub)
      else if (before.name !== connection.user.name) this.feed.joined(room, toMember(old))
      return
    }
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
      for (const user of room.users.values()) {
        if (users.length === PRESENCE_BY_NAME_MAX) break
        users.push(toMember(user))
      }
      room.memberList = new SharedJson(users)
    }
    return { users: room.memberList, count: room.count, pv: room.pv }
  }

  /** A connection is back, and its user may not be in this room any more. */
  endGrace(room: Room, connection: Connection, reason: string): void {
    this.endGraceOf(room, connection.user.sub, { sign: signOf(connection), fence: Number.POSITIVE_INFINITY }, reason)
  }

  /** @param cutOff with the fence that its session has by now */
  endGraceOf(room: Room, userId: string, { sign, fence }: CutOff, reason: string): void {
    const seat = room.seats.get(userId)
    if (!seat || !this.graceTimers.release(graceName(sign, room), fence)) return
    seat.expected--
    room.pins--
    this.removeIfGone(room, seat, reason)
    this.rooms.freeIfEmpty(room)
  }

  /** From the broker of several nodes. */
  onDiff(diff: PresenceDiff): void {
    this.sharedUsers?.onDiff(diff)
  }

  /** From the broker of several nodes: changes may have been missed, on either side. */
  onBreak(): void {
    this.sharedUsers?.onBreak()
  }

  /** The node ends. Users who are expected back show as reconnecting until then, or are on another node already. */
  async leavePlaces(): Promise<void> {
    for (const room of this.namespace.rooms.values()) {
      for (const seat of room.seats.values()) {
        if (seat.connections > 0 || seat.isAway) continue
        this.runtime.timers.cancel(seat.awayTimer)
        this.showAway(room, seat)
      }
    }
    await Promise.all(Array.from(this.namespace.rooms.values(), (room) => this.seats.answered(room)))
  }

  private enter(room: Room, seat: Seat, by?: string): void {
    const { user } = seat
    room.seats.set(user.sub, seat)
    if (this.sharedUsers) return void this.seats.state(room, user.sub)
    room.users.set(user.sub, seat)
    this.feed.joined(room, toMember(seat), by)
    this.namespace.announce('enter', user, room.id)
  }

  private keepForGrace(room: Room, seat: Seat, { sign, fence }: CutOff, ms: number): void {
    seat.expectedUntil = Math.max(seat.expectedUntil, this.runtime.clock.now() + ms)
    const onEnd = (): void => {
      seat.expected--
      room.pins--
      this.removeIfGone(room, seat, 'timeout')
      this.rooms.freeIfEmpty(room)
    }
    const isNew = this.graceTimers.keep(graceName(sign, room), { ms, fence, onEnd })
    if (!isNew) return
    seat.expected++
    room.pins++
  }

  /** A user without connections leaves, or shows as away before long while connections are expected back. */
  private removeIfGone(room: Room, seat: Seat, reason: string): void {
    if (seat.connections > 0) return
    if (seat.expected > 0) {
      if (!seat.isAway) seat.awayTimer ??= this.runtime.timers.add(AWAY_AFTER_MS, () => this.showAway(room, seat))
      return
    }
    this.runtime.timers.cancel(seat.awayTimer)
    const { sub } = seat.user
    room.seats.delete(sub)
    if (this.sharedUsers) return void this.seats.state(room, sub, reason)
    room.users.delete(sub)
    this.feed.left(room, sub, reason)
    this.namespace.announce('exit', seat.user, room.id, reason)
  }

  private showAway(room: Room, seat: Seat): void {
    seat.awayTimer = undefined
    seat.isAway = true
    if (this.sharedUsers) this.seats.state(room, seat.user.sub)
    else this.feed.changed(room, toMember(seat))
  }
}

function seatWith(seat: Seat, { id }: Connection, state: PresenceState | undefined): Seat {
  if (state === undefined && seat.states === undefined) return seat
  seat.states ??= new Map()
  if (state !== undefined) {
    seat.states.delete(id)
    seat.states.set(id, state)
  }
  const before = JSON.stringify(seat.state)
  const was = seat.state
  merge(seat)
  if (JSON.stringify(seat.state) === before) seat.state = was
  return seat
}

function keptState({ states }: Seat, id: string): Map<string, PresenceState> | undefined {
  const own = states?.get(id)
  return states && new Map(own === undefined ? [] : [[id, own]])
}

/** Of several connections of a user the one that spoke last counts, field by field. */
function merge(seat: Seat): void {
  const states = [...(seat.states?.values() ?? [])]
  seat.state = states.length === 0 ? undefined : Object.assign({}, ...states)
}

function newSeat(user: User, connections: number): Seat {
  return { user, connections, expected: 0, expectedUntil: 0, isAway: false, awayTimer: undefined }
}

function graceName(sign: string, room: Room): string {
  return `${sign}\n${room.id}`
}
