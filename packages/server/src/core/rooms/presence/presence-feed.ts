/**
 * Notifies a room's members of each other. Up to 200 members, arrivals and departures are sent by name, at once; above, all
 * changes within 100 ms are one message, however many there are. Changes between online and reconnecting are sent together
 * in rooms of every size. Every change has a number, so that a client knows when it missed one. G6, D10.
 */

import type { Runtime } from '../../base/runtime.ts'
import type { Timer } from '../../base/timer-wheel.ts'
import { RoomEvent } from '../../events/event.ts'
import { EVERYONE } from '../../log/effects.ts'
import type { FanOut } from '../../log/fan-out.ts'
import type { Connection, Member, Membership, Room, RoomUser } from '../../state/namespace-state.ts'
import type { ThrottledFanOut } from './throttled-fan-out.ts'

/** Members up to which changes are sent one by one, and most users in a snapshot. U2, U3. */
export const PRESENCE_BY_NAME_MAX = 200
/** Members up to which classic clients get the full list. U5. */
const CLASSIC_LIST_MAX = 1_000
/**
 * At most one coalesced message per room in this time, up to 1,000 members; a larger room waits longer in proportion, so
 * that a storm of arrivals costs the same number of writes a second however large the room is.
 */
export const PRESENCE_INTERVAL_MS = 100
const MEMBERS_PER_INTERVAL = 1_000

/** The changes of a room that wait to be sent. */
interface Pending {
  joined: Map<string, Member>
  left: Set<string>
  changed: Map<string, Member>
  /** The number before the first of these changes. */
  since: number
  classic: boolean
  /** Numbers are missing between the last that was sent and `since`. */
  isHole: boolean
  timer: Timer | undefined
}

/** Between two lists of the users of a room. */
interface Differences {
  readonly joined: readonly Member[]
  readonly left: readonly string[]
  readonly changed: readonly Member[]
}

type Change =
  | { readonly kind: 'joined'; readonly member: Member; readonly by: string | undefined }
  | { readonly kind: 'left'; readonly userId: string; readonly reason: string }
  | { readonly kind: 'changed'; readonly member: Member }

export class PresenceFeed {
  private readonly runtime: Runtime
  private readonly fanOut: FanOut
  private readonly throttle: ThrottledFanOut
  private readonly pending = new Map<Room, Pending>()

  constructor(runtime: Runtime, fanOut: FanOut, throttle: ThrottledFanOut) {
    this.runtime = runtime
    this.fanOut = fanOut
    this.throttle = throttle
  }

  /**
   * @param by the connection that caused it, which has the list in its acknowledgement
   * @param pv the number of the change, where others count them
   */
  joined(room: Room, member: Member, by?: string, pv = room.pv + 1): void {
    this.change(room, { kind: 'joined', member, by }, pv)
  }

  left(room: Room, userId: string, reason: string, pv = room.pv + 1): void {
    this.change(room, { kind: 'left', userId, reason }, pv)
  }

  /** A member has another name or status. */
  changed(room: Room, member: Member, pv = room.pv + 1): void {
    this.change(room, { kind: 'changed', member }, pv)
  }

  /** A classic member gets the list, unless it has it: with several nodes its arrival is known before it is a member. */
  listFor(room: Room, connection: Connection): void {
    this.runtime.turn.after(() => this.sendList(room, (member) => member.connection === connection))
  }

  /** The list was read again, since changes were missed: what is different goes out as one message. */
  replaced(room: Room, pv: number, { joined, left, changed }: Differences): void {
    const before = room.pv
    room.pv = pv
    room.memberList = undefined
    if (room.groups.length === 0 || pv <= before) return
    const pending = this.pending.get(room) ?? this.begin(room)
    if (!hasChanges(pending)) pending.since = before
    pending.isHole = true
    for (const userId of left) add(pending, { kind: 'left', userId, reason: '' }, pending.since)
    for (const member of joined) add(pending, { kind: 'joined', member, by: undefined }, pending.since)
    for (const member of changed) add(pending, { kind: 'changed', member }, pending.since)
    pending.classic ||= joined.length + left.length > 0 && room.hasClassicMembers()
    this.flushSoon(room, pending)
  }

  private change(room: Room, change: Change, pv: number): void {
    const known = this.pending.get(room)
    // Arrivals and departures that wait go first, or a departure would overtake the arrival that it ends.
    const waits = known !== undefined && known.joined.size + known.left.size > 0
    const isByName = change.kind !== 'changed' && room.count <= PRESENCE_BY_NAME_MAX && !waits
    if (isByName && known) this.sendDiff(room, known)
    const before = room.pv
    room.pv = pv
    // After the first 200, arrivals are not in the snapshot; members who leave or change may be.
    if (change.kind !== 'joined' || room.count <= PRESENCE_BY_NAME_MAX) room.memberList = undefined
    if (room.groups.length === 0) return
    if (isByName) this.sendByName(room, change)
    const isClassic = change.kind !== 'changed' && room.hasClassicMembers()
    if (isByName && !isClassic) return
    const pending = known ?? this.begin(room)
    pending.classic ||= isClassic
    if (!isByName) add(pending, change, before)
    this.flushSoon(room, pending)
  }

