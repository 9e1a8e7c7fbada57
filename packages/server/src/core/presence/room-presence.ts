/**
 * Who is in a room: seats per user, numbered changes (`pv`) over a snapshot, outside the log. Up to 200 members everyone
 * hears each change by name; above, what changed within 100 ms is told at once, so that a storm stays one message. G6.
 */
import { isPersonalRoom, SharedJson } from '@roomful/protocol'
import type { Connection } from '../connection.ts'
import type { Target } from '../effects.ts'
import { RoomEvent } from '../event.ts'
import type { Hub } from '../hub.ts'
import type { Namespace } from '../namespace.ts'
import type { Room, Seat } from '../room.ts'
import type { Timer } from '../timer-wheel.ts'
import type { User } from '../user.ts'

export interface Member {
  userId: string
  name: string
  status: 'online' | 'reconnecting' | 'left'
}

/** Members up to which changes are told one by one, and most users in a snapshot. WIRE 8. */
export const PRESENCE_BY_NAME_MAX = 200
/** Members up to which classic clients get the full list. WIRE 4. */
const CLASSIC_LIST_MAX = 1_000
/**
 * At most one coalesced message per room in this time, up to 1,000 members; a larger room waits longer in proportion, so
 * that a storm of arrivals costs the same number of writes a second however large the room is.
 */
export const PRESENCE_INTERVAL_MS = 100
const MEMBERS_PER_INTERVAL = 1_000

/** What a room still has to tell. */
interface Pending {
  joined: Map<string, Member>
  left: Set<string>
  classic: boolean
  timer: Timer | undefined
}

export class RoomPresence {
  private readonly hub: Hub
  private readonly namespace: Namespace
  private readonly pending = new Map<Room, Pending>()
  /** Seats of cut-off sessions: session id + room → what gives it up. */
  private readonly holds = new Map<string, Timer>()

  constructor(hub: Hub, namespace: Namespace) {
    this.hub = hub
    this.namespace = namespace
  }

  /** A connection became a member. */
  seat(room: Room, connection: Connection): void {
    if (isPersonalRoom(room.id)) return // only its owner is ever there
    const { user } = connection
    let seat = room.seats.get(user.sub)
    if (seat) {
      if (seat.connections === 0 || seat.user.name !== user.name) room.users = undefined
      seat.connections++
      seat.user = user
      this.releaseHold(room, connection, seat)
      return
    }
    seat = { user, connections: 1, held: 0 }
    room.seats.set(user.sub, seat)
    this.changed(room, { userId: user.sub, name: user.name, status: 'online' }, undefined, connection)
    this.namespace.announce('enter', user, room.id)
  }

  /** A connection left, or was cut off and is `held`. */
  unseat(room: Room, connection: Connection, reason: string, held: boolean): void {
    const seat = room.seats.get(connection.user.sub)
    if (!seat) return
    seat.connections--
    if (held && connection.session) {
      seat.held++
      room.users = undefined
      const key = holdKey(connection.session.id, room)
      room.pins++
      this.holds.set(
        key,
        this.hub.timers.add(this.hub.settings.presenceGraceMs, () => {
          this.holds.delete(key)
          this.endHold(room, seat, 'timeout')
        }),
      )
      return
    }
    this.giveUp(room, seat, reason)
  }

