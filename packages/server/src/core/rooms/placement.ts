/**
 * Membership that the server decides: at connect, or from outside a handler. Rules and capacity apply as
 * for a join of the client's own. The client is sent the acknowledgement of a join as `room:joined`, and `room:left` when it
 * is taken out.
 */
import { CLOSE_CODES, isPersonalRoom } from '@roomful/protocol'
import { checkRoomId } from '../base/contract.ts'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { CatchUp } from '../log/catch-up.ts'
import type { Commit } from '../log/commit.ts'
import type { Effect, PreparedJoin } from '../log/effects.ts'
import type { Delivery } from '../log/fan-out.ts'
import type { SavedSessions } from '../log/saved-sessions.ts'
import type { Connection, NamespaceState, Room } from '../state/namespace-state.ts'
import type { JoinAck, Joins } from './joins.ts'

/** Why a client left a room, unless the server says otherwise. */
const REMOVED = 'Removed by the server'

interface PlacementParts {
  readonly joins: Joins
  readonly commit: Commit
  readonly catchUp: CatchUp
  readonly delivery: Delivery
  readonly savedSessions: SavedSessions
}

export class Placement {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly joins: Joins
  private readonly commit: Commit
  private readonly catchUp: CatchUp
  private readonly delivery: Delivery
  private readonly savedSessions: SavedSessions
  /** The last placement of each connection that is under way: a leave must not overtake the join before it. */
  private readonly running = new WeakMap<Connection, Promise<unknown>>()

  constructor(runtime: Runtime, namespace: NamespaceState, parts: PlacementParts) {
    this.runtime = runtime
    this.namespace = namespace
    this.joins = parts.joins
    this.commit = parts.commit
    this.catchUp = parts.catchUp
    this.delivery = parts.delivery
    this.savedSessions = parts.savedSessions
  }

  /**
   * Puts one connection into a room.
   * @throws RoomfulError (rejects) DISCONNECTED, FORBIDDEN, ROOM_FULL, TOO_MANY_ROOMS, ROOM_NAME_INVALID, UNAVAILABLE
   */
  async join(connection: Connection, roomId: string): Promise<void> {
    const id = checkPlaceable(roomId)
    checkOpen(connection)
    if (!canBePlaced(connection)) throw new RoomfulError('CONFLICT', 'This connection is bound to a single room')
    await this.inOrder([connection], () => this.joinAll([connection], id))
  }

  /**
   * Puts every connection of a user, or one connection, into a room: all of them, or none.
   * @returns how many are in the room because of it, or were in it already
   * @throws RoomfulError (rejects) as {@link join}
   */
  async joinUser(userOrConnection: string, roomId: string): Promise<number> {
    const id = checkPlaceable(roomId)
    const connections = this.placeable(userOrConnection)
    return this.inOrder(connections, () => this.joinAll(connections, id))
  }

  /** Takes one connection out of a room. @returns false when it was not in it */
  async leave(connection: Connection, roomId: string, reason?: string): Promise<boolean> {
    const id = checkPlaceable(roomId)
    return (await this.inOrder([connection], () => this.leaveAll([connection], id, reason))) > 0
  }

  /** Takes every connection of a user, or one connection, out of a room. @returns how many were in it */
  async leaveUser(userOrConnection: string, roomId: string, reason?: string): Promise<number> {
    const id = checkPlaceable(roomId)
    const connections = this.placeable(userOrConnection)
    return this.inOrder(connections, () => this.leaveAll(connections, id, reason))
  }

  /** Waits for the placements of a connection that are under way, however they end. */
  async settled(connection: Connection): Promise<void> {
    const running = this.running.get(connection)
    if (running) await Promise.allSettled([running])
  }

  /** A prepared join of the server's own, in its place in the turn. */
  apply(prepared: PreparedJoin, ok = true): boolean {
    const { connection, room } = prepared
    if (!ok) {
      this.joins.abandon(prepared)
      return false
    }
    const isNew = !connection.memberships.has(room.id)
    const reply = this.joins.commit(prepared)
    if (!reply) return false
    this.savedSessions.corkUntilStored(connection)
    if (isNew) this.notifyJoined(connection, reply)
    this.catchUp.pump(connection)
    this.runtime.turn.endSoon()
    return true
  }

  notifyJoined(connection: Connection, reply: JoinAck): void {
    const { link, channel, currentRoom } = connection
    const { roomId, epoch, seq } = reply
    if (link.dialect.view !== 'classic') return this.delivery.notify(connection, 'room:joined', { ...reply })
    // These clients know one room at a time: the latest of which they were notified.
    if (currentRoom !== undefined && currentRoom !== roomId) this.takeOut(connection, currentRoom)
    connection.currentRoom = roomId
    link.control('joined', channel, { room: roomId, epoch, seq })
  }

