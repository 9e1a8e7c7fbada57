/**
 * Who comes over HTTP says everything at the door: who they are, which rooms they want, and after which cursor. So they are
 * let in wholly or not at all, with an answer that HTTP can give, and all rooms are entered in one breath: what was missed
 * in them comes merged in the order of `n`, and one cursor tells a position in each. WIRE 6, 7.
 */
import { type Credentials, type Cursor, formatCursor, inboxOf, type Position } from '@roomful/protocol'
import type { Connection } from './connection.ts'
import { RoomfulError, toRoomfulError } from './errors.ts'
import { createGuest } from './guests.ts'
import type { Hub } from './hub.ts'
import type { Verified } from './identities.ts'
import type { Arrival } from './lifecycle.ts'
import type { Link } from './link.ts'
import type { JoinReply, PreparedJoin } from './members.ts'
import type { Namespace } from './namespace.ts'

export interface Visitor {
  readonly credentials: Credentials
  readonly ip: string
  readonly userAgent: string
  /** Names a stream, for which a ticket stays good when it reconnects. */
  readonly stream?: string
}

/** What entering came to. */
export interface Entered {
  /** In the order asked for. */
  readonly replies: readonly JoinReply[]
  /** From here nothing that follows is missing, should not a single event come. */
  readonly cursor: string
}

type After = Position | number | undefined

/** A position of no log: what is there comes, behind a reset that says why. */
const ELSEWHERE: Position = { epoch: '', seq: 0 }

export class Visits {
  private readonly hub: Hub

  constructor(hub: Hub) {
    this.hub = hub
  }

  /** @throws RoomfulError (rejects) UNAUTHENTICATED, and what the authenticator throws */
  async identify(namespace: Namespace, { credentials, ip, userAgent, stream }: Visitor): Promise<Verified> {
    const { identities, settings, observer, random } = this.hub
    const isNobody = credentials.token === undefined && credentials.ticket === undefined
    if (isNobody && (namespace.options.guests || !settings.authRequired)) {
      return identities.guest(createGuest(namespace, random, credentials.name))
    }
    if (!isNobody) return identities.verify(credentials, { ip, userAgent, id: '' }, stream)
    observer.observe({ type: 'auth:failed', code: 'UNAUTHENTICATED', ip, userAgent, connectionId: '' })
    throw new RoomfulError('UNAUTHENTICATED')
  }

  /**
   * Runs the namespace's middleware and counts the address.
   * @param arrival with an identity
   * @param onLink called at once, so that the transport can tell the link of its end
   * @throws RoomfulError (rejects) FORBIDDEN, TOO_MANY_CONNECTIONS, UNAVAILABLE, and what middleware throws
   */
  async enter(arrival: Arrival, onLink: (link: Link) => void): Promise<Connection> {
    const link = this.hub.lifecycle.accept(arrival)
    const [connection] = link.connections
    onLink(link)
    if (connection?.stage === 'open') return connection
    if (connection === undefined) {
      if (this.hub.state !== 'ready')
        throw new RoomfulError('UNAVAILABLE', 'Server shutting down', { retryAfterMs: 1_000 })
      const { maxConnectionsPerIp } = this.hub.settings
      const message = `Too many connections from this address: at most ${maxConnectionsPerIp}`
      throw new RoomfulError('TOO_MANY_CONNECTIONS', message)
    }
    if (connection.stage === 'closed') throw new RoomfulError('UNAVAILABLE', 'The connection is gone')
    return new Promise((resolve, reject) => {
      connection.onSettled = (error) => (error ? reject(error) : resolve(connection))
    })
  }

