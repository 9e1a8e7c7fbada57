/**
 * Joining and leaving rooms. A join has two halves. While its request runs, it is prepared: rules, the log, a seat. When the
 * turn is released it is committed, synchronously: the member is added, then the acknowledgement is made and missed events
 * are queued, so that no event can be lost in between.
 */
import type { Position, ResetReason, SharedJson } from '@roomful/protocol'
import { checkRoomId } from '../base/contract.ts'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { StatePage } from '../events/room-facts.ts'
import type { CatchUp } from '../log/catch-up.ts'
import type { PreparedJoin } from '../log/effects.ts'
import type { SavedSessions } from '../log/saved-sessions.ts'
import type { User } from '../ports/users.ts'
import { type Flow, intervalOf } from '../state/flow.ts'
import type { SharedLimits } from '../state/limits.ts'
import { takeJoin } from '../state/limits.ts'
import { type Connection, type Member, Membership, type NamespaceState, type Room } from '../state/namespace-state.ts'
import type { Access } from './access.ts'
import type { OpenRooms } from './open-rooms.ts'
import type { RoomPresence } from './presence/room-presence.ts'
import type { Seats } from './seats.ts'

/** The acknowledgement of a join. PROTOCOL.md 8. */
export interface JoinAck {
  status: 'ok'
  roomId: string
  epoch: string
  seq: number
  recovered?: boolean
  reason?: ResetReason
  from?: number
  to?: number
  users: SharedJson<Member[]>
  count: number
  pv: number
  facts: SharedJson<StatePage>
  /** How far the user has read. */
  read?: { readonly seq: number }
  /** Which events it is sent, where it asked for something. */
  flow?: Flow
}

interface JoinsParts {
  readonly rooms: OpenRooms
  readonly access: Access
  readonly seats: Seats
  readonly presence: RoomPresence
  readonly catchUp: CatchUp
  readonly savedSessions: SavedSessions
  readonly sharedLimits: SharedLimits
}

export class Joins {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly rooms: OpenRooms
  private readonly access: Access
  readonly seats: Seats
  private readonly presence: RoomPresence
  private readonly catchUp: CatchUp
  private readonly savedSessions: SavedSessions
  private readonly sharedLimits: SharedLimits

  constructor(runtime: Runtime, namespace: NamespaceState, parts: JoinsParts) {
    this.runtime = runtime
    this.namespace = namespace
    this.rooms = parts.rooms
    this.access = parts.access
    this.seats = parts.seats
    this.presence = parts.presence
    this.catchUp = parts.catchUp
    this.savedSessions = parts.savedSessions
    this.sharedLimits = parts.sharedLimits
  }

  /**
   * @throws RoomfulError ROOM_NAME_INVALID, FORBIDDEN, ROOM_FULL, TOO_MANY_ROOMS, RATE_LIMITED, UNAVAILABLE
   * @returns synchronously when nothing has to be waited for
   */
  prepare(connection: Connection, roomId: unknown, after?: Position | number): PreparedJoin | Promise<PreparedJoin> {
    const id = checkRoomId(roomId)
    if (connection.httpMode === 'one-shot') {
      throw new RoomfulError('INVALID_MESSAGE', 'A single request over HTTP cannot stay in a room; use /sse or /poll')
    }
    takeJoin(this.runtime, connection)
    this.checkRoomCount(connection, id)
    return this.prepareUncounted(connection, id, after)
  }

  /** As {@link prepare}, for what the server decides: it does not count towards the rate of joins. */
  preparePlacement(connection: Connection, roomId: string): PreparedJoin | Promise<PreparedJoin> {
    this.checkRoomCount(connection, roomId)
    return this.prepareUncounted(connection, roomId, undefined)
  }

  /** As {@link prepare}, for a caller that asks for all rooms at once and has counted them. */
  prepareUncounted(
    connection: Connection,
    roomId: unknown,
    after: Position | number | undefined,
  ): PreparedJoin | Promise<PreparedJoin> {
    const id = checkRoomId(roomId)
    const { user } = connection
    const allowed = this.access.may(connection, 'join', id)
    const { sharedLimits } = this
    if (allowed === true && !sharedLimits.asksForRoom(connection, id)) return this.enter(connection, user, id, after)
    return (async () => {
      await allowed
      if (sharedLimits.asksForRoom(connection, id)) await sharedLimits.takeRoom(connection, id)
      return this.enter(connection, user, id, after)
    })()
  }