  /** @returns false when it was not in the room */
  takeOut(connection: Connection, roomId: string, reason: string = REMOVED): boolean {
    if (connection.stage !== 'open' || isPersonalRoom(roomId)) return false
    if (!this.joins.leave(connection, roomId, reason)) return false
    const { link, channel } = connection
    this.savedSessions.corkUntilStored(connection)
    if (link.dialect.view === 'classic') {
      if (connection.currentRoom === roomId) connection.currentRoom = undefined
      link.control('left', channel, { room: roomId })
    } else this.delivery.notify(connection, 'room:left', { roomId, reason })
    this.runtime.turn.endSoon()
    return true
  }

  /** Takes every connection of a user out of a room in which the user has no seat any more. */
  unseat(room: Room, userId: string, reason: string): void {
    const members = room.groups.flatMap((group) => group.members)
    for (const { connection } of members.filter((each) => each.connection.user.sub === userId)) {
      // The connection of a protocol has this one room, so it ends with it.
      if (connection.link.owner) connection.link.close(CLOSE_CODES.TRY_LATER.code, reason)
      else this.takeOut(connection, room.id, reason)
    }
  }

  private async joinAll(connections: readonly Connection[], roomId: string): Promise<number> {
    const here = connections.filter(({ stage }) => stage === 'open')
    const results = await Promise.allSettled(here.map(async (each) => this.joins.preparePlacement(each, roomId)))
    const prepared = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const refused = results.find((each) => each.status === 'rejected')
    if (refused) {
      for (const each of prepared) this.joins.abandon(each)
      throw refused.reason
    }
    const effects = prepared.map((each) => ({ kind: 'join', prepared: each }) as const)
    return this.inTurn(here[0], effects, (effect, ok) => effect.kind === 'join' && this.apply(effect.prepared, ok))
  }

  /** Membership changes take their place among the events that were emitted before and after. @returns how many did */
  private inTurn(
    connection: Connection | undefined,
    effects: readonly Effect[],
    apply: (effect: Effect, ok: boolean) => boolean,
  ): Promise<number> {
    if (connection === undefined) return Promise.resolve(0)
    return new Promise((resolve, reject) => {
      let count = 0
      this.commit.submit({
        effects,
        key: undefined,
        firstKey: 0,
        ack: undefined,
        origin: undefined,
        apply(effect, ok) {
          if (apply(effect, ok)) count++
        },
        settle: (_stored, error) => (error ? reject(error) : resolve(count)),
      })
    })
  }

  private leaveAll(connections: readonly Connection[], roomId: string, reason: string | undefined): Promise<number> {
    let next = 0
    const effects = connections.map(() => ({ kind: 'leave', roomId }) as const)
    return this.inTurn(connections[0], effects, (_effect, ok) => {
      const connection = connections[next++] as Connection
      return ok && this.takeOut(connection, roomId, reason)
    })
  }

  private placeable(userOrConnection: string): Connection[] {
    return this.namespace.connectionsOf(userOrConnection).filter(canBePlaced)
  }

  private inOrder<Result>(connections: readonly Connection[], work: () => Result | Promise<Result>): Promise<Result> {
    const earlier = connections.flatMap((each) => this.running.get(each) ?? [])
    const done = earlier.length === 0 ? Promise.resolve().then(work) : Promise.allSettled(earlier).then(work)
    for (const each of connections) this.running.set(each, done)
    const forget = (): void => {
      for (const each of connections) if (this.running.get(each) === done) this.running.delete(each)
    }
    done.then(forget, forget)
    return done
  }
}

/** Personal rooms are the server's: a connection is in its own, and in no other. */
function checkPlaceable(roomId: string): string {
  if (!isPersonalRoom(checkRoomId(roomId))) return roomId
  throw new RoomfulError('FORBIDDEN', 'Personal rooms cannot be joined or left for a user', { field: 'roomId' })
}

function checkOpen({ stage }: Connection): void {
  if (stage === 'open') return
  const notYet = 'The connection is not open yet: in a check, use context.join'
  throw new RoomfulError('DISCONNECTED', stage === 'authenticating' ? notYet : 'The connection is closed')
}

/** What speaks a protocol of its own is in one room and knows of no other; a single request stays nowhere. */
function canBePlaced({ link, httpMode }: Connection): boolean {
  return link.owner === undefined && httpMode !== 'one-shot'
}
