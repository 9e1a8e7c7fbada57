/** Puts the core together: one of each part, the namespaces, and what comes from other nodes. */
import { CLOSE_CODES } from '@roomful/protocol'
import type { Contract, NamespaceOptions } from './base/contract.ts'
import { createRuntime, type Runtime, type RuntimePorts } from './base/runtime.ts'
import type { CoreSettings } from './base/settings.ts'
import type { HotBudget } from './events/hot-tail.ts'
import { HttpConnections } from './http-connection.ts'
import { Leads } from './leads.ts'
import { CatchUp } from './log/catch-up.ts'
import { Delivery } from './log/fan-out.ts'
import { LogListener } from './log/log-listener.ts'
import { SavedSessions } from './log/saved-sessions.ts'
import { Namespace } from './namespace.ts'
import { answerLargest } from './rooms/directory.ts'
import { GOODBYE, type Goodbye } from './rooms/presence/former-nodes.ts'
import { AccountChanges } from './sessions/account-changes.ts'
import { drain } from './sessions/drain.ts'
import { Guests } from './sessions/guests.ts'
import { Handshake } from './sessions/handshake.ts'
import { Identities } from './sessions/identities.ts'
import { Lifecycle } from './sessions/lifecycle.ts'
import { Links } from './sessions/links.ts'
import { Namespaces } from './sessions/namespaces.ts'
import { Recovery } from './sessions/recovery.ts'
import { expectReturning } from './sessions/restart-presence.ts'
import { Bursts } from './state/bursts.ts'
import { SharedLimits } from './state/limits.ts'
import type { TransientPolicy } from './state/transients.ts'

export class Hub {
  readonly runtime: Runtime
  readonly links: Links
  readonly handshake: Handshake
  readonly lifecycle: Lifecycle
  readonly identities: Identities
  readonly accountChanges = new AccountChanges()
  readonly delivery: Delivery
  readonly sharedLimits: SharedLimits
  /** Set by a transport whose clients come back for transient events. */
  readonly transients: TransientPolicy = { isKept: false }
  readonly httpConnections: HttpConnections
  state: 'starting' | 'ready' | 'draining' | 'closed' = 'starting'
  readonly catchUp: CatchUp
  readonly hotBudget: HotBudget
  readonly leads: Leads
  private readonly savedSessions: SavedSessions
  private readonly namespaces = new Namespaces()
  private readonly facades = new Map<string, Namespace>()

  constructor(settings: CoreSettings, ports: RuntimePorts) {
    const runtime = createRuntime(settings, ports)
    const { namespaces, accountChanges } = this
    this.runtime = runtime
    this.hotBudget = { used: 0, limit: settings.hotBytes }
    this.leads = new Leads(runtime)
    this.savedSessions = new SavedSessions(runtime)
    this.catchUp = new CatchUp(runtime)
    this.delivery = new Delivery(runtime, this.catchUp)
    this.sharedLimits = new SharedLimits(runtime)
    const bursts = new Bursts(runtime)
    const guests = new Guests(runtime, (connection) => {
      this.identities.renameGuest(connection, connection.user.name).catch((error: unknown) => {
        this.lifecycle.refuse(connection, error, CLOSE_CODES.TRY_LATER.code)
      })
    })
    this.lifecycle = new Lifecycle(runtime, {
      namespaces,
      sharedLimits: this.sharedLimits,
      savedSessions: this.savedSessions,
      bursts,
      guests,
    })
    this.identities = new Identities(runtime, { accountChanges, namespaces, lifecycle: this.lifecycle, guests })
    this.handshake = new Handshake(runtime, {
      namespaces,
      accountChanges,
      identities: this.identities,
      lifecycle: this.lifecycle,
      recovery: new Recovery(runtime, namespaces),
      savedSessions: this.savedSessions,
      sharedLimits: this.sharedLimits,
      bursts,
      guests,
    })
    this.links = new Links(runtime, {
      namespaces,
      catchUp: this.catchUp,
      handshake: this.handshake,
      lifecycle: this.lifecycle,
      sharedLimits: this.sharedLimits,
      isOpen: () => this.state === 'starting' || this.state === 'ready',
    })
    this.httpConnections = new HttpConnections(runtime, {
      namespaces,
      identities: this.identities,
      links: this.links,
      lifecycle: this.lifecycle,
      guests,
      isReady: () => this.state === 'ready',
    })
    // An inbox is open only where something was sent to its owner before.
    runtime.nodes.on<[string, number]>('inbox', ([roomId, seq], name) => {
      this.namespace(name)?.inboxes.onStored(roomId, seq)
      this.namespace(name)?.inboxes.wake(roomId)
    })
    runtime.nodes.on<string>('user of', (id, name) => this.namespace(name)?.connections.get(id)?.user.sub)
    runtime.nodes.on<Goodbye[]>(GOODBYE, (goodbyes, name) => {
      const namespace = this.namespace(name)
      if (namespace) this.handshake.letGo(namespace.state, goodbyes)
    })
    answerLargest(runtime, (name) => this.namespace(name)?.directory)
    runtime.nodes.on<[string, number, string]>('disconnect', (what, name) => this.namespace(name)?.closeHere(...what))
    const { catchUp, facades, handshake, leads } = this
    runtime.broker.listen(new LogListener(runtime, { catchUp, namespaces: facades, sessions: handshake, leads }))
  }

