/**
 * A whole Roomful without sockets: the real core, dialects, vocabulary and memory log, on time and chance that the test
 * decides. What an application adds to a server it adds to this one. D7.
 */
import type { Contract } from '@roomful/protocol'
import type { Broker } from '@roomful/server/ports'
import {
  addChatEvents,
  addRoomEvents,
  addStandardNamespaces,
  CORE_DEFAULTS,
  type CoreSettings,
  createLocalBroker,
  createMemoryLog,
  type Dialect,
  type Fact,
  Hub,
  Lifetime,
  type Link,
  type Log,
  type LogLimits,
  type Namespace,
  type NamespaceOptions,
  plainDialect,
  type Run,
  SlidingWindowLimiter,
  type TypedNamespace,
  v1Dialect,
  type Wire,
} from '@roomful/server/testing'
import { TestAuthenticator, type TestUser, type TokenOptions } from './authenticator.ts'
import { TestClient } from './client.ts'
import { VirtualClock } from './clock.ts'
import { SeededRandom } from './random.ts'

export interface TestServerOptions {
  /** Declares the namespaces, as an application does; without it the standard ones are there (`/`, `/public`, …). */
  readonly setUp?: (server: TestServer) => void
  /** What differs from the defaults. */
  readonly settings?: Partial<CoreSettings>
  /** Limits of the memory log, such as how many events it keeps. */
  readonly log?: Partial<LogLimits>
  /** Chance: the same seed gives the same run. */
  readonly seed?: number | string
  /** Stands between the server and its storage: to delay, to fail, to count. */
  readonly broker?: (broker: Broker, clock: VirtualClock) => Broker
  /** A clock of an earlier server, to let two share one time. */
  readonly clock?: VirtualClock
  /** Where it stores, when that is to outlive it; instead of a memory log of its own. */
  readonly storage?: Log
  /** Who knows the tokens, when they are to outlive it. */
  readonly authenticator?: TestAuthenticator
}

export interface ConnectOptions {
  /** Default `/`. */
  readonly namespace?: string
  /** Who it is; a token is issued. Without it and without `token`: nobody yet, or a guest where guests are let in. */
  readonly user?: TestUser
  /** The very token, good or bad. */
  readonly token?: string
  /** The name that a guest wishes. */
  readonly name?: string
  /** Default `plain`, which the first of document 000's commands makes classic. */
  readonly dialect?: 'plain' | 'v1'
  /** v1: the session to resume. */
  readonly session?: string | undefined
  /** Default a loopback address, which has no limit of connections. */
  readonly ip?: string
  readonly userAgent?: string
}

/** What a client brings to the door. */
export interface Caller {
  readonly dialect: Dialect
  /** Default `/`. */
  readonly namespace?: string
  readonly token?: string | undefined
  readonly name?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** Most facts kept; the oldest go first. */
const FACTS_MAX = 10_000

export class TestServer {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly authenticator: TestAuthenticator
  readonly broker: Broker
  readonly hub: Hub
  /** What the server observed, oldest first. */
  readonly facts: Fact[] = []
  private readonly lifetime = new Lifetime()

  constructor(options: TestServerOptions = {}) {
    const { settings, log, seed = 1, broker, clock = new VirtualClock(), authenticator, storage } = options
    this.clock = clock
    this.random = new SeededRandom(seed)
    this.authenticator = authenticator ?? new TestAuthenticator(clock)
    const local = createLocalBroker({
      log: storage ?? createMemoryLog({ clock, random: this.random, ...log }),
      clock,
    })
    this.broker = broker?.(local, clock) ?? local
    this.hub = new Hub(
      { ...CORE_DEFAULTS, ...settings },
      {
        broker: this.broker,
        authenticator: this.authenticator,
        limiter: new SlidingWindowLimiter(clock),
        clock,
        random: this.random,
        observer: { observe: (fact) => this.observe(fact) },
      },
    )
  }

