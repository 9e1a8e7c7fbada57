/** The server: the core with its adapters, in its own HTTP server or in one of the application. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { HttpLinks } from './adapters/http/v1-links/links.ts'
import { SocketIoTransport } from './adapters/transports/socketio/transport.ts'
import { WebSocketTransport } from './adapters/transports/websocket/server.ts'
import { Webhooks } from './adapters/webhooks/webhooks.ts'
import type { Roomful } from './api.ts'
import { attachService, type HttpService } from './attachment.ts'
import { Administration } from './core/administration.ts'
import type { Connection, Handler, Leading, LeadRun, Namespace as NamespaceApi, TypedNamespace } from './core/api.ts'
import type { Contract, NamespaceOptions } from './core/base/contract.ts'
import { RoomfulError } from './core/base/errors.ts'
import { Hub } from './core/hub.ts'
import { Namespace } from './core/namespace.ts'
import type { Disconnected, Reached } from './core/ports/nodes.ts'
import type { Observer } from './core/ports/observer.ts'
import type { Clock, Random } from './core/ports/system.ts'
import type { ClientRequest, User } from './core/ports/users.ts'
import type { Protocol } from './core/raw-protocol.ts'
import type { Connection as ConnectionState } from './core/state/namespace-state.ts'
import { createHttpService, forNodesOnly } from './http-service.ts'
import { Lifetime, type Run } from './lifetime.ts'
import { checkIsServer, reachableUrl, SERVER_LIMITS, serverUrl, urlToReach } from './node-server.ts'
import type { NewAccount, RoomfulParts, Storage } from './parts.ts'
import { RoomLog, type RoomLogListener } from './room-log.ts'
import { type Safe, safeHandler } from './safe-handler.ts'
import { addStandardNamespaces } from './standard.ts'
import { addChatEvents } from './vocabulary/chat.ts'
import { addClassicCommands } from './vocabulary/classic.ts'
import { addRoomEvents } from './vocabulary/rooms.ts'

/** The class behind the interface {@link Roomful}. */
export class RoomfulServer implements Roomful {
  readonly hub: Hub
  private readonly parts: RoomfulParts
  private readonly webSocket: WebSocketTransport
  private readonly service: HttpService
  private readonly administration: Administration
  private readonly lifetime = new Lifetime()
  private readonly attached = new Map<Server, () => void>()
  private ownServer: Server | undefined
  private isHandling = false
  private isWaiting = false
  private hasBegun = false
  private webhooks: Webhooks | undefined
  private nodesServer: Server | undefined
  private started: Promise<void> | undefined
  private closing: Promise<void> | undefined

  constructor(parts: RoomfulParts) {
    this.parts = parts
    this.hub = new Hub(parts.core, parts.ports)
    const links = new HttpLinks(this.hub, parts.node)
    this.webSocket = new WebSocketTransport(this.hub, parts.webSocket, (id) => links.find(id))
    this.administration = new Administration(this.hub, parts.users, parts.unknownUsers)
    this.service = createHttpService({
      webSocket: this.webSocket,
      socketIo: new SocketIoTransport(this.hub, parts.socketIo),
      http: parts.http(this.hub, links, this.administration, () => this.webhooks),
      node: parts.node,
      isWaiting: () => this.isWaiting,
      isDraining: () => this.hub.state === 'draining' || this.hub.state === 'closed',
      basePath: parts.basePath,
    })
  }

  namespace(name: string, contract?: undefined, options?: NamespaceOptions): NamespaceApi
  namespace<const C extends Contract>(name: string, contract: C, options?: NamespaceOptions): TypedNamespace<C>
  namespace(name: string, contract?: Contract, options: NamespaceOptions = {}): unknown {
    if (this.started) throw new Error(`Declare the namespace ${name} before the server starts`)
    const namespace = this.hub.addNamespace([name], contract, options)
    addRoomEvents(this.hub, namespace)
    if (options.classic) addClassicCommands(this.hub, namespace)
    return namespace
  }

