/** Puts the core together and keeps the turn: what is dirty is flushed once, what is pending is committed once. */
import { CLOSE_CODES, type Credentials, type Inbound, isPersonalRoom, toJson } from '@roomful/protocol'
import { Addresses, addressGroup, isLoopback } from './addresses.ts'
import { CatchUp } from './catch-up.ts'
import type { Connection } from './connection.ts'
import type { Contract } from './contract.ts'
import { Dispatch } from './dispatch.ts'
import { EVERYONE } from './emit.ts'
import { RoomfulError } from './errors.ts'
import { RoomEvent } from './event.ts'
import { Handshake } from './handshake.ts'
import type { HotBudget } from './hot-tail.ts'
import { Link, tooLarge, utf8Length } from './link.ts'
import { Members } from './members.ts'
import { Namespace, type NamespaceOptions } from './namespace.ts'
import { joinFrames } from './outbox.ts'
import type { Authenticator, Identity } from './ports/authenticator.ts'
import type { Broker, StoredRow } from './ports/broker.ts'
import type { Clock } from './ports/clock.ts'
import type { Dialect } from './ports/dialect.ts'
import type { Limiter } from './ports/limiter.ts'
import type { Observer } from './ports/observer.ts'
import type { Random } from './ports/random.ts'
import type { Wire } from './ports/wire.ts'
import { toRecord } from './session.ts'
import type { CoreSettings } from './settings.ts'
import { TimerWheel } from './timer-wheel.ts'
import type { User } from './user.ts'

export interface HubPorts {
  readonly broker: Broker
  readonly authenticator: Authenticator
  readonly limiter: Limiter
  readonly clock: Clock
  readonly random: Random
  readonly observer: Observer
}

/** What a transport knows of a link when it opens. */
export interface Arrival {
  readonly wire: Wire
  readonly dialect: Dialect
  readonly ip: string
  readonly userAgent: string
  readonly namespace: Namespace
  readonly credentials: Credentials
  /** Set when the transport has verified the credentials itself. */
  readonly identity?: Identity | undefined
}

/** More links than this are closed one after another when draining. G7. */
const DRAIN_SPREAD_MIN = 100

export class Hub {
  readonly settings: CoreSettings
  readonly broker: Broker
  readonly authenticator: Authenticator
  readonly limiter: Limiter
  readonly clock: Clock
  readonly random: Random
  readonly observer: Observer
  readonly timers: TimerWheel
  readonly addresses = new Addresses()
  readonly links = new Set<Link>()
  readonly hotBudget: HotBudget
  readonly dispatch: Dispatch
  readonly handshake: Handshake
  readonly members: Members
  readonly catchUp: CatchUp
  state: 'starting' | 'ready' | 'draining' | 'closed' = 'starting'
  private readonly namespaces = new Map<string, Namespace>()
  private dirty: Link[] = []
  private readonly slow = new Set<Link>()
  private pending = new Set<Namespace>()
  private afterTurnTasks: (() => void)[] = []
  private turnIsPlanned = false

  constructor(settings: CoreSettings, ports: HubPorts) {
    this.settings = settings
    this.broker = ports.broker
    this.authenticator = ports.authenticator
    this.limiter = ports.limiter
    this.clock = ports.clock
    this.random = ports.random
    this.observer = ports.observer
    this.timers = new TimerWheel(ports.clock)
    this.hotBudget = { used: 0, limit: settings.hotBytes }
    this.dispatch = new Dispatch(this)
    this.handshake = new Handshake(this)
    this.members = new Members(this)
    this.catchUp = new CatchUp(this)
    this.broker.listen({
      onEvents: (name, rows) => this.onForeignEvents(name, rows),
      onBreak: (name) => this.onBreak(name),
    })
  }

  /** Opens the logs. @throws what the broker throws */
  async start(): Promise<void> {
    for (const namespace of new Set(this.namespaces.values())) {
      namespace.logId = (await this.broker.open(namespace.name)).logId
    }
    if (this.state === 'starting') this.state = 'ready'
  }

