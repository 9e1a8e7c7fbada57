/** How links and connections come and go, and everything that has to be true before and after. A1.6: nothing is left. */
import { CLOSE_CODES, type Credentials, isPersonalRoom } from '@roomful/protocol'
import { Addresses, addressGroup, isLoopback } from './addresses.ts'
import type { Connection } from './connection.ts'
import { RoomfulError } from './errors.ts'
import type { Hub } from './hub.ts'
import type { Verified } from './identities.ts'
import { Link } from './link.ts'
import { nameKey } from './names.ts'
import type { Namespace } from './namespace.ts'
import type { Dialect } from './ports/dialect.ts'
import type { Wire } from './ports/wire.ts'
import { holdMsOf } from './returning.ts'
import { toRecord } from './session.ts'
import type { User } from './user.ts'
import { welcome } from './welcome.ts'

/** What a transport knows of a link when it opens. */
export interface Arrival {
  readonly wire: Wire
  readonly dialect: Dialect
  readonly ip: string
  readonly userAgent: string
  /** None for a link whose dialect answers by itself. */
  readonly namespace: Namespace | undefined
  readonly credentials: Credentials
  /** Set when the transport has verified the credentials itself. */
  readonly identity?: Verified | undefined
  /** Its transport says at once what it wants, and ends it; see visit.ts. */
  readonly visit?: Connection['visit']
}

export class Lifecycle {
  readonly addresses = new Addresses()
  private readonly hub: Hub

  constructor(hub: Hub) {
    this.hub = hub
  }

  /** From a transport: a link opened. */
  accept(arrival: Arrival): Link {
    const { wire, dialect, ip, userAgent, namespace, credentials, identity, visit } = arrival
    const link = new Link(this.hub, wire, dialect, ip, userAgent)
    link.defaultNamespace = namespace?.name ?? '/'
    this.hub.links.add(link)
    this.hub.observer.observe({ type: 'link:opened', dialect: dialect.name })
    if (this.hub.state === 'draining' || this.hub.state === 'closed') {
      link.close(CLOSE_CODES.RESTART.code, CLOSE_CODES.RESTART.meaning)
      return link
    }
    if (!this.countAddress(link) || !this.countConnect(link, visit)) return link
    link.heartbeat.start()
    if (namespace === undefined) return link
    if (dialect.multiplexed) {
      link.credentials = credentials
      welcome(this.hub, link)
      this.hub.handshake.watchChannels(link)
    } else this.hub.handshake.begin(link, namespace, credentials, identity, visit)
    return link
  }

  /** The connection is open: others may know, and its inbox may speak. */
  attach(connection: Connection): void {
    const { namespace, session, visit } = connection
    if (visit === 'request') return // gone before anybody could look
    namespace.connections.set(connection.id, connection)
    if (session) namespace.sessions.set(session.id, connection)
    if (connection.user.guest) namespace.guestNames.set(nameKey(connection.user.name), connection.user.sub)
    namespace.users.add(connection)
    this.hub.observer.observe({ type: 'connection:opened', connection })
    namespace.announce('connect', connection)
    if (visit) return // its inbox is one of the rooms it asks for
    namespace.inboxes.onConnect(connection).catch((error: unknown) => namespace.inboxes.report(connection, error))
  }

  /** Ends one connection; its link too when it was the only one. */
  close(connection: Connection, code: number, reason: string, error?: RoomfulError): void {
    const { link, channel } = connection
    if (connection.stage === 'closed') return
    connection.refusal = error
    if (!link.dialect.multiplexed) return link.close(code, reason)
    link.control('closed', channel, { code, reason, ...(error ? { error: error.toWire() } : {}) })
    this.release(connection, code, reason)
    const mayStay = code === CLOSE_CODES.NORMAL.code || link.dialect.opensOneByOne
    if (link.connections.length > 0 || mayStay) return
    // What came together with it may open other channels: one that is refused must not take them along.
    this.hub.turn.after(() => {
      if (link.connections.length === 0) link.close(code, reason)
    })
  }

  /** @param isReplaced its client connects again at once, and may bring the session along */
  closedByClient(connection: Connection, isReplaced: boolean): void {
    const { code } = isReplaced ? CLOSE_CODES.REPLACED : CLOSE_CODES.NORMAL
    this.close(connection, code, isReplaced ? 'Connected again' : 'Closed by the client')
  }

  /** From the link: it is being closed, so its connections are gone for everyone else. */
  detach(link: Link, code: number, reason: string): void {
    for (const connection of [...link.connections]) this.release(connection, code, reason)
    link.owner?.over?.()
  }

