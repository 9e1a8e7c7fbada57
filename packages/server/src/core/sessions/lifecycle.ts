/** Opens and closes connections: what everyone else learns of it, and that nothing is left behind (A1.6). */
import { afterClose, CLOSE_CODES, type Inbound, isPersonalRoom } from '@roomful/protocol'
import { RoomfulError, toRoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import { type SavedSessions, toRecord } from '../log/saved-sessions.ts'
import type { User } from '../ports/users.ts'
import type { Bursts } from '../state/bursts.ts'
import type { SharedLimits } from '../state/limits.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { Guests } from './guests.ts'
import type { Namespaces } from './namespaces.ts'
import { graceMsOf } from './restart-presence.ts'
import { closed } from './transitions.ts'

export class Lifecycle {
  private readonly runtime: Runtime
  private readonly namespaces: Namespaces
  private readonly sharedLimits: SharedLimits
  private readonly savedSessions: SavedSessions
  private readonly bursts: Bursts
  private readonly guests: Guests

  constructor(
    runtime: Runtime,
    {
      namespaces,
      sharedLimits,
      savedSessions,
      bursts,
      guests,
    }: {
      namespaces: Namespaces
      sharedLimits: SharedLimits
      savedSessions: SavedSessions
      bursts: Bursts
      guests: Guests
    },
  ) {
    this.runtime = runtime
    this.namespaces = namespaces
    this.sharedLimits = sharedLimits
    this.savedSessions = savedSessions
    this.bursts = bursts
    this.guests = guests
  }

  /** The connection is open: others may see it, and its inbox is sent. */
  attach(connection: Connection): void {
    const { namespace, session, httpMode } = connection
    const { users, inboxes } = this.namespaces.of(connection)
    if (httpMode === 'one-shot') return // gone before anyone could see it
    namespace.connections.set(connection.id, connection)
    if (session) namespace.sessions.set(session.id, connection)
    if (connection.user.guest) this.guests.enter(connection)
    users.add(connection)
    this.runtime.observer.observe({ type: 'connection:opened', connection })
    namespace.announce('connect', connection)
    if (httpMode) return // its inbox is one of the rooms it asks for
    inboxes.onConnect(connection)
  }

  /** Ends one connection; its link too when it was the only one. */
  close(connection: Connection, code: number, reason: string, error?: RoomfulError): void {
    const { link, channel } = connection
    if (connection.stage === 'closed') return
    connection.refusal = error
    if (!link.dialect.multiplexed) return link.close(code, reason)
    link.control('closed', channel, { code, reason, ...(error ? { error: error.toWire() } : {}) })
    this.release(connection, code, reason)
    const mayStay = BY_CLIENT.has(code) || link.dialect.opensOneByOne
    if (link.connections.length > 0 || mayStay) return
    // What came together with it may open other channels: one that is refused must not take them along.
    this.runtime.turn.after(() => {
      if (link.connections.length === 0) link.close(code, reason)
    })
  }

  closedByClient(connection: Connection, { isReplaced, keepsSession }: Extract<Inbound, { kind: 'close' }>): void {
    if (isReplaced) return this.close(connection, CLOSE_CODES.REPLACED.code, 'Connected again')
    const { code } = keepsSession ? CLOSE_CODES.NO_STATUS : CLOSE_CODES.NORMAL
    this.close(connection, code, 'Closed by the client')
  }

  /** The user of a connection has another name, role or id now. */
  rename(connection: Connection, before: User): void {
    const { user } = connection
    const { users, presence } = this.namespaces.of(connection)
    if (!user.guest) this.sharedLimits.leave(connection)
    this.guests.renamed(connection, before)
    users.rename(connection, before)
    for (const { room } of connection.memberships.values()) presence.renamed(room, connection, before)
  }

  /** What the checks recorded could not be stored, so they did not pass. */
  failedToCarryOut(connection: Connection, error: RoomfulError): void {
    this.refuse(connection, error, CLOSE_CODES.TRY_LATER.code)
  }

  /** Says why; what is about the user rather than the credentials has a close code of its own. PROTOCOL.md 3. */
  refuse(connection: Connection, thrown: unknown, closeCode: number, reason?: string): void {
    const error = toRoomfulError(thrown)
    if (error.code === 'INTERNAL') {
      const { namespace, user, id: connectionId } = connection
      const fact = { namespace: namespace.name, event: 'connect', userId: user.sub, connectionId, payload: [] }
      this.runtime.observer.observe({ type: 'handler:failed', ...fact, error: error.cause ?? error })
    }
    const own = OWN_CLOSE_CODES[error.code]
    const { link, channel } = connection
    if (!link.dialect.multiplexed) {
      link.refusal ??= error
      // A close code alone does not say when to come back.
      if (error.code === 'RATE_LIMITED') link.fail(channel, error, undefined)
    }
    const code = own ?? closeCode
    const { name } = connection.namespace
    this.runtime.observer.observe({ type: 'connection:refused', namespace: name, code: error.code })
    const sent = this.isTroubleOfOneAlone(connection, error) && afterClose(code) === 'reconnect' ? REFUSED : code
    this.close(connection, sent, own || reason === undefined ? error.message : reason, error)
  }

  /**
   * Where a message opens one connection, a close that means “come back” ends the whole link. So it is a refusal when the
   * trouble is this namespace's own, or when the link carries others that have none.
   */
  private isTroubleOfOneAlone(connection: Connection, { code }: RoomfulError): boolean {
    const { link, isCheckRefused } = connection
    if (!link.dialect.opensOneByOne) return false
    // A client that came too often must learn when to come back: a closed engine would reconnect at once.
    return (
      isCheckRefused ||
      code === 'RATE_LIMITED' ||
      link.connections.some((other) => other !== connection && other.stage === 'open')
    )
  }

  /** The connection is over; nothing of it is left. Idempotent. */
  release(connection: Connection, code: number, reason: string): void {
    if (connection.stage === 'closed') return
    const { namespace, link, session } = connection
    const wasOpen = connection.stage === 'open'
    const isResumable = RESUMABLE.has(code) || (connection.isShared && code === CLOSE_CODES.GOING_AWAY.code)
    const graceMs = wasOpen && isResumable ? graceMsOf(this.runtime, connection) : 0
    if (wasOpen && graceMs === 0) this.namespaces.of(connection).inboxes.onGoodbye(connection)
    if (graceMs > 0 && session) {
      const record = toRecord(session, connection, code === CLOSE_CODES.RESTART.code)
      this.runtime.broker.saveSession(record, Math.max(this.runtime.settings.sessionMs, graceMs))
      this.savedSessions.keepData(connection)
    } else if (session) this.runtime.broker.dropSession(namespace.name, session.id, session.fence)
    if (wasOpen && isResumable) this.bursts.note(connection)
    closed(connection)
    this.runtime.timers.cancel(connection.timer)
    link.connections = link.connections.filter((each) => each !== connection)
    connection.queue = undefined
    connection.running?.cancel()
    connection.checked?.discard()
    connection.clientRequests?.close()
    if (connection.user.guest) this.guests.leave(connection)
    this.sharedLimits.leave(connection)
    connection.onSettled?.(connection.refusal ?? new RoomfulError('UNAVAILABLE', reason || undefined))
    if (wasOpen && connection.httpMode !== 'one-shot') this.leaveNamespace(connection, code, reason, graceMs)
    // Only now: leaving its rooms reports how far it had read.
    connection.behind = undefined
  }

  private leaveNamespace(connection: Connection, code: number, reason: string, graceMs: number): void {
    const { namespace, session } = connection
    const { users, requests } = this.namespaces.of(connection)
    namespace.announce('disconnect', connection, reason)
    namespace.connections.delete(connection.id)
    if (session && namespace.sessions.get(session.id) === connection) namespace.sessions.delete(session.id)
    const reasonInRoom = reason === '' ? 'disconnected' : reason
    const rooms = [...connection.memberships.keys()]
    users.remove(connection, graceMs)
    for (const roomId of rooms)
      requests.joins.leave(connection, roomId, reasonInRoom, isPersonalRoom(roomId) ? 0 : graceMs)
    const durationMs = Math.max(0, this.runtime.clock.now() - connection.openedAt) // the clock may have gone back
    this.runtime.observer.observe({
      type: 'connection:closed',
      connection,
      reason: `${code} ${reason}`.trim(),
      durationMs,
    })
    this.runtime.turn.endSoon()
  }
}

/** A client may close its last channel and open another one on the same link. */
const BY_CLIENT: ReadonlySet<number> = new Set([CLOSE_CODES.NORMAL.code, CLOSE_CODES.NO_STATUS.code])

/**
 * Closes after which a session may come back. On a link that several pages share also 1001, which the browser sends when the
 * page or worker that has the link ends: the pages that go say so themselves.
 */
const RESUMABLE: ReadonlySet<number> = new Set([
  CLOSE_CODES.ABNORMAL.code,
  CLOSE_CODES.NO_STATUS.code,
  CLOSE_CODES.TOO_SLOW.code,
  CLOSE_CODES.RESTART.code,
  CLOSE_CODES.REPLACED.code, // it is back already
])

const REFUSED = CLOSE_CODES.FORBIDDEN.code

const OWN_CLOSE_CODES: Readonly<Record<string, number>> = {
  FORBIDDEN: CLOSE_CODES.FORBIDDEN.code,
  BANNED: CLOSE_CODES.FORBIDDEN.code,
  USER_UNKNOWN: CLOSE_CODES.AUTH_FAILED.code,
  // Not the fault of the credentials: worth another try.
  UNAVAILABLE: CLOSE_CODES.TRY_LATER.code,
  RATE_LIMITED: CLOSE_CODES.TRY_LATER.code,
  TIMEOUT: CLOSE_CODES.TRY_LATER.code,
  INTERNAL: CLOSE_CODES.INTERNAL.code,
}