  /** Declares a namespace with the room events in it, as `Roomful.namespace` does. */
  namespace(name: string, contract?: undefined, options?: NamespaceOptions): Namespace
  namespace<const C extends Contract>(name: string, contract: C, options?: NamespaceOptions): TypedNamespace<C>
  namespace(name: string, contract?: Contract, options: NamespaceOptions = {}): unknown {
    const namespace = this.hub.addNamespace([name], contract, options)
    addRoomEvents(this.hub, namespace)
    return namespace
  }

  /** Adds messages, private messages, typing and reactions to a namespace, as `Roomful.chat` does. */
  chat(namespace: Namespace): this {
    addChatEvents(this.hub, namespace)
    return this
  }

  /** Adds `/`, `/public`, `/support` and `/admin`, as `Roomful.standardNamespaces` does. */
  standardNamespaces(): this {
    addStandardNamespaces(this.hub)
    return this
  }

  /** Runs something as long as the server is open, as `Roomful.whileOpen` does. */
  whileOpen(run: Run): this {
    this.lifetime.add(run)
    return this
  }

  /** A namespace that is there. @throws Error when it is not */
  get(name: string): Namespace {
    const namespace = this.hub.namespace(name)
    if (!namespace) throw new Error(`There is no namespace ${name}`)
    return namespace
  }

  /** A token for `connect`, or for a client that refreshes. */
  token(user: TestUser, options?: TokenOptions): string {
    return this.authenticator.issue(user, options)
  }

  /** Connects a client and lets everything come to rest. If it was refused, `client.closed` says how. */
  async connect(options: ConnectOptions = {}): Promise<TestClient> {
    const client = this.open(options)
    await this.settle()
    return client
  }

  /** As `connect`, but nothing has happened yet. */
  open({ namespace = '/', user, token, name, dialect = 'plain', session, ...from }: ConnectOptions = {}): TestClient {
    const client = new TestClient(this.clock, dialect)
    const given = token ?? (user === undefined ? undefined : this.token(user))
    if (dialect === 'plain') {
      client.attach(this.accept(client.wire, { dialect: plainDialect, namespace, token: given, name, ...from }))
      return client
    }
    client.attach(this.accept(client.wire, { dialect: v1Dialect, namespace, ...from }))
    const credentials = credentialsOf(given, name)
    client.send({ type: 'open', v: 1, ns: namespace, ...credentials, ...(session ? { session } : {}) })
    return client
  }

  /** Takes a link on a wire of your own, as a transport does. */
  accept(wire: Wire, { dialect, namespace = '/', token, name, ip, userAgent }: Caller): Link {
    return this.hub.lifecycle.accept({
      ...{ wire, dialect, ip: ip ?? '127.0.0.1', userAgent: userAgent ?? 'test' },
      namespace: this.get(namespace),
      credentials: credentialsOf(token, name),
    })
  }

  /** Lets everything that is ready happen; time stands still. */
  settle(): Promise<void> {
    return this.clock.settle()
  }

  /** Moves time. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  /** Facts of one type, oldest first. */
  observed<Type extends Fact['type']>(type: Type): Extract<Fact, { type: Type }>[] {
    return this.facts.filter((fact) => fact.type === type) as Extract<Fact, { type: Type }>[]
  }

  /** Opens the log; `createTestServer` does it. */
  async start(): Promise<void> {
    await this.hub.start()
    this.lifetime.begin()
  }

  /** Ends what ran, cuts every link and lets go of the log. */
  async close(): Promise<void> {
    this.lifetime.close()
    await this.lifetime.end()
    await this.hub.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private observe(fact: Fact): void {
    this.facts.push(fact)
    if (this.facts.length > FACTS_MAX) this.facts.shift()
  }
}

function credentialsOf(token: string | undefined, name: string | undefined): { token?: string; name?: string } {
  return { ...(token === undefined ? {} : { token }), ...(name === undefined ? {} : { name }) }
}

/** @returns a server that is ready */
export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const server = new TestServer(options)
  if (options.setUp) options.setUp(server)
  else server.standardNamespaces()
  await server.start()
  return server
}