  /** @param names the first one is the log's; the others mean the same */
  addNamespace(names: readonly string[], contract: Contract | undefined, options: NamespaceOptions): Namespace {
    const [name = '/'] = names
    for (const each of names) if (this.namespaces.has(each)) throw new Error(`There is a namespace ${each} already`)
    const namespace = new Namespace(this, name, contract, options)
    for (const each of names) this.namespaces.set(each, namespace)
    return namespace
  }

  namespace(name: string): Namespace | undefined {
    return this.namespaces.get(name)
  }

  /** Every namespace once. */
  allNamespaces(): Namespace[] {
    return [...new Set(this.namespaces.values())]
  }

  get isReady(): boolean {
    return this.state === 'ready' && this.broker.healthy()
  }

  /** From a transport: a link opened. */
  accept(arrival: Arrival): Link {
    const { wire, dialect, ip, userAgent, namespace, credentials, identity } = arrival
    const link = new Link(this, wire, dialect, ip, userAgent)
    link.defaultNamespace = namespace.name
    this.links.add(link)
    this.observer.observe({ type: 'link:opened', dialect: dialect.name })
    if (this.state === 'draining' || this.state === 'closed') {
      link.close(CLOSE_CODES.RESTART.code, CLOSE_CODES.RESTART.meaning)
      return link
    }
    if (!this.countAddress(link)) return link
    link.startHeartbeat()
    if (dialect.multiplexed) {
      link.credentials = credentials
      this.handshake.welcome(link)
      this.handshake.watchChannels(link)
    } else this.handshake.begin(link, namespace, credentials, identity)
    return link
  }

  /** The connection is open: others may know, and its inbox may speak. */
  attachConnection(connection: Connection): void {
    const { namespace, session } = connection
    namespace.connections.set(connection.id, connection)
    if (session) namespace.sessions.set(session.id, connection)
    if (connection.user.guest) namespace.guestNames.set(connection.user.name, connection.user.sub)
    namespace.users.add(connection)
    this.observer.observe({ type: 'connection:opened', connection })
    namespace.announce('connect', connection)
    namespace.inboxes.onConnect(connection).catch((error: unknown) => namespace.inboxes.report(connection, error))
  }

  /** Ends one connection; its link too when it was the only one. */
  closeConnection(connection: Connection, code: number, reason: string, error?: RoomfulError): void {
    const { link, channel } = connection
    if (connection.stage === 'closed') return
    if (!link.dialect.multiplexed) return link.close(code, reason)
    link.control('closed', channel, { code, reason, ...(error ? { error: error.toWire() } : {}) })
    this.release(connection, code, reason)
    if (link.connections.length === 0 && code !== CLOSE_CODES.NORMAL.code) link.close(code, reason)
  }

  /** From the link: it is being closed, so its connections are gone for everyone else. */
  detach(link: Link, code: number, reason: string): void {
    for (const connection of [...link.connections]) this.release(connection, code, reason)
  }

  /** From the link: nothing is left of it. */
  forget(link: Link, code: number, reason: string): void {
    this.detach(link, code, reason)
    if (link.countedIp !== undefined) this.addresses.free(link.countedIp)
    this.slow.delete(link)
    if (this.links.delete(link)) this.observer.observe({ type: 'link:closed', dialect: link.dialect.name, code })
  }

  /** The user of a connection has another name, role or id now. */
  rename(connection: Connection, before: User): void {
    const { namespace, user } = connection
    if (before.guest) namespace.guestNames.delete(before.name)
    if (user.guest) namespace.guestNames.set(user.name, user.sub)
    namespace.users.rename(connection, before)
    for (const { room } of connection.memberships.values()) namespace.presence.renamed(room, connection, before)
  }