  /** Opens the logs. @throws what the broker throws */
  async start(): Promise<void> {
    for (const namespace of this.allNamespaces()) await this.open(namespace)
    for (const namespace of this.allNamespaces()) await expectReturning(this.runtime, namespace)
    if (this.state === 'starting') this.state = 'ready'
  }

  /** Opens the log of a namespace. Idempotent. @throws what the broker throws */
  async open({ name, state }: Namespace): Promise<void> {
    const { logId, n } = await this.runtime.broker.open(name)
    state.logId = logId
    state.headN = Math.max(state.headN, n)
    await state.transients.open()
  }

  /** @param names the first one is the log's; the others mean the same */
  addNamespace(names: readonly string[], contract: Contract | undefined, options: NamespaceOptions): Namespace {
    const [name = '/'] = names
    const { runtime, hotBudget, catchUp, delivery, savedSessions, sharedLimits, transients } = this
    const control = {
      authenticate: this.handshake.authenticate.bind(this.handshake),
      close: this.lifecycle.close.bind(this.lifecycle),
      closedByClient: this.lifecycle.closedByClient.bind(this.lifecycle),
    }
    const shared = { runtime, hotBudget, catchUp, delivery, savedSessions, sharedLimits, transients, control }
    const namespace = new Namespace(shared, name, contract, options)
    this.namespaces.add(names, namespace)
    for (const each of names) this.facades.set(each, namespace)
    return namespace
  }

  namespace(name: string): Namespace | undefined {
    return this.facades.get(name)
  }

  /** The namespace of a connection. */
  of({ namespace }: { readonly namespace: { readonly name: string } }): Namespace {
    return this.facades.get(namespace.name) as Namespace
  }

  /** What a v1 or Socket.IO link refers to before it names a namespace: `/`, or the first one where there is no `/`. */
  get defaultNamespace(): Namespace | undefined {
    return this.namespace('/') ?? this.allNamespaces()[0]
  }

  /** Every namespace once. */
  allNamespaces(): Namespace[] {
    return [...new Set(this.facades.values())]
  }

  get isReady(): boolean {
    return this.state === 'ready' && this.runtime.broker.healthy()
  }

  /** Stops taking links and says goodbye to those there are. Idempotent. */
  async drain(): Promise<void> {
    if (this.state === 'draining' || this.state === 'closed') return
    this.state = 'draining'
    for (const { inboxes } of this.allNamespaces()) inboxes.wakeAll()
    await drain(this.runtime, {
      links: this.links.open,
      delivery: this.delivery,
      settled: () => this.settled(),
      leavePlaces: () => Promise.all(this.allNamespaces().map(({ presence }) => presence.leavePlaces())),
    })
  }

  /** Everything submitted so far is stored, released and handed to the wires. */
  async settled(): Promise<void> {
    for (const namespace of this.allNamespaces()) await namespace.requests.commit.settled()
    this.runtime.turn.flush()
  }

  /** After the transports are closed. */
  async close(): Promise<void> {
    this.state = 'closed'
    for (const link of [...this.links.open]) link.terminate('server closed')
    this.runtime.timers.close()
    await this.runtime.broker.close()
  }
}