  /** Joins of the server itself: no rules, no limits. */
  async prepareOwn(connection: Connection, roomId: string, after: Position | number): Promise<PreparedJoin> {
    return this.enter(connection, connection.user, roomId, after)
  }

  /** Adds the member, live or behind, and notifies the others. @returns nothing when the connection is closed */
  commit(prepared: PreparedJoin): JoinAck | undefined {
    const { connection, room, after } = prepared
    if (connection.stage !== 'open') {
      this.abandon(prepared)
      return undefined
    }
    room.pins--
    const resume = after === undefined ? undefined : resumeFrom(room, after, this.runtime.settings.replayMax)
    const position = resume?.position ?? room.head
    let membership = connection.memberships.get(room.id)
    const isNew = membership === undefined
    const joining = connection.joining?.get(room.id)
    const { state, flow = 'all' } = joining ?? {}
    if (membership === undefined) {
      membership = new Membership(connection, room, position)
      membership.flow = flow
      connection.memberships.set(room.id, membership)
      const { dialect } = connection.link
      room.addMember(membership, dialect.encoding(connection.channel), dialect.view)
      this.presence.add(room, connection, state)
    } else {
      if (state) this.presence.setState(room, connection, state)
      if (intervalOf(membership.flow) !== intervalOf(flow)) this.regroupIn(membership, flow)
      membership.flow = flow
    }
    if (joining) connection.joining?.delete(room.id)
    membership.isResuming = after !== undefined
    this.seats.release(room, prepared.user.sub)
    membership.pv = room.pv
    if (after !== undefined) membership.joinedAt = position
    const isAnew = isNew || after !== undefined
    if (isAnew && (connection.behind || position < room.head || room.texts.size > 0)) {
      this.catchUp.enter(membership, position)
    } else if (!isAnew && room.texts.size > 0) this.catchUp.repeatTexts(membership)
    this.savedSessions.saveSoon(connection)
    if (isNew) this.namespace.announce('join', connection, room.id)
    if (isNew || after !== undefined) {
      const { recovered, reason } = resume?.ack ?? {}
      const fact = { connectionId: connection.id, roomId: room.id, seq: room.head, after: position, recovered, reason }
      this.runtime.observer.observe({ type: 'room:joined', ...fact })
    }
    // The rules were asked about another user. What they say about this one must follow the acknowledgement of the join.
    if (prepared.user !== connection.user)
      this.runtime.turn.after(() => void this.access.recheckRoom(connection, room.id)) // never rejects
    return {
      status: 'ok',
      roomId: room.id,
      epoch: room.epoch,
      seq: room.head,
      // To a member that does not get all, an answer cannot say that nothing is missing.
      ...(flow === 'all' ? resume?.ack : undefined),
      ...this.presence.snapshot(room),
      facts: room.facts.firstPage,
      ...(joining ? { flow } : {}),
    }
  }

  abandon(prepared: PreparedJoin): void {
    const { room, user } = prepared
    room.pins--
    this.seats.release(room, user.sub)
    this.rooms.freeIfEmpty(room)
  }

  /** @param graceMs the member was cut off and may come back: the user stays in the room for so long */
  leave(connection: Connection, roomId: string, reason: string, graceMs = 0): boolean {
    const membership = connection.memberships.get(roomId)
    if (!membership) return false
    const { room } = membership
    connection.memberships.delete(roomId)
    room.removeMember(membership)
    if (connection.stage === 'open') this.savedSessions.saveSoon(connection)
    this.namespace.announce('leave', connection, roomId, reason)
    const seq = connection.behind ? membership.position : room.head
    this.runtime.observer.observe({ type: 'room:left', connectionId: connection.id, roomId, seq, reason })
    this.presence.remove(room, connection, reason, graceMs)
    this.rooms.freeIfEmpty(room)
    return true
  }