  /** Tells one connection something that is no answer. */
  tell(connection: Connection, type: string, data: Record<string, unknown>): void {
    connection.namespace.fanOut.tell(connection, RoomEvent.transient(type, [data], true), EVERYONE)
    this.flushSoon()
  }

  tellReset(connection: Connection, reset: { roomId: string; reason: string; from: number; to: number }): void {
    connection.link.send(
      RoomEvent.transient('reset', [reset], true).encoded(connection.link.dialect.encoding(connection.channel)),
    )
  }

  /** Refuses what is over the limit, before anything else looks at it. */
  checkSize(inbound: Inbound): Inbound {
    if (inbound.kind !== 'request') return inbound
    const limit = this.settings.maxMessageBytes
    const [first] = inbound.args
    const size = utf8Length(toJson(inbound.args.length === 1 ? first : inbound.args))
    if (size <= limit) return inbound
    return { kind: 'invalid', channel: inbound.channel, error: tooLarge(limit), id: inbound.id, event: inbound.event }
  }

  // — the turn —

  markDirty(link: Link): void {
    this.dirty.push(link)
    this.flushSoon()
  }

  markPending(namespace: Namespace): void {
    this.pending.add(namespace)
    this.flushSoon()
  }

  /** Runs when the turn ends, before the flush. */
  afterTurn(task: () => void): void {
    this.afterTurnTasks.push(task)
    this.flushSoon()
  }

  flushSoon(): void {
    if (this.turnIsPlanned) return
    this.turnIsPlanned = true
    this.clock.turnEnd(this.onTurnEnd)
  }

  /** One write per link; links with the same frames share one buffer. */
  flush(): void {
    const links = this.dirty
    if (links.length === 0) return
    this.dirty = []
    const join = joinFrames()
    for (const link of links) {
      const frames = link.takeFrames()
      if (frames.length > 0) link.write(join(frames))
    }
  }

  flushLink(link: Link): void {
    const frames = link.takeFrames()
    if (frames.length > 0) link.write(frames)
  }

  // — slow links —

  onSlow(link: Link): void {
    this.slow.add(link)
    let queued = 0
    for (const each of this.slow) queued += each.queuedBytes
    // All queues together have a bound; the one that would break it goes, and resumes.
    if (queued > this.settings.outboxMaxBytes) link.close(CLOSE_CODES.TOO_SLOW.code, 'Too slow')
  }

  onDrained(link: Link): void {
    this.slow.delete(link)
  }

  // — the end —

  /**
   * Stops taking links, tells everyone when to come back, closes all within `drainMs` and settles what is stored. A2.4, G7.
   */
  async drain(): Promise<void> {
    if (this.state === 'draining' || this.state === 'closed') return
    this.state = 'draining'
    const links = [...this.links]
    this.observer.observe({ type: 'drain', links: links.length })
    const spreadMs = links.length > DRAIN_SPREAD_MIN ? this.settings.drainMs : 0
    for (const link of links) {
      for (const connection of link.connections) {
        const reconnectAfterMs = Math.round(this.random.fraction() * Math.max(1000, spreadMs))
        if (connection.stage === 'open') this.tell(connection, 'server:draining', { reconnectAfterMs })
      }
    }
    this.flush()
    await this.settled()
    await Promise.all(
      links.map(
        (link, index) =>
          new Promise<void>((resolve) => {
            const closeNow = (): void => {
              link.close(CLOSE_CODES.RESTART.code, CLOSE_CODES.RESTART.meaning)
              resolve()
            }
            if (spreadMs === 0) closeNow()
            else this.timers.add((index / links.length) * spreadMs, closeNow)
          }),
      ),
    )
    await this.settled()
  }

  /** Everything submitted so far is stored, released and handed to the wires. */
  async settled(): Promise<void> {
    for (const namespace of this.allNamespaces()) await namespace.commit.settled()
    this.flush()
  }

  /** After the transports are closed. */
  async close(): Promise<void> {
    this.state = 'closed'
    for (const link of [...this.links]) link.terminate('server closed')
    this.timers.close()
    await this.broker.close()
  }