  /**
   * Becomes a member of all these rooms, or of none.
   * @param cursor resume after it; without one nothing is replayed
   * @param onEntered called in the same breath, before anything that was missed: say what comes first there
   * @throws RoomfulError (rejects) FORBIDDEN naming every room refused, ROOM_FULL, TOO_MANY_ROOMS, CURSOR_INVALID
   */
  async join(
    connection: Connection,
    roomIds: readonly string[],
    cursor: Cursor | undefined,
    onEntered: (entered: Entered) => void,
  ): Promise<void> {
    const { namespace } = connection
    const { members, settings, turn } = this.hub
    if (roomIds.length > settings.maxRooms) {
      throw new RoomfulError('TOO_MANY_ROOMS', `A connection may be in ${settings.maxRooms} rooms`)
    }
    const inbox = connection.user.guest ? undefined : inboxOf(connection.user.sub)
    const afters = await this.aftersOf(namespace, inbox === undefined ? roomIds : [...roomIds, inbox], cursor)
    const prepared = await this.prepare(connection, roomIds, afters)
    const inboxJoin = inbox === undefined ? undefined : await this.prepareInbox(connection, inbox, afters)
    const all = inboxJoin ? [...prepared, inboxJoin] : prepared
    if (connection.stage !== 'open') {
      for (const each of all) members.abandon(each)
      throw new RoomfulError('UNAVAILABLE', 'The connection is gone')
    }
    const replies = all.map((each) => members.commit(each) as JoinReply)
    onEntered({ replies: replies.slice(0, prepared.length), cursor: cursorOf(namespace, cursor) })
    for (const { recovered, reason = 'epoch', roomId, from = 0, to = 0 } of replies) {
      if (recovered === false) this.hub.tellReset(connection, { roomId, reason, from, to })
    }
    members.startCatchUp(connection)
    if (inboxJoin) namespace.inboxes.onEntered(connection, inboxJoin.room)
    turn.endSoon()
  }

  /** @throws RoomfulError (rejects) CURSOR_INVALID for a cursor of another namespace */
  private async aftersOf(
    namespace: Namespace,
    roomIds: readonly string[],
    cursor: Cursor | undefined,
  ): Promise<(roomId: string) => After> {
    if (cursor === undefined) return () => undefined
    if (cursor.logId !== namespace.logId) {
      // Not of this log: of an earlier one, which a reset tells, or of a neighbour, which is a mistake.
      const isForeign = this.hub.allNamespaces().some(({ logId }) => logId === cursor.logId)
      if (isForeign) throw new RoomfulError('CURSOR_INVALID', 'This cursor is of another namespace')
      return () => ELSEWHERE
    }
    const { n, forgottenN, positions } = await this.hub.broker.positions(namespace.name, cursor.n, roomIds)
    if (cursor.n > n) return () => ELSEWHERE
    const known = new Map(positions.map(({ roomId, epoch, seq }) => [roomId, { epoch, seq }]))
    return (roomId) => {
      const position = known.get(roomId)
      if (position && position.seq !== 0) return position
      // There was nothing of it by then, unless the log has forgotten what was, and the room is another one. G4.
      return cursor.n < forgottenN ? ELSEWHERE : (position ?? 0)
    }
  }

  /** All that are allowed, or none. */
  private async prepare(
    connection: Connection,
    roomIds: readonly string[],
    afters: (roomId: string) => After,
  ): Promise<PreparedJoin[]> {
    const { members } = this.hub
    const results = await Promise.allSettled(
      roomIds.map(async (roomId) => members.prepareUncounted(connection, roomId, afters(roomId))),
    )
    const prepared = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    if (prepared.length === roomIds.length) return prepared
    for (const each of prepared) members.abandon(each)
    const errors = results.map((result) => (result.status === 'rejected' ? toRoomfulError(result.reason) : undefined))
    const other = errors.find((error) => error && error.code !== 'FORBIDDEN')
    if (other) throw other
    const refused = roomIds.filter((_, index) => errors[index]).map((roomId) => JSON.stringify(roomId))
    throw new RoomfulError('FORBIDDEN', `You are not allowed to join ${refused.join(', ')}`, { field: 'room' })
  }

  /** The user's own room, once it holds anything: after the cursor, or after what was told to the user before. */
  private async prepareInbox(
    connection: Connection,
    inbox: string,
    afters: (roomId: string) => After,
  ): Promise<PreparedJoin | undefined> {
    const { broker, members } = this.hub
    const { name } = connection.namespace
    const [head] = await broker.heads(name, [inbox])
    if (!head || head.seq === 0) return undefined
    const after = afters(inbox)
    const seq = typeof after === 'object' && after !== ELSEWHERE ? after.seq : after === 0 ? 0 : undefined
    return members.prepareOwn(connection, inbox, seq ?? (await broker.mark(name, inbox)))
  }
}

function cursorOf({ logId, headN }: Namespace, given: Cursor | undefined): string {
  if (given === undefined) return formatCursor(logId, headN)
  // What is replayed comes after the beginning of this log, so the client stands there until the first event.
  return formatCursor(logId, given.logId === logId && given.n <= headN ? given.n : 0)
}