  /**
   * A namespace for a package with connections of its own; made when it is missing, also while the server is open.
   * @returns `opened` resolves once its log is open
   */
  openNamespace(name: string): { readonly namespace: Namespace; readonly opened: Promise<void> } {
    const known = this.hub.namespace(name)
    const namespace = known ?? this.hub.addNamespace([name], undefined, { open: true, quiet: true })
    if (!known) addRoomEvents(this.hub, namespace)
    return { namespace, opened: this.start().then(() => this.hub.open(namespace)) }
  }

  chat(namespace: NamespaceApi): this {
    addChatEvents(this.hub, ownNamespace(namespace))
    return this
  }

  standardNamespaces(): this {
    addStandardNamespaces(this.hub)
    return this
  }

  protocol(path: string, namespace: NamespaceApi, protocol: Protocol): this {
    if (this.started) throw new Error(`Declare the protocol on ${path} before the server starts`)
    this.webSocket.protocols.add(path, ownNamespace(namespace), protocol)
    return this
  }

  get storage(): Storage {
    return this.parts.storage
  }

  get basePath(): string {
    return this.parts.basePath
  }

  get clock(): Clock {
    return this.parts.ports.clock
  }

  get random(): Random {
    return this.parts.ports.random
  }

  get observer(): Observer {
    return this.parts.ports.observer
  }

  get(name: string): NamespaceApi {
    const namespace = this.hub.namespace(name)
    if (!namespace)
      throw new Error(`There is no namespace ${name}: declare it with namespace(), or standardNamespaces()`)
    return namespace
  }

  whileOpen(run: Run): this {
    if (this.started) throw new Error('Say what runs while the server is open before it starts')
    this.lifetime.add(run)
    return this
  }

  lead(name: string, run: LeadRun): Leading {
    if (this.started) throw new Error(`Say what runs under the name ${JSON.stringify(name)} before the server starts`)
    return this.hub.leads.add(name, run)
  }

  safeHandler<Args extends unknown[], Result>(
    name: string,
    fn: (...args: Args) => Result | Promise<Result>,
  ): (...args: Args) => Promise<Safe<Awaited<Result>>> {
    return safeHandler(this.hub.runtime.observer, name, fn)
  }

  ban(userId: string, reason?: string): Promise<Reached> {
    return this.administration.ban(userId, reason)
  }

  unban(userId: string): Promise<Reached> {
    return this.administration.unban(userId)
  }

  async createAccount(account: NewAccount): Promise<User> {
    const { role, ...given } = account
    const { user } = await this.onceStored(() => this.parts.accounts.signUp(given, undefined))
    if (role === undefined) return user
    await this.onceStored(() => this.parts.users.setRole(user.sub, role))
    return { ...user, role }
  }

  /** Until everything has begun the storage is waited for, as the start does. */
  private async onceStored<T>(work: () => Promise<T>): Promise<T> {
    await this.parts.ready
    for (let hasReported = false; ; hasReported = true) {
      try {
        return await work()
      } catch (error) {
        const isEarly = !this.hasBegun && this.closing === undefined
        if (!isEarly || !(error instanceof RoomfulError) || error.code !== 'UNAVAILABLE') throw error
        if (!hasReported) this.reportWait(error)
        await setTimeout(WAIT_STEP_MS)
      }
    }
  }

  private reportWait({ message, cause }: RoomfulError): void {
    const reason = cause instanceof Error ? cause.message : message
    this.observer.observe({ type: 'notice', message: `The storage is not there yet, and is waited for: ${reason}`, isRisky: true }) // biome-ignore format: one sentence
  }

  setRole(userId: string, role: string): Promise<Reached> {
    return this.administration.setRole(userId, role)
  }

  recheck(userId?: string): Promise<Reached> {
    return this.administration.recheck(userId)
  }

  disconnectUser(userId: string, code?: number, reason?: string): Promise<Disconnected> {
    return this.administration.disconnectUser(userId, code, reason)
  }

  start(): Promise<void> {
    this.started ??= this.run()
    return this.started
  }

  private run(): Promise<void> {
    const { webhooks, users } = this.parts
    if (webhooks) {
      const { hub, administration } = this
      const sending = new Webhooks({ ...webhooks, hub, users })
      administration.onBan = (...ban) => sending.onBan(...ban)
      this.webhooks = sending
    }
    return Promise.resolve(this.parts.ready)
      .then(() => this.hub.start())
      .then(() => this.begin())
  }