  /** The user behind a connection is another one now, or has another name. */
  renamed(room: Room, connection: Connection, before: User): void {
    if (before.sub === connection.user.sub) {
      const seat = room.seats.get(before.sub)
      if (!seat) return
      seat.user = connection.user
      room.users = undefined
      const { sub, name } = connection.user
      if (before.name !== name) this.changed(room, { userId: sub, name, status: 'online' }, undefined, connection)
      return
    }
    const old = room.seats.get(before.sub)
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

  /** Every user in the room, whatever the number. */
  members(room: Room): Member[] {
    return Array.from(room.seats.values(), toMember)
  }

  private releaseHold(room: Room, connection: Connection, seat: Seat): void {
    const key = connection.session && holdKey(connection.session.id, room)
    const hold = key === undefined ? undefined : this.holds.get(key)
    if (key === undefined || hold === undefined) return
    this.hub.timers.cancel(hold)
    this.holds.delete(key)
    seat.held--
    room.pins--
  }

  private endHold(room: Room, seat: Seat, reason: string): void {
    seat.held--
    room.pins--
    this.giveUp(room, seat, reason)
    this.namespace.freeIfEmpty(room)
  }

  private giveUp(room: Room, seat: Seat, reason: string): void {
    if (seat.connections > 0 || seat.held > 0) return
    const { sub } = seat.user
    room.seats.delete(sub)
    if (room.options.capacity !== undefined) this.hub.broker.freeSeat(this.namespace.name, room.id, sub)
    this.changed(room, undefined, { userId: sub, reason })
    this.namespace.announce('exit', seat.user, room.id, reason)
  }

  private changed(room: Room, joined?: Member, left?: { userId: string; reason: string }, by?: Connection): void {
    room.pv++
    // Who comes after the first two hundred is not in the snapshot; whoever leaves may have been.
    if (left || room.count <= PRESENCE_BY_NAME_MAX) room.users = undefined
    if (room.groups.length === 0) return
    const classic = room.hasClassicMembers()
    let pending = this.pending.get(room)
    // What waits to be told together goes first, or a departure would overtake the arrival it ends.
    const isTogether = room.count > PRESENCE_BY_NAME_MAX || (pending !== undefined && hasChanges(pending))
    if (!isTogether) {
      const { pv, id: roomId } = room
      if (joined) {
        const { userId, name } = joined
        this.tell(room, 'user:joined', { roomId, userId, name, pv }, by?.id)
      }
      if (left) this.tell(room, 'user:left', { roomId, ...left, pv })
      if (!classic) return
    }
    if (!pending) {
      pending = { joined: new Map(), left: new Set(), classic: false, timer: undefined }
      this.pending.set(room, pending)
    }
    pending.classic ||= classic
    if (isTogether) {
      if (joined) {
        pending.joined.set(joined.userId, joined)
        pending.left.delete(joined.userId)
      }
      if (left) {
        pending.joined.delete(left.userId)
        pending.left.add(left.userId) // known to all, if it was there before this interval
      }
    }
    // The first change goes at once (when the turn ends), those that follow wait for the interval.
    if (pending.timer) return
    pending.timer = this.hub.timers.add(intervalMs(room), () => this.onInterval(room))
    this.hub.turn.after(() => this.flush(room))
  }

  private onInterval(room: Room): void {
    const pending = this.pending.get(room)
    if (!pending) return
    if ((!hasChanges(pending) && !pending.classic) || room.state === 'freed') {
      this.pending.delete(room)
      return
    }
    pending.timer = this.hub.timers.add(intervalMs(room), () => this.onInterval(room))
    this.flush(room)
  }

  private flush(room: Room): void {
    const pending = this.pending.get(room)
    if (!pending) return
    const { id: roomId, pv, count } = room
    if (hasChanges(pending)) {
      const joined = [...pending.joined.values()]
      const left = [...pending.left]
      pending.joined.clear()
      pending.left.clear()
      this.tell(room, 'presence:diff', { roomId, pv, joined, left, count })
    }
    if (pending.classic) {
      pending.classic = false
      const names = room.count <= CLASSIC_LIST_MAX ? this.members(room).map((member) => member.name) : []
      this.tell(room, 'presence_update', { room: roomId, users: names, ...(names.length < count ? { count } : {}) })
    }
    this.hub.turn.endSoon()
  }

  private tell(room: Room, type: string, data: Record<string, unknown>, except?: string): void {
    const target: Target = except === undefined ? toRoom(room.id) : { ...toRoom(room.id), except: [except] }
    this.namespace.fanOut.emit(RoomEvent.transient(type, [data], true), target)
    this.hub.turn.endSoon()
  }
}

function hasChanges({ joined, left }: Pending): boolean {
  return joined.size > 0 || left.size > 0
}

function intervalMs(room: Room): number {
  return PRESENCE_INTERVAL_MS * Math.max(1, room.count / MEMBERS_PER_INTERVAL)
}

function toMember(seat: Seat): Member {
  const { sub, name } = seat.user
  return { userId: sub, name, status: seat.connections > 0 ? 'online' : 'reconnecting' }
}

function toRoom(roomId: string): Target {
  return { rooms: [roomId], except: [], volatile: false, latestKey: undefined }
}

function holdKey(sessionId: string, room: Room): string {
  return `${sessionId}\n${room.id}`
}
