/**
 * A whole Roomful without sockets: the real core, dialects, vocabulary and memory log, on time and randomness that the test
 * controls. An application sets it up as it sets up a real server. D7.
 */
import '@roomful/client/eager' // no virtual time passes while a file of the SDK is loaded
import type { Server } from 'node:http'
import type { ClientOptions } from '@roomful/client'
import type { Contract } from '@roomful/protocol'
import type {
  Leading,
  LeadRun,
  Namespace as NamespaceApi,
  NewAccount,
  Protocol,
  Roomful,
  Safe,
  Storage,
  TypedNamespace,
} from '@roomful/server'
import type { Broker, Disconnected, Reached } from '@roomful/server/ports'
import {
  Administration,
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
  Namespace,
  type NamespaceOptions,
  plainDialect,
  RoomfulError,
  type Run,
  SlidingWindowLimiter,
  safeHandler,
  type User,
  v1Dialect,
  type Wire,
} from '@roomful/server/testing'
import { TestAuthenticator, type TestUser, type TokenOptions } from './authenticator.ts'
import { TestClient } from './client.ts'
import { VirtualClock } from './clock.ts'
import { SeededRandom } from './random.ts'
import { memoryTransport } from './transport.ts'

/**
 * Declares what an application declares. What sets up a `Roomful` sets up a test server too: it has the same members, and
 * those that need sockets (`listen`, `attach`, `server`) throw a sentence that says so.
 */
export type SetUp = (server: TestServer) => void

export interface TestServerOptions {
  /** Declares the namespaces, as an application does; without it the standard ones are there (`/`, `/public`, …). */
  readonly setUp?: SetUp
  /** What differs from the defaults. */
  readonly settings?: Partial<CoreSettings>
  /** Limits of the memory log, such as how many events it keeps. */
  readonly log?: Partial<LogLimits>
  /** Seed of the randomness: the same seed gives the same run. */
  readonly seed?: number | string
  /** Stands between the server and its storage: to delay, to fail, to count. */
  readonly broker?: (broker: Broker, clock: VirtualClock) => Broker
  /** A clock of an earlier server, to let two share one time. */
  readonly clock?: VirtualClock
  /** Where it stores, when that is to outlive it; instead of a memory log of its own. */
  readonly storage?: Log
  /** What several nodes share, instead of a log of its own. */
  readonly shared?: (clock: VirtualClock, random: SeededRandom) => Broker
  /** Who knows the tokens, when they are to outlive it. */
  readonly authenticator?: TestAuthenticator
}

export interface ConnectOptions {
  /** Default `/`. */
  readonly namespace?: string
  /** The user; a token is issued. Without it and `token` the client is a guest, or not authenticated where guests are refused. */
  readonly user?: TestUser
  /** The very token, good or bad. */
  readonly token?: string
  /** The name that a guest asks for. */
  readonly name?: string
  /** Default `plain`, which the first classic command makes classic. */
  readonly dialect?: 'plain' | 'v1'
  /** v1: the session to resume. As with the SDK, the rooms of its last client are joined again from their positions. */
  readonly session?: string | undefined
  /** Default a loopback address, which has no limit of connections. */
  readonly ip?: string
  readonly userAgent?: string
}

/** What a client connects with. */
export interface Caller {
  readonly dialect: Dialect
  /** Default `/`. */
  readonly namespace?: string
  readonly token?: string | undefined
  readonly name?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** Who the SDK is on a test server. */
export interface SdkOptions extends Pick<ConnectOptions, 'namespace' | 'user' | 'name' | 'ip' | 'userAgent'> {}

/** Sessions of v1 clients whose rooms are remembered; the oldest go first. */
const SESSIONS_MAX = 1_000
const NO_SOCKETS = 'A test server has no sockets: connect() gives a client, clientOptions() those of the SDK'

/** Most facts kept; the oldest go first. */
const FACTS_MAX = 10_000

export class TestServer implements Roomful {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly authenticator: TestAuthenticator
  readonly broker: Broker
  readonly hub: Hub
  /** What the server observed, oldest first. */
  readonly facts: Fact[] = []
  readonly #lifetime = new Lifetime()
  readonly #administration: Administration
  /** The latest client of each session, which knows its positions. */
  readonly #sessions = new Map<string, TestClient>()

  constructor(options: TestServerOptions = {}) {
    const { settings, log, seed = 1, broker, clock = new VirtualClock(), authenticator, storage, shared } = options
    this.clock = clock
    this.random = new SeededRandom(seed)
    this.authenticator = authenticator ?? new TestAuthenticator(clock)
    const below =
      shared?.(clock, this.random) ??
      createLocalBroker({ log: storage ?? createMemoryLog({ clock, random: this.random, ...log }) })
    this.broker = broker?.(below, clock) ?? below
    this.hub = new Hub(
      { ...CORE_DEFAULTS, ...settings },
      {
        broker: this.broker,
        authenticator: this.authenticator,
        limiter: new SlidingWindowLimiter(clock),
        clock,
        random: this.random,
        observer: this.observer,
      },
    )
    this.#administration = new Administration(this.hub, this.authenticator.users, 'open')
  }