  private release(connection: Connection, code: number, reason: string): void {
    if (connection.stage === 'closed') return
    const { namespace, link, session, user } = connection
    const wasOpen = connection.stage === 'open'
    // Cut off, and able to come back: presence has a grace. A clean goodbye has none. G6.
    const held = wasOpen && session !== undefined && isCutOff(code)
    if (held && session) this.broker.saveSession(toRecord(session, connection), this.settings.sessionMs)
    else if (session) this.broker.dropSession(namespace.name, session.id)
    connection.stage = 'closed'
    this.timers.cancel(connection.timer)
    link.connections = link.connections.filter((each) => each !== connection)
    connection.queue = undefined
    connection.behind = undefined
    if (!wasOpen) return
    namespace.announce('disconnect', connection, reason)
    namespace.connections.delete(connection.id)
    if (session && namespace.sessions.get(session.id) === connection) namespace.sessions.delete(session.id)
    const reasonInRoom = reason === '' ? 'disconnected' : reason
    const rooms = [...connection.memberships.keys()]
    namespace.users.remove(connection, held)
    for (const roomId of rooms) this.members.leave(connection, roomId, reasonInRoom, held && !isPersonalRoom(roomId))
    if (user.guest) namespace.guestNames.delete(user.name)
    const durationMs = this.clock.now() - connection.openedAt
    this.observer.observe({ type: 'connection:closed', connection, reason: `${code} ${reason}`.trim(), durationMs })
    this.flushSoon()
  }

  private countAddress(link: Link): boolean {
    const { maxConnectionsPerIp, loopbackExempt } = this.settings
    if (loopbackExempt && isLoopback(link.ip)) return true
    const group = addressGroup(link.ip)
    if (this.addresses.take(group, maxConnectionsPerIp)) {
      link.countedIp = group
      return true
    }
    const message = `Too many connections from this address: at most ${maxConnectionsPerIp}`
    link.fail(0, new RoomfulError('TOO_MANY_CONNECTIONS', message), undefined)
    link.close(CLOSE_CODES.POLICY.code, message)
    this.observer.observe({ type: 'link:refused', code: 'TOO_MANY_CONNECTIONS', ip: link.ip })
    return false
  }

  private onForeignEvents(name: string, rows: readonly StoredRow[]): void {
    const namespace = this.namespace(name)
    if (!namespace) return
    for (const row of rows) namespace.fanOut.release(RoomEvent.fromRow(row))
    this.flushSoon()
  }

  /** Whatever was missed shows as a hole between what was released and the heads. */
  private onBreak(name: string): void {
    const namespace = this.namespace(name)
    if (!namespace) return
    const rooms = [...namespace.rooms.values()].filter((room) => room.state === 'open')
    this.broker
      .heads(
        name,
        rooms.map((room) => room.id),
      )
      .then(
        (heads) => {
          for (const head of heads) {
            const room = namespace.rooms.get(head.roomId)
            if (!room || head.seq <= room.head) continue
            this.catchUp.onHole(room)
            room.tail.clear(head.seq)
            room.head = head.seq
          }
          this.flushSoon()
        },
        (error: unknown) => this.observer.observe({ type: 'commit:failed', namespace: name, error }),
      )
  }

  private readonly onTurnEnd = (): void => {
    this.turnIsPlanned = false
    const tasks = this.afterTurnTasks
    this.afterTurnTasks = []
    for (const task of tasks) task()
    const namespaces = this.pending
    this.pending = new Set()
    for (const namespace of namespaces) namespace.commit.run()
    this.flush()
  }
}

function isCutOff(code: number): boolean {
  return (
    code === CLOSE_CODES.ABNORMAL.code ||
    code === CLOSE_CODES.NO_STATUS.code ||
    code === CLOSE_CODES.TOO_SLOW.code ||
    code === CLOSE_CODES.RESTART.code
  )
}