  /** From the link: nothing is left of it. */
  forget(link: Link, code: number, reason: string): void {
    this.detach(link, code, reason)
    if (link.countedIp !== undefined) this.addresses.free(link.countedIp)
    this.hub.catchUp.forget(link)
    if (this.hub.links.delete(link))
      this.hub.observer.observe({ type: 'link:closed', dialect: link.dialect.name, code })
  }

  /** The user of a connection has another name, role or id now. */
  rename(connection: Connection, before: User): void {
    const { namespace, user } = connection
    if (!user.guest) this.hub.sharedLimits.leave(connection)
    if (before.guest) namespace.guestNames.delete(nameKey(before.name))
    if (user.guest) namespace.guestNames.set(nameKey(user.name), user.sub)
    namespace.users.rename(connection, before)
    for (const { room } of connection.memberships.values()) namespace.presence.renamed(room, connection, before)
  }

  private release(connection: Connection, code: number, reason: string): void {
    if (connection.stage === 'closed') return
    const { namespace, link, session } = connection
    const wasOpen = connection.stage === 'open'
    const holdMs = wasOpen && RETURNING.has(code) ? holdMsOf(this.hub, connection) : 0
    if (wasOpen && holdMs === 0) namespace.inboxes.onGoodbye(connection)
    if (holdMs > 0 && session) {
      this.hub.broker.saveSession(toRecord(session, connection), Math.max(this.hub.settings.sessionMs, holdMs))
    } else if (session) this.hub.broker.dropSession(namespace.name, session.id)
    connection.stage = 'closed'
    this.hub.timers.cancel(connection.timer)
    link.connections = link.connections.filter((each) => each !== connection)
    connection.queue = undefined
    connection.running?.cancel()
    connection.checked?.discard()
    connection.asked?.close()
    this.hub.sharedLimits.leave(connection)
    connection.onSettled?.(connection.refusal ?? new RoomfulError('UNAVAILABLE', reason || undefined))
    if (wasOpen && connection.visit !== 'request') this.leaveNamespace(connection, code, reason, holdMs)
    // Only now: the rooms it left were told how far it had read.
    connection.behind = undefined
  }

  private leaveNamespace(connection: Connection, code: number, reason: string, holdMs: number): void {
    const { namespace, session, user } = connection
    namespace.announce('disconnect', connection, reason)
    namespace.connections.delete(connection.id)
    if (session && namespace.sessions.get(session.id) === connection) namespace.sessions.delete(session.id)
    const reasonInRoom = reason === '' ? 'disconnected' : reason
    const rooms = [...connection.memberships.keys()]
    namespace.users.remove(connection, holdMs)
    for (const roomId of rooms)
      this.hub.members.leave(connection, roomId, reasonInRoom, isPersonalRoom(roomId) ? 0 : holdMs)
    if (user.guest) namespace.guestNames.delete(nameKey(user.name))
    const durationMs = this.hub.clock.now() - connection.openedAt
    this.hub.observer.observe({ type: 'connection:closed', connection, reason: `${code} ${reason}`.trim(), durationMs })
    this.hub.turn.endSoon()
  }

  private countAddress(link: Link): boolean {
    const { maxConnectionsPerIp, loopbackExempt } = this.hub.settings
    if (loopbackExempt && isLoopback(link.ip)) return true
    const group = addressGroup(link.ip)
    if (this.addresses.take(group, maxConnectionsPerIp)) {
      link.countedIp = group
      return true
    }
    const message = `Too many connections from this address: at most ${maxConnectionsPerIp}`
    link.refusal = new RoomfulError('TOO_MANY_CONNECTIONS', message)
    link.fail(0, link.refusal, undefined)
    link.close(CLOSE_CODES.POLICY.code, message)
    this.hub.observer.observe({ type: 'link:refused', code: 'TOO_MANY_CONNECTIONS', ip: link.ip })
    return false
  }

  /** Counts a new link of its address. Single requests over HTTP have a rate of their own. */
  private countConnect(link: Link, visit: Arrival['visit']): boolean {
    const refusal = visit === 'request' ? undefined : this.hub.sharedLimits.takeLink(link.ip)
    if (!refusal) return true
    link.refusal = refusal
    this.hub.observer.observe({ type: 'link:refused', code: refusal.code, ip: link.ip })
    // A Socket.IO client gets a refusal only in answer to its CONNECT; see handshake.ts.
    if (link.dialect.opensOneByOne) return true
    link.fail(0, refusal, undefined)
    link.close(CLOSE_CODES.TRY_LATER.code, refusal.message)
    return false
  }
}

/** Closes after which a session may come back. */
const RETURNING: ReadonlySet<number> = new Set([
  CLOSE_CODES.ABNORMAL.code,
  CLOSE_CODES.NO_STATUS.code,
  CLOSE_CODES.TOO_SLOW.code,
  CLOSE_CODES.RESTART.code,
  CLOSE_CODES.REPLACED.code, // it is back already
])