  attach(server: Server): this {
    checkIsServer(server)
    if (this.attached.has(server)) throw new Error('Roomful is attached to this server already')
    this.start().catch(() => undefined) // `/ready` reports a failure, and `start()` rejects with it
    this.attached.set(server, attachService(server, this.service))
    if (server !== this.ownServer) this.joinOnceListening(server)
    return this
  }

  handleRequest(request: IncomingMessage, response: ServerResponse): boolean {
    this.startFor(request.socket)
    return this.service.handleRequest(request, response)
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    this.startFor(request.socket)
    return this.service.handleUpgrade(request, socket, head)
  }

  /** Without a server to ask, the first socket shows where the other nodes reach this one. */
  private startFor(socket: Socket): void {
    if (this.attached.size > 0 || this.isHandling) return
    this.isHandling = true
    const { localAddress: address, localPort: port } = socket
    const url =
      address !== undefined && port !== undefined ? urlToReach({ address, port }, 'encrypted' in socket) : undefined
    this.reportFailure(this.start().then(() => this.join(url)))
  }

  get server(): Server {
    const { tls } = this.parts
    this.ownServer ??= tls ? createSecureServer({ ...SERVER_LIMITS, ...tls }) : createServer(SERVER_LIMITS)
    return this.ownServer
  }

  async listen(options: { port?: number; host?: string } = {}): Promise<{ url: string; port: number }> {
    const { tls } = this.parts
    const { port = this.parts.port, host = this.parts.host } = options
    const { server } = this
    const isListening = await this.listenWhileStarting({ port, host })
    if (!isListening) this.attach(server)
    // The other nodes have to find this one before it gives out its first id.
    if (this.parts.isWorker) await this.listenForNodes(host)
    else if (port !== 0) await this.join(urlToReach({ address: host, port }, tls !== undefined))
    if (!isListening) await openPort(server, { port, host })
    this.isWaiting = false
    const address = server.address() as AddressInfo
    if (port === 0 && !this.parts.isWorker) await this.join(reachableUrl(server))
    const url = serverUrl(host, address.port, tls !== undefined) + this.basePath
    return { url, port: address.port }
  }

  /**
   * A storage that is away is waited for. Meanwhile `/health` and `/ready` answer, so that a supervisor does not take the
   * server for dead. One that only takes a while is not: proxies send requests to another node until this one listens.
   * @returns (resolves once it has started) whether it listens already
   */
  private async listenWhileStarting(where: { readonly port: number; readonly host: string }): Promise<boolean> {
    let isOver = false
    const started = this.start().finally(() => {
      isOver = true
    })
    const isAway = (async () => {
      while (!isOver && this.parts.ports.broker.healthy()) await setTimeout(WAIT_STEP_MS)
      return !isOver
    })()
    if (!(await Promise.race([started.then(() => false), isAway]))) {
      await started
      return false
    }
    this.isWaiting = true
    this.attach(this.server)
    await openPort(this.server, where)
    await started
    return true
  }

