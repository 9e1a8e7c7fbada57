/**
 * A client over HTTP says everything in its request: who it is, which rooms it wants, and after which cursor. So it gets all
 * of it or an HTTP error, and joins all rooms at once: missed events come merged in the order of `n`, and one cursor stands
 * for a position in each room. V14, PROTOCOL.md 7.
 */
import { type Credentials, type Cursor, formatCursor, inboxOf, isPersonalRoom, type Position } from '@roomful/protocol'
import { RoomfulError, toRoomfulError } from './base/errors.ts'
import type { Runtime } from './base/runtime.ts'
import type { Link } from './link/link.ts'
import type { Effect, PreparedJoin } from './log/effects.ts'
import type { Poller } from './ports/guests.ts'
import type { ClientRequest } from './ports/users.ts'
import { carryOut } from './requests/checks.ts'
import type { Context } from './requests/context.ts'
import type { JoinAck } from './rooms/joins.ts'
import type { Guests } from './sessions/guests.ts'
import type { Identities, Verified } from './sessions/identities.ts'
import type { Lifecycle } from './sessions/lifecycle.ts'
import type { Arrival, Links } from './sessions/links.ts'
import type { NamespaceParts, Namespaces } from './sessions/namespaces.ts'
import { type Flow, grantedFlow } from './state/flow.ts'
import type { Connection, NamespaceState } from './state/namespace-state.ts'

export interface HttpClient {
  readonly credentials: Credentials
  readonly ip: string
  readonly userAgent: string
  readonly openingRequest?: ClientRequest
  /** Names a stream, for which a ticket stays good when it reconnects. */
  readonly stream?: string
}

/** The outcome of joining. */
export interface OpenedHttpConnection {
  /** In the order asked for. */
  readonly replies: readonly JoinAck[]
  /** Where to resume if the client receives no event at all. */
  readonly cursor: string
}

type After = Position | number | undefined

/** A position in no log: the client gets a reset that says why, then what is there. */
const ELSEWHERE: Position = { epoch: '', seq: 0 }

interface HttpConnectionsParts {
  readonly namespaces: Namespaces
  readonly identities: Identities
  readonly links: Links
  readonly lifecycle: Lifecycle
  readonly guests: Guests
  readonly isReady: () => boolean
}

export class HttpConnections {
  private readonly runtime: Runtime
  private readonly namespaces: Namespaces
  private readonly identities: Identities
  private readonly links: Links
  private readonly lifecycle: Lifecycle
  private readonly guests: Guests
  private readonly isReady: () => boolean

  constructor(runtime: Runtime, { namespaces, identities, links, lifecycle, guests, isReady }: HttpConnectionsParts) {
    this.runtime = runtime
    this.namespaces = namespaces
    this.identities = identities
    this.links = links
    this.lifecycle = lifecycle
    this.guests = guests
    this.isReady = isReady
  }

  /** @throws RoomfulError (rejects) UNAUTHENTICATED, and what the authenticator throws */
  async identify(namespace: NamespaceParts, client: HttpClient): Promise<Verified> {
    const { state } = namespace
    const { credentials, ip, userAgent, stream, openingRequest } = client
    const { identities } = this
    const { settings, observer } = this.runtime
    const hasNoProof = credentials.token === undefined && credentials.ticket === undefined
    const known = await this.recognise(namespace, client)
    if (known) return known
    if (hasNoProof && (state.options.guests || !settings.authRequired)) {
      return identities.guest(await this.guests.create(state, credentials.name))
    }
    if (!hasNoProof) return identities.verify(credentials, { ip, userAgent, openingRequest, id: '' }, stream)
    observer.observe({ type: 'auth:failed', code: 'UNAUTHENTICATED', ip, userAgent, connectionId: '' })
    throw new RoomfulError('UNAUTHENTICATED')
  }

  /** A client without a token or a ticket whose request shows who it is. @throws RoomfulError (rejects) as {@link identify} */
  async recognise({ state }: NamespaceParts, client: HttpClient): Promise<Verified | undefined> {
    const { credentials, ip, userAgent, stream, openingRequest } = client
    if (credentials.token !== undefined || credentials.ticket !== undefined || state.options.anonymous) return undefined
    return this.identities.recognise(credentials, { ip, userAgent, openingRequest, id: '' }, stream)
  }

  /** A guest's next poll came to this node again. */
  guestStays(connection: Connection): void {
    this.guests.stay(connection)
  }

  /** A guest whose last poll came to another node. @throws RoomfulError (rejects) UNAVAILABLE */
  async returningGuest({ state }: NamespaceParts, { sub, name }: Poller): Promise<Verified> {
    const guest = { sub, name, role: 'guest', guest: true }
    return this.identities.guest(await this.guests.rename(state, guest, name))
  }