  /** Where facts go; see {@link facts}. */
  readonly observer = { observe: (fact: Fact): void => this.#observe(fact) }

  /** Nothing is kept on a disk. */
  readonly storage: Storage = { folder: ':memory:', sync: 'normal' }
  /** It serves no paths, so it has none below another. */
  readonly basePath = ''

  /** Declares a namespace with the room events in it, as `Roomful.namespace` does. */
  namespace(name: string, contract?: undefined, options?: NamespaceOptions): Namespace
  namespace<const C extends Contract>(name: string, contract: C, options?: NamespaceOptions): TypedNamespace<C>
  namespace(name: string, contract?: Contract, options: NamespaceOptions = {}): unknown {
    const namespace = this.hub.addNamespace([name], contract, options)
    addRoomEvents(this.hub, namespace)
    return namespace
  }

  /** Adds messages, private messages, typing and reactions to a namespace, as `Roomful.chat` does. */
  chat(namespace: NamespaceApi): this {
    if (!(namespace instanceof Namespace)) throw new TypeError('Give a namespace of this server')
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
    this.#lifetime.add(run)
    return this
  }

  /** Runs something at once, as `Roomful.lead` does on a server that runs alone. */
  lead(name: string, run: LeadRun): Leading {
    return this.hub.leads.add(name, run)
  }

  /** Is declared, so that a set-up runs as it is; clients of the test kit speak no protocols of an application's own. */
  protocol(_path: string, _namespace: NamespaceApi, _protocol: Protocol): this {
    return this
  }

  /** As `Roomful.safeHandler`. */
  safeHandler<Args extends unknown[], Result>(
    name: string,
    fn: (...args: Args) => Result | Promise<Result>,
  ): (...args: Args) => Promise<Safe<Awaited<Result>>> {
    return safeHandler(this.observer, name, fn)
  }

  /** As `Roomful.ban`. */
  ban(userId: string, reason?: string): Promise<Reached> {
    return this.#administration.ban(userId, reason)
  }

  /** As `Roomful.unban`. */
  unban(userId: string): Promise<Reached> {
    return this.#administration.unban(userId)
  }

  /** As `Roomful.setRole`. */
  setRole(userId: string, role: string): Promise<Reached> {
    return this.#administration.setRole(userId, role)
  }

  /** As `Roomful.recheck`. */
  recheck(userId?: string): Promise<Reached> {
    return this.#administration.recheck(userId)
  }

  /** As `Roomful.disconnectUser`. */
  disconnectUser(userId: string, code?: number, reason?: string): Promise<Disconnected> {
    return this.#administration.disconnectUser(userId, code, reason)
  }

  /** As `Roomful.createAccount`: the user may be given to `connect` by their id, and signs in with no password here. */
  async createAccount({ username, name = username, role }: NewAccount): Promise<User> {
    const { users } = this.authenticator
    if (await users.find(username)) throw new RoomfulError('CONFLICT', 'This name is taken', { field: 'username' })
    const user = { sub: username, name, role: role ?? 'user' }
    await users.ensure(user)
    if (role !== undefined) await users.setRole(username, role)
    return user
  }

  /** @throws Error always: there are no sockets */
  attach(_server: Server): this {
    throw new Error(NO_SOCKETS)
  }

  /** @throws Error always: there are no sockets */
  handleRequest(): boolean {
    throw new Error(NO_SOCKETS)
  }

  /** @throws Error always: there are no sockets */
  handleUpgrade(): boolean {
    throw new Error(NO_SOCKETS)
  }

  /** @throws Error (rejects) always: there are no sockets */
  async listen(_options?: { port?: number; host?: string }): Promise<{ url: string; port: number }> {
    throw new Error(NO_SOCKETS)
  }

  /** @throws Error always: there are no sockets */
  get server(): Server {
    throw new Error(NO_SOCKETS)
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
    client.onOpened = () => this.#remember(client)
    client.restore(this.#sessions.get(session ?? ''))
    client.send({ type: 'open', v: 1, ns: namespace, ...credentials, ...(session ? { session } : {}) })
    return client
  }

  /**
   * Options for the real SDK, and so for the hooks: its transport, clock and randomness are the test's.
   *
   * ```ts
   * const client = connect('http://test', server.clientOptions({ user: 'ann' }))
   * ```
   */
  clientOptions({ namespace = '/', user, name, ip, userAgent }: SdkOptions = {}): ClientOptions {
    const random = this.random.fork('a client of the SDK')
    return {
      namespace,
      clock: this.clock,
      random: () => random.fraction(),
      fillRandom: (bytes) => random.fill(bytes),
      transport: memoryTransport(this.clock, (wire) =>
        this.accept(wire, { dialect: v1Dialect, namespace, ip, userAgent }),
      ),
      ...(user === undefined ? {} : { token: () => this.token(user) }),
      ...(name === undefined ? {} : { name }),
    }
  }

  /** Cuts every link of a user without a close frame: their clients reconnect, as after a short loss of the network. */
  cut(userId: string): void {
    for (const link of [...this.hub.links.open]) {
      if (link.connections.some(({ user }) => user.sub === userId)) link.terminate('cut')
    }
  }

  /** Takes a link on a wire of your own, as a transport does. */
  accept(wire: Wire, { dialect, namespace = '/', token, name, ip, userAgent }: Caller): Link {
    return this.hub.links.accept({
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
    await this.#lifetime.begin()
    this.hub.leads.start()
  }

  /** Ends what ran, cuts every link and closes the log. */
  async close(): Promise<void> {
    this.#lifetime.close()
    await this.hub.leads.stop()
    await this.#lifetime.end()
    await this.hub.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #observe(fact: Fact): void {
    this.facts.push(fact)
    if (this.facts.length > FACTS_MAX) this.facts.shift()
  }

  #remember(client: TestClient): void {
    const { session } = client
    if (session === undefined) return
    this.#sessions.delete(session)
    this.#sessions.set(session, client)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > SESSIONS_MAX && oldest !== undefined) this.#sessions.delete(oldest)
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