  /** The port of the clients is that of every worker, so the other nodes get one of this worker alone. */
  private async listenForNodes(host: string): Promise<void> {
    const { tls, nodeUrl, node } = this.parts
    const server = tls ? createSecureServer({ ...SERVER_LIMITS, ...tls }) : createServer(SERVER_LIMITS)
    this.nodesServer = server
    this.attached.set(server, attachService(server, forNodesOnly(this.service, node)))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port: 0, host, exclusive: true }, resolve)
    })
    const { port } = server.address() as AddressInfo
    const url = new URL(nodeUrl ?? urlToReach({ address: host, port }, tls !== undefined))
    url.port = String(port)
    await node.join(url.href)
  }

  private joinOnceListening(server: Server): void {
    const join = (): void => {
      if (this.started) this.reportFailure(this.started.then(() => this.join(reachableUrl(server))))
    }
    if (server.listening || this.parts.nodeUrl !== undefined) join()
    else server.once('listening', join)
  }

  private reportFailure(work: Promise<void>): void {
    work.catch((error: Error) => this.observer.observe({ type: 'notice', message: error.message, isRisky: true }))
  }

  /** @throws Error (rejects) when the other nodes cannot know where this one is */
  private async join(ownUrl: string | undefined): Promise<void> {
    const { node, nodeUrl = ownUrl } = this.parts
    await node.join(nodeUrl)
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async begin(): Promise<void> {
    await this.lifetime.begin()
    this.hub.leads.start()
    this.hasBegun = true
  }

  private async shutDown(): Promise<void> {
    const started = this.started?.catch(() => undefined) // a failed start is reported by `start()`
    await Promise.race([started, setTimeout(WAIT_STEP_MS, undefined, { ref: false })])
    if (this.hub.state === 'starting') await this.parts.ports.broker.close() // nothing is stored yet: the wait ends
    await started
    this.lifetime.close()
    const server = this.ownServer
    const closed = server && (this.parts.node.isShared ? stopListening(server) : closeServer(server))
    // Other nodes lead while the clients of this one are sent there.
    const handedOver = this.hub.leads.stop()
    await this.hub.drain()
    await handedOver
    await this.linksGone()
    if (server) await this.connectionsGone(server)
    await this.parts.node.leave()
    this.nodesServer?.close()
    try {
      await this.lifetime.end()
    } finally {
      await this.hub.close()
      server?.closeAllConnections()
      this.nodesServer?.closeAllConnections()
      await closed
      for (const detach of this.attached.values()) detach()
      await this.parts.closeParts()
    }
  }

  /** With other nodes: each client that asks is answered here once more, and then asks there. */
  private async connectionsGone(server: Server): Promise<void> {
    if (!this.parts.node.isShared) return
    const open = (): Promise<number> =>
      new Promise((resolve) => server.getConnections((error, count) => resolve(error ? 0 : count)))
    for (let waitedMs = 0; (await open()) > 0 && waitedMs < IDLE_WAIT_MS; waitedMs += CLOSE_STEP_MS) {
      await setTimeout(CLOSE_STEP_MS)
    }
  }

  /** Gives clients a moment to answer the close frame. A3.5. */
  private async linksGone(): Promise<void> {
    const { hub } = this
    for (let waitedMs = 0; hub.links.open.size > 0 && waitedMs < CLOSE_WAIT_MS; waitedMs += CLOSE_STEP_MS) {
      await setTimeout(CLOSE_STEP_MS)
    }
  }
}

function openPort(server: Server, where: { readonly port: number; readonly host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...where, backlog: 4096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Takes no new connections. Idle ones stay: Node would close them, also those on which a request is on its way. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      server.close() // also what watches slow requests
      resolve()
    }
    Reflect.apply(NetServer.prototype.close, server, [end])
  })
}

const WAIT_STEP_MS = 250
const CLOSE_WAIT_MS = 2_000
/** How long a client that asks all the time may take to learn that its connection ends. */
const IDLE_WAIT_MS = 500
const CLOSE_STEP_MS = 20

/** @throws TypeError for an object that `createRoomful` did not create */
export function openRoomLog(roomful: Roomful, name: string, listener: RoomLogListener): RoomLog {
  if (!(roomful instanceof RoomfulServer)) throw new TypeError('This is not a server that createRoomful made')
  const { namespace, opened } = roomful.openNamespace(name)
  return new RoomLog(namespace, opened, listener)
}

/** Handles the events of a namespace that have no handler of their own. */
export function handleOthers(namespace: NamespaceApi, handler: Handler): void {
  ownNamespace(namespace).handleOthers(handler)
}

/** The HTTP request by which a client came. Only for a server with the option `authenticate`. */
export function openingRequestOf(connection: Connection): ClientRequest | undefined {
  return (connection as ConnectionState).openingRequest
}

/** The hub behind a server, for tests. @throws TypeError for an object that `createRoomful` did not create */
export function hubOf(roomful: Roomful): Hub {
  if (!(roomful instanceof RoomfulServer)) throw new TypeError('This is not a server that createRoomful made')
  return roomful.hub
}

function ownNamespace(namespace: NamespaceApi): Namespace {
  if (!(namespace instanceof Namespace))
    throw new TypeError('Give a namespace that roomful.namespace() or get() returned')
  return namespace
}