  /**
   * Runs the namespace's middleware and counts the address.
   * @param arrival with an identity
   * @param onLink called at once, so that the transport can end the link
   * @throws RoomfulError (rejects) FORBIDDEN, TOO_MANY_CONNECTIONS, RATE_LIMITED, UNAVAILABLE, and what middleware throws
   */
  async enter(arrival: Arrival, onLink: (link: Link<Connection>) => void): Promise<Connection> {
    const link = this.links.accept(arrival)
    const [connection] = link.connections
    onLink(link)
    if (connection?.stage === 'open') return connection
    if (connection === undefined) {
      if (!this.isReady()) throw new RoomfulError('UNAVAILABLE', 'Server shutting down', { retryAfterMs: 1_000 })
      throw link.refusal ?? new RoomfulError('UNAVAILABLE', 'The connection is gone')
    }
    if (connection.stage === 'closed') throw new RoomfulError('UNAVAILABLE', 'The connection is gone')
    return new Promise((resolve, reject) => {
      connection.onSettled = (error) => (error ? reject(error) : resolve(connection))
    })
  }

  /**
   * Becomes a member of all these rooms, or of none.
   * @param cursor resume after it; without one nothing is replayed
   * @param flow which events it wants; all without it
   * @param onEntered called synchronously, before any missed event is sent: send there what comes first
   * @throws RoomfulError (rejects) FORBIDDEN naming every room refused, ROOM_FULL, TOO_MANY_ROOMS, CURSOR_INVALID
   */
  async join(
    connection: Connection,
    roomIds: readonly string[],
    cursor: Cursor | undefined,
    flow: Flow | undefined,
    onEntered: (entered: OpenedHttpConnection) => void,
  ): Promise<void> {
    const { namespace } = connection
    const { settings, turn } = this.runtime
    const { inboxes, requests } = this.namespaces.of(connection)
    const { joins, catchUp, placement } = requests
    if (roomIds.length > settings.maxRooms) {
      throw new RoomfulError('TOO_MANY_ROOMS', `A connection may be in ${settings.maxRooms} rooms`)
    }
    await placement.settled(connection)
    const inbox = connection.user.guest ? undefined : inboxOf(connection.user.sub)
    const placedIds = placedRooms(connection, roomIds)
    const known = [...roomIds, ...placedIds, ...(inbox === undefined ? [] : [inbox])]
    const { afters, from } = await this.aftersOf(namespace, known, cursor)
    const prepared = await this.prepare(connection, roomIds, afters)
    const again = cursor === undefined ? [] : await this.prepareAgain(connection, placedIds, afters)
    const inboxJoin = inbox === undefined ? undefined : await this.prepareInbox(connection, inbox, afters)
    if (inboxJoin) again.push(inboxJoin)
    if (connection.stage !== 'open') {
      for (const each of [...prepared, ...again]) joins.abandon(each)
      throw new RoomfulError('UNAVAILABLE', 'The connection is gone')
    }
    const before = new Set(connection.memberships.keys())
    if (flow !== undefined) {
      const joining = { state: undefined, flow: grantedFlow(flow) }
      connection.joining = new Map(roomIds.map((roomId) => [roomId, joining]))
    }
    const { checkedJoins, others } = this.takeChecked(connection)
    const asked = prepared.map((each) => joins.commit(each) as JoinAck)
    const rest = [...again, ...checkedJoins].map((each) => joins.commit(each) as JoinAck)
    const { logId, headN } = namespace
    if (cursor?.texts && cursor.logId === logId) catchUp.hasTexts(connection, cursor.texts)
    const isOfThisLog = cursor === undefined || cursor.logId === logId // it may have changed meanwhile
    onEntered({ replies: asked, cursor: formatCursor(logId, isOfThisLog ? (from ?? headN) : 0) })
    const newlyPlaced = new Set(placedIds.filter((roomId) => !before.has(roomId)))
    for (const reply of rest) {
      if (newlyPlaced.delete(reply.roomId)) placement.notifyJoined(connection, reply)
    }
    for (const { recovered, reason = 'epoch', roomId, from = 0, to = 0 } of [...asked, ...rest]) {
      if (recovered === false) catchUp.sendReset(connection, { roomId, reason, from, to })
    }
    catchUp.pump(connection)
    if (inboxJoin) inboxes.onEntered(connection, inboxJoin.room)
    carryOut(requests, connection, others, (error) => this.lifecycle.failedToCarryOut(connection, error))
    turn.endSoon()
  }

