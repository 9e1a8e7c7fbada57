/**
 * A seat is a user's place in a room. Joins under way claim it, members have it, and it is free again when the user is no
 * member and no join claims it (B24). With several nodes each states what is so of its own users, and the broker is the
 * referee: a join waits until its user's seat is known everywhere.
 */
import { isPersonalRoom } from '@roomful/protocol'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { SeatChange, SeatResult, SharedPresence } from '../ports/broker.ts'
import type { User } from '../ports/users.ts'
import type { NamespaceState, Room, Seat, SeatClaim, StatedSeat } from '../state/namespace-state.ts'
import type { OpenRooms } from './open-rooms.ts'

/** Until a statement that may not have taken effect is made again. */
const RETRY_MS = 1_000
const FULL = 'The room is full'

export class Seats {
  readonly shared: SharedPresence | undefined
  /** With several nodes: others took the seat of a user who sits here, while this node was away or since the broker lost it. */
  onTaken: (room: Room, userId: string, reason: string) => void = () => undefined
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly rooms: OpenRooms

  constructor(runtime: Runtime, namespace: NamespaceState, rooms: OpenRooms) {
    this.runtime = runtime
    this.namespace = namespace
    this.rooms = rooms
    this.shared = runtime.broker.presence
  }

  /**
   * Keeps a seat for a join until `release`.
   * @throws RoomfulError (also as a rejection) ROOM_FULL, UNAVAILABLE; then nothing is kept
   * @returns nothing when it has the seat at once
   */
  claim(room: Room, user: User): Promise<void> | undefined {
    const { capacity } = room.options
    if (this.shared ? isPersonalRoom(room.id) : capacity === undefined) return undefined
    const { sub } = user
    const claim = room.claims.get(sub) ?? { user, count: 0 }
    room.claims.set(sub, claim)
    claim.count++
    try {
      if (!this.shared) return void this.checkCapacity(room, sub, capacity as number)
      const latest = this.state(room, sub)?.latest
      return latest && this.await(room, sub, latest)
    } catch (error) {
      this.release(room, sub)
      throw error
    }
  }

  /** The join is done, or failed. */
  release(room: Room, userId: string): void {
    const claim = room.claims.get(userId)
    if (claim === undefined) return
    claim.count--
    if (claim.count > 0) return
    room.claims.delete(userId)
    this.state(room, userId)
  }

  /** With several nodes: states what is so of a user on this node, if it is not what was stated last. */
  state(room: Room, userId: string, reason?: string): StatedSeat | undefined {
    if (!this.shared) return undefined
    const stated = room.stated.get(userId)
    const seat = room.seats.get(userId)
    const claim = room.claims.get(userId)
    const user = seat?.user ?? claim?.user ?? stated?.user
    if (user === undefined) return undefined
    const state = stateOf(seat, claim)
    const shown = seat?.state
    const isSame = stated === undefined || (stated.user.name === user.name && stated.shown === shown)
    if (state === (stated?.state ?? 'gone') && isSame) return stated
    // The join is done. Only where others expect the user back does it matter to anyone.
    if (stated?.state === 'joining' && state === 'here' && isSame && stated.calls === 0 && !stated.isElsewhere) {
      stated.state = 'here'
      return stated
    }
    const entry = stated ?? { user, state, isElsewhere: false, calls: 0, latest: undefined }
    room.stated.set(userId, entry)
    entry.user = user
    entry.state = state
    entry.shown = shown
    const { sub, name, role, guest } = user
    this.send(room, entry, {
      roomId: room.id,
      // What it says of itself comes last: the scripts compare it as text.
      user: { sub, name, role, ...(guest === undefined ? {} : { guest }), ...(shown ? { presence: shown } : {}) },
      state,
      forMs: state === 'away' ? Math.max(0, (seat?.expectedUntil ?? 0) - this.runtime.clock.now()) : undefined,
      capacity: state === 'here' || state === 'joining' ? room.options.capacity : undefined,
      reason,
    })
    return entry
  }

  /** The broker may have forgotten what was stated. */
  stateAll(room: Room): Promise<unknown> {
    for (const entry of room.stated.values()) entry.state = 'unknown'
    const statements = [...room.stated.keys()].map((userId) => this.state(room, userId)?.latest)
    return Promise.allSettled(statements)
  }

  /** Everything that was stated has its answer. */
  answered(room: Room): Promise<unknown> {
    return Promise.allSettled(Array.from(room.stated.values(), ({ latest }) => latest))
  }

  private checkCapacity(room: Room, userId: string, capacity: number): void {
    if (room.users.has(userId)) return
    let taken = room.users.size
    for (const each of room.claims.keys()) if (!room.users.has(each)) taken++
    if (taken > capacity) throw full(capacity)
  }

  private async await(room: Room, userId: string, latest: Promise<SeatResult>): Promise<void> {
    try {
      if (!(await latest).ok) throw full(room.options.capacity)
    } catch (error) {
      this.release(room, userId)
      throw error
    }
  }

  private send(room: Room, entry: StatedSeat, change: SeatChange): void {
    entry.calls++
    const latest = (this.shared as SharedPresence).seats(this.namespace.name, [change]).then(
      ([answer]) => {
        const result = answer as SeatResult
        const isRefused = !result.ok && entry.calls === 1
        if (isRefused) entry.state = 'gone'
        entry.isElsewhere = result.ok && result.isElsewhere
        this.onAnswer(room, entry)
        if (isRefused) this.onTaken(room, change.user.sub, FULL)
        return result
      },
      (error: unknown) => {
        if (entry.calls === 1) entry.state = 'unknown'
        this.onAnswer(room, entry)
        this.runtime.timers.add(RETRY_MS, () => this.state(room, change.user.sub, change.reason))
        throw error
      },
    )
    entry.latest = latest
    latest.catch(() => undefined) // a join awaits it and reports the error
  }

  private onAnswer(room: Room, entry: StatedSeat): void {
    entry.calls--
    if (entry.calls > 0) return
    entry.latest = undefined
    if (entry.state !== 'gone') return
    room.stated.delete(entry.user.sub)
    this.rooms.freeIfEmpty(room)
  }
}

function stateOf(seat: Seat | undefined, claim: SeatClaim | undefined): SeatChange['state'] {
  if (seat && !seat.isAway) return 'here'
  if (claim) return 'joining'
  return seat ? 'away' : 'gone'
}

function full(capacity: number | undefined): RoomfulError {
  return new RoomfulError('ROOM_FULL', `${FULL}: it has ${capacity} seats`)
}
