/** Puts the core together: one of each part, the namespaces, and what comes from other nodes. */
import { type Inbound, toJson } from '@roomful/protocol'
import { Access } from './access.ts'
import { AccountChanges } from './account-changes.ts'
import { Capacity } from './capacity.ts'
import { CatchUp } from './catch-up.ts'
import type { Connection } from './connection.ts'
import type { Contract } from './contract.ts'
import { Dispatch } from './dispatch.ts'
import { drain } from './drain.ts'
import { EVERYONE } from './effects.ts'
import { RoomEvent } from './event.ts'
import { Handshake } from './handshake.ts'
import type { HotBudget } from './hot-tail.ts'
import { Identities } from './identities.ts'
import { Lifecycle } from './lifecycle.ts'
import { type Link, tooLarge, utf8Length } from './link.ts'
import { Members } from './members.ts'
import { MessageLimit } from './message-limit.ts'
import { Namespace } from './namespace.ts'
import type { NamespaceOptions } from './namespace-declaration.ts'
import { Placement } from './placement.ts'
import type { Authenticator } from './ports/authenticator.ts'
import type { Broker, StoredRow } from './ports/broker.ts'
import type { Clock } from './ports/clock.ts'
import type { Limiter } from './ports/limiter.ts'
import type { Observer } from './ports/observer.ts'
import type { Random } from './ports/random.ts'
import { Restoring } from './restoring.ts'
import { expectReturning } from './returning.ts'
import { SavedSessions } from './saved-sessions.ts'
import type { CoreSettings } from './settings.ts'
import { SharedLimits } from './shared-limits.ts'
import { TimerWheel } from './timer-wheel.ts'
import { Turn } from './turn.ts'
import { Visits } from './visit.ts'

export interface HubPorts {
  readonly broker: Broker
  readonly authenticator: Authenticator
  readonly limiter: Limiter
  readonly clock: Clock
  readonly random: Random
  readonly observer: Observer
}

/** After a break, how long until a broker that could not tell where its rooms stand is asked again. */
const BREAK_RETRY_MS = 1_000

export class Hub {
  readonly settings: CoreSettings
  readonly broker: Broker
  readonly authenticator: Authenticator
  readonly limiter: Limiter
  readonly clock: Clock
  readonly random: Random
  readonly observer: Observer
  readonly timers: TimerWheel
  readonly links = new Set<Link>()
  readonly hotBudget: HotBudget
  readonly turn: Turn
  readonly lifecycle: Lifecycle
  readonly dispatch: Dispatch
  readonly handshake: Handshake
  readonly identities: Identities
  readonly accountChanges = new AccountChanges()
  readonly capacity: Capacity
  readonly members: Members
  readonly placement: Placement
  readonly access: Access
  readonly messageLimit: MessageLimit
  readonly sharedLimits: SharedLimits
  readonly catchUp: CatchUp
  readonly visits: Visits
  readonly restoring: Restoring
  readonly savedSessions: SavedSessions
  state: 'starting' | 'ready' | 'draining' | 'closed' = 'starting'
  private readonly namespaces = new Map<string, Namespace>()

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
    this.savedSessions = new SavedSessions(this)
    this.turn = new Turn(ports.clock, () => this.savedSessions.save())
    this.lifecycle = new Lifecycle(this)
    this.dispatch = new Dispatch(this)
    this.handshake = new Handshake(this)
    this.identities = new Identities(this)
    this.capacity = new Capacity(this)
    this.members = new Members(this)
    this.placement = new Placement(this)
    this.access = new Access(this)
    this.messageLimit = new MessageLimit(this)
    this.sharedLimits = new SharedLimits(this)
    this.catchUp = new CatchUp(this)
    this.visits = new Visits(this)
    this.restoring = new Restoring(this)
    this.broker.listen({
      onEvents: (name, rows) => this.onForeignEvents(name, rows),
      onBreak: (name) => this.onBreak(name),
    })
  }

  /** Opens the logs. @throws what the broker throws */
  async start(): Promise<void> {
    for (const namespace of new Set(this.namespaces.values())) {
      const { logId, n } = await this.broker.open(namespace.name)
      namespace.logId = logId
      namespace.headN = Math.max(namespace.headN, n)
    }
    for (const namespace of this.allNamespaces()) await expectReturning(this, namespace)
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

  /** What a v1 or Socket.IO link refers to before it names a namespace: `/`, or the first one where there is no `/`. */
  get defaultNamespace(): Namespace | undefined {
    return this.namespace('/') ?? this.allNamespaces()[0]
  }

  /** Every namespace once. */
  allNamespaces(): Namespace[] {
    return [...new Set(this.namespaces.values())]
  }

  get isReady(): boolean {
    return this.state === 'ready' && this.broker.healthy()
  }

  /** Tells one connection something that is no answer. */
  tell(connection: Connection, type: string, data: Record<string, unknown>): void {
    connection.namespace.fanOut.tell(connection, RoomEvent.transient(type, [data], true), EVERYONE)
    this.turn.endSoon()
  }

  tellReset(connection: Connection, reset: { roomId: string; reason: string; from: number; to: number }): void {
    connection.link.send(
      RoomEvent.transient('reset', [reset], true).encoded(connection.link.dialect.encoding(connection.channel)),
    )
  }

  /** Refuses what is over the limit, before anything else looks at it. */
  checkSize(inbound: Inbound): Inbound {
    const limit = this.settings.maxMessageBytes
    if (inbound.kind === 'ack') {
      return utf8Length(toJson(inbound.data)) <= limit
        ? inbound
        : { ...inbound, data: undefined, error: tooLarge(limit) }
    }
    if (inbound.kind !== 'request') return inbound
    const [first] = inbound.args
    const size = utf8Length(toJson(inbound.args.length === 1 ? first : inbound.args))
    if (size <= limit) return inbound
    return { kind: 'invalid', channel: inbound.channel, error: tooLarge(limit), id: inbound.id, event: inbound.event }
  }

  /** Stops taking links and says goodbye to those there are. Idempotent. */
  async drain(): Promise<void> {
    if (this.state === 'draining' || this.state === 'closed') return
    this.state = 'draining'
    for (const { inboxes } of this.allNamespaces()) inboxes.wakeAll()
    await drain(this)
  }

  /** Everything submitted so far is stored, released and handed to the wires. */
  async settled(): Promise<void> {
    for (const namespace of this.allNamespaces()) await namespace.commit.settled()
    this.turn.flush()
  }

  /** After the transports are closed. */
  async close(): Promise<void> {
    this.state = 'closed'
    for (const link of [...this.links]) link.terminate('server closed')
    this.timers.close()
    await this.broker.close()
  }

  private onForeignEvents(name: string, rows: readonly StoredRow[]): void {
    const namespace = this.namespace(name)
    if (!namespace) return
    for (const row of rows) namespace.fanOut.release(RoomEvent.fromRow(row))
    this.turn.endSoon()
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
          this.turn.endSoon()
        },
        (error: unknown) => {
          this.observer.observe({ type: 'commit:failed', namespace: name, error })
          // Until the heads are known a hole may be there that nobody sees.
          if (this.state !== 'closed') this.timers.add(BREAK_RETRY_MS, () => this.onBreak(name))
        },
      )
  }
}