  /** Rooms that the server chose resume after the cursor as well, unless the rules refuse them by now. */
  private async prepareAgain(
    connection: Connection,
    roomIds: readonly string[],
    afters: (roomId: string) => After,
  ): Promise<PreparedJoin[]> {
    const { joins } = this.namespaces.of(connection).requests
    const results = await Promise.allSettled(
      roomIds.map(async (roomId) => joins.prepareUncounted(connection, roomId, afters(roomId))),
    )
    const prepared = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [toRoomfulError(result.reason)] : []))
    const other = errors.find(({ code }) => code !== 'FORBIDDEN')
    if (other === undefined) return prepared
    for (const each of prepared) joins.abandon(each)
    throw other
  }

  /** What checks at connect recorded: joins are part of entering, everything else follows it. */
  private takeChecked(connection: Connection): { checkedJoins: readonly PreparedJoin[]; others: readonly Effect[] } {
    const effects = (connection.checked as Context | undefined)?.takeEffects() ?? []
    connection.checked = undefined
    return {
      checkedJoins: effects.flatMap((effect) => (effect.kind === 'join' ? [effect.prepared] : [])),
      others: effects.filter(({ kind }) => kind !== 'join'),
    }
  }

  /** @throws RoomfulError (rejects) CURSOR_INVALID for a cursor of another namespace */
  private async aftersOf(
    namespace: NamespaceState,
    roomIds: readonly string[],
    cursor: Cursor | undefined,
  ): Promise<Afters> {
    if (cursor === undefined) return { afters: () => undefined, from: undefined }
    // The client may know of a newer log than this node.
    if (cursor.logId !== namespace.logId) await this.runtime.broker.heads(namespace.name, [])
    if (cursor.logId !== namespace.logId) {
      // Not of this log: of an earlier one, so the client gets a reset, or of another namespace, which is a mistake.
      const isForeign = Array.from(this.namespaces.all()).some(({ state }) => state.logId === cursor.logId)
      if (isForeign) throw new RoomfulError('CURSOR_INVALID', 'This cursor is of another namespace')
      return BEFORE
    }
    const { n, forgottenN, positions } = await this.runtime.broker.positions(namespace.name, cursor.n, roomIds)
    // The log may have changed meanwhile: it has lost something, and its commits are others.
    if (cursor.n > n || cursor.logId !== namespace.logId) return BEFORE
    const known = new Map(positions.map(({ roomId, epoch, seq }) => [roomId, { epoch, seq }]))
    const afters = (roomId: string): After => {
      const position = known.get(roomId)
      if (position && position.seq !== 0) return position
      // There was nothing of it by then, unless the log has forgotten what was, and the room is another one. G4.
      return cursor.n < forgottenN ? ELSEWHERE : (position ?? 0)
    }
    return { afters, from: cursor.n }
  }

  /** All of them, or none. */
  private async prepare(
    connection: Connection,
    roomIds: readonly string[],
    afters: (roomId: string) => After,
  ): Promise<PreparedJoin[]> {
    const { joins } = this.namespaces.of(connection).requests
    const results = await Promise.allSettled(
      roomIds.map(async (roomId) => joins.prepareUncounted(connection, roomId, afters(roomId))),
    )
    const prepared = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    if (prepared.length === roomIds.length) return prepared
    for (const each of prepared) joins.abandon(each)
    const errors = results.map((result) => (result.status === 'rejected' ? toRoomfulError(result.reason) : undefined))
    const other = errors.find((error) => error && error.code !== 'FORBIDDEN')
    if (other) throw other
    const refused = roomIds.filter((_, index) => errors[index]).map((roomId) => JSON.stringify(roomId))
    throw new RoomfulError('FORBIDDEN', `You are not allowed to join ${refused.join(', ')}`, { field: 'room' })
  }

  /** The user's own room, once it holds anything: after the cursor, or after what was delivered before. */
  private async prepareInbox(
    connection: Connection,
    inbox: string,
    afters: (roomId: string) => After,
  ): Promise<PreparedJoin | undefined> {
    const { broker } = this.runtime
    const { joins } = this.namespaces.of(connection).requests
    const { name, users } = connection.namespace
    const untilKnown = users.get(connection.user.sub)?.untilKnown
    if (untilKnown) await untilKnown
    const [head] = await broker.heads(name, [inbox])
    if (!head || head.seq === 0) return undefined
    const after = afters(inbox)
    const seq = typeof after === 'object' && after !== ELSEWHERE ? after.seq : after === 0 ? 0 : undefined
    return joins.prepareOwn(connection, inbox, seq ?? (await broker.mark(name, inbox)))
  }
}

/** Rooms that the server puts, or has put, the connection into, beside those that it asks for. */
function placedRooms({ memberships, checked }: Connection, asked: readonly string[]): readonly string[] {
  const placed = new Set(memberships.keys())
  for (const effect of (checked as Context | undefined)?.effects ?? [])
    if (effect.kind === 'join') placed.add(effect.prepared.room.id)
  for (const roomId of asked) placed.delete(roomId)
  return [...placed].filter((roomId) => !isPersonalRoom(roomId))
}

/** Where a client stands in its rooms. */
interface Afters {
  readonly afters: (roomId: string) => After
  /** The commit up to which it has everything; nothing for one that enters. */
  readonly from: number | undefined
}

/** What is replayed comes after the beginning of this log, so the client stands there until the first event. */
const BEFORE: Afters = { afters: () => ELSEWHERE, from: 0 }