  /** The first change goes at once (when the turn ends), those that follow wait for the interval. */
  private flushSoon(room: Room, pending: Pending): void {
    if (pending.timer) return
    pending.timer = this.runtime.timers.add(intervalMs(room), () => this.onInterval(room))
    this.runtime.turn.after(() => this.flush(room))
  }

  private begin(room: Room): Pending {
    const pending: Pending = {
      joined: new Map(),
      left: new Set(),
      changed: new Map(),
      since: 0,
      classic: false,
      isHole: false,
      timer: undefined,
    }
    this.pending.set(room, pending)
    return pending
  }

  private sendByName(room: Room, change: Exclude<Change, { kind: 'changed' }>): void {
    const { pv, id: roomId } = room
    if (change.kind === 'left') {
      const { userId, reason } = change
      return this.send(room, 'user:left', { roomId, userId, reason, pv })
    }
    const { userId, name, state } = change.member
    const more = state === undefined ? {} : { state }
    this.send(room, 'user:joined', { roomId, userId, name, pv, ...more }, change.by)
  }

  private onInterval(room: Room): void {
    const pending = this.pending.get(room)
    if (!pending) return
    if ((!hasChanges(pending) && !pending.classic) || room.state === 'freed') {
      this.pending.delete(room)
      return
    }
    pending.timer = this.runtime.timers.add(intervalMs(room), () => this.onInterval(room))
    this.flush(room)
  }

  private flush(room: Room): void {
    const pending = this.pending.get(room)
    if (!pending) return
    this.sendDiff(room, pending)
    if (!pending.classic) return
    pending.classic = false
    this.sendList(room, () => true)
  }

  /** To classic members who do not have it as it is. */
  private sendList(room: Room, isFor: (member: Membership) => boolean): void {
    const { id: roomId, count, pv } = room
    const names = count <= CLASSIC_LIST_MAX ? membersOf(room).map((member) => member.name) : []
    const data = { room: roomId, users: names, ...(names.length < count ? { count } : {}) }
    const event = RoomEvent.transient('presence_update', [data], true)
    this.throttle.deliver(count, () =>
      this.fanOut.deliverToMembers(room, event, EVERYONE, (member, view) => {
        if (view !== 'classic' || member.pv > pv || member.listPv >= pv || !isFor(member)) return false
        member.listPv = pv
        return true
      }),
    )
    this.runtime.turn.endSoon()
  }

  /** Everything since the number `since`. */
  private sendDiff(room: Room, pending: Pending): void {
    if (!hasChanges(pending)) return
    const { id: roomId, pv, count } = room
    const { since } = pending
    const joined = [...pending.joined.values()]
    const left = [...pending.left]
    const changed = [...pending.changed.values()]
    pending.joined.clear()
    pending.left.clear()
    pending.changed.clear()
    pending.isHole = false
    this.send(room, 'presence:diff', { roomId, since, pv, joined, left, changed, count })
  }

  private send(room: Room, type: string, data: Record<string, unknown>, except?: string): void {
    const { pv } = room
    const event = RoomEvent.transient(type, [data], true)
    this.throttle.deliver(room.count, () =>
      this.fanOut.deliverToMembers(room, event, EVERYONE, ({ connection, pv: known }) => {
        // A member who came meanwhile has it in the acknowledgement.
        return known < pv && connection.id !== except
      }),
    )
    this.runtime.turn.endSoon()
  }
}

function add(pending: Pending, change: Change, before: number): void {
  if (!hasChanges(pending)) pending.since = before
  const { joined, left, changed } = pending
  if (change.kind === 'left') {
    joined.delete(change.userId)
    changed.delete(change.userId)
    left.add(change.userId) // known to all, if it was there before this interval
    return
  }
  const { member } = change
  // A member who came within this interval is sent with the latest name and status.
  if (change.kind === 'changed' && !joined.has(member.userId)) changed.set(member.userId, member)
  else {
    joined.set(member.userId, member)
    left.delete(member.userId)
    changed.delete(member.userId)
  }
}

function hasChanges({ joined, left, changed, isHole }: Pending): boolean {
  return isHole || joined.size + left.size + changed.size > 0
}

function intervalMs(room: Room): number {
  return PRESENCE_INTERVAL_MS * Math.max(1, room.count / MEMBERS_PER_INTERVAL)
}

export function toMember({ user, isAway, state }: RoomUser): Member {
  const member: Member = { userId: user.sub, name: user.name, status: isAway ? 'reconnecting' : 'online' }
  return state === undefined ? member : { ...member, state }
}

/** Every user in the room, whatever the number. */
export function membersOf(room: Room): Member[] {
  return Array.from(room.users.values(), toMember)
}