  /** The connection's dialect changed: its events take another form from now on. */
  regroup(connection: Connection): void {
    for (const membership of connection.memberships.values()) this.regroupIn(membership, membership.flow)
  }

  private regroupIn(membership: Membership, flow: Flow): void {
    const { room, connection } = membership
    const { dialect } = connection.link
    room.removeMember(membership)
    membership.flow = flow
    room.addMember(membership, dialect.encoding(connection.channel), dialect.view)
  }

  /** @throws RoomfulError TOO_MANY_ROOMS */
  private checkRoomCount(connection: Connection, roomId: string): void {
    const { maxRooms } = this.runtime.settings
    if (connection.willBeIn(roomId) || connection.intended.count(connection.memberships) < maxRooms) return
    throw new RoomfulError('TOO_MANY_ROOMS', `A connection may be in ${maxRooms} rooms; leave one first`)
  }

  private enter(
    connection: Connection,
    user: User,
    roomId: string,
    after: Position | number | undefined,
  ): PreparedJoin | Promise<PreparedJoin> {
    const room = this.rooms.open(roomId)
    room.pins++
    const isHot = after === undefined || isInTail(room, after)
    try {
      if (room.state !== 'open' || !isHot) return this.enterSlowly(connection, user, room, after)
      const seated = this.seats.claim(room, user)
      const prepared = { connection, room, after, user }
      return seated ? this.whenSeated(prepared, seated) : prepared
    } catch (error) {
      throw this.failed(room, error)
    }
  }

  /**
   * The log may have been trimmed since the room was opened: a resume must not be promised what is gone. And a client that
   * comes from another node may know more than this one. G4.
   */
  private async refreshFirst(room: Room): Promise<void> {
    const [head] = await this.runtime.broker.heads(this.namespace.name, [room.id])
    if (head) room.first = head.first
  }

  private async enterSlowly(
    connection: Connection,
    user: User,
    room: Room,
    after: Position | number | undefined,
  ): Promise<PreparedJoin> {
    try {
      await room.opened
      if (after !== undefined) await this.refreshFirst(room)
      await this.seats.claim(room, user)
      return { connection, room, after, user }
    } catch (error) {
      throw this.failed(room, error)
    }
  }

  private async whenSeated(prepared: PreparedJoin, seated: Promise<void>): Promise<PreparedJoin> {
    try {
      await seated
      return prepared
    } catch (error) {
      throw this.failed(prepared.room, error)
    }
  }

  private failed(room: Room, error: unknown): RoomfulError {
    room.pins--
    this.rooms.freeIfEmpty(room)
    return error instanceof RoomfulError ? error : new RoomfulError('UNAVAILABLE', undefined, { cause: error })
  }
}

/** Whether everything that is missing is in memory, and this node not behind the client. */
function isInTail({ epoch: own, head, tail }: Room, after: Position | number): boolean {
  const { epoch = own, seq } = typeof after === 'number' ? { seq: after } : after
  return epoch === own && seq <= head && seq + 1 >= tail.from
}

/** Where a resume goes on, and what its acknowledgement says: never `recovered` when a single event is missing. G4. */
export function resumeFrom(
  room: Pick<Room, 'epoch' | 'head' | 'first'>,
  after: Position | number,
  replayMax: number,
): { position: number; ack: Pick<JoinAck, 'recovered' | 'reason' | 'from' | 'to'> } {
  const { epoch = room.epoch, seq } = typeof after === 'number' ? { seq: after } : after
  // The log may have trimmed up to what is stored and not yet released; from there on everything comes.
  const oldest = Math.min(Math.max(room.first, room.head - replayMax + 1), room.head + 1)
  const lost = (reason: ResetReason, from: number) => ({
    position: from - 1,
    ack: { recovered: false, reason, from, to: room.head },
  })
  if (epoch !== room.epoch || seq > room.head) return lost('epoch', oldest)
  if (seq + 1 < room.first) return lost('trimmed', oldest)
  if (room.head - seq > replayMax) return lost('too_far', oldest)
  return { position: seq, ack: { recovered: true } }
}
