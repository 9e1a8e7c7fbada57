/** The server: the core with its adapters, in an HTTP server of one's own or somebody else's. DESIGN 7. */

import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { HttpLinks } from './adapters/http/v1-links/links.ts'
import { SocketIoTransport } from './adapters/transports/socketio/transport.ts'
import { WebSocketTransport } from './adapters/transports/websocket.ts'
import { attachService, type HttpService } from './attachment.ts'
import { Administration } from './core/administration.ts'
import type { Contract } from './core/base/contract.ts'
import { Hub } from './core/hub.ts'
import type { Namespace } from './core/namespace.ts'
import type { Clock } from './core/ports/clock.ts'
import type { Observer } from './core/ports/observer.ts'
import type { Random } from './core/ports/random.ts'
import type { User } from './core/ports/user.ts'
import type { Protocol } from './core/raw-protocol.ts'
import type { NamespaceOptions } from './core/state/namespace-options.ts'
import type { TypedNamespace } from './core/typed.ts'
import { createHttpService } from './http-service.ts'
import { Lifetime, type Run } from './lifetime.ts'
import { checkIsServer, SERVER_LIMITS } from './node-server.ts'
import type { NewAccount, RoomfulParts, Storage } from './parts.ts'
import { type Safe, safeHandler } from './safe-handler.ts'
import { serverUrl } from './server-url.ts'
import { addStandardNamespaces } from './standard.ts'
import { addChatEvents } from './vocabulary/chat.ts'
import { addRoomEvents } from './vocabulary/rooms.ts'

export class Roomful {
  readonly hub: Hub
  private readonly parts: RoomfulParts
  private readonly webSocket: WebSocketTransport
  private readonly service: HttpService
  private readonly administration: Administration
  private readonly lifetime = new Lifetime()
  private readonly attached = new Map<Server, () => void>()
  private ownServer: Server | undefined
  private started: Promise<void> | undefined
  private closing: Promise<void> | undefined

  constructor(parts: RoomfulParts) {
    this.parts = parts
    this.hub = new Hub(parts.core, parts.ports)
    const links = new HttpLinks(this.hub)
    this.webSocket = new WebSocketTransport(this.hub, parts.webSocket, (id) => links.find(id))
    this.administration = new Administration(this.hub, parts.users, parts.unknownUsers)
    this.service = createHttpService({
      webSocket: this.webSocket,
      socketIo: new SocketIoTransport(this.hub, parts.socketIo),
      http: parts.http(this.hub, links, this.administration),
      basePath: parts.basePath,
    })
  }

  /**
   * Declares a namespace, with the room events in it. Before `listen` or `attach`.
   * @throws Error when there is one of this name
   */
  namespace(name: string, contract?: undefined, options?: NamespaceOptions): Namespace
  namespace<const C extends Contract>(name: string, contract: C, options?: NamespaceOptions): TypedNamespace<C>
  namespace(name: string, contract?: Contract, options: NamespaceOptions = {}): unknown {
    if (this.started) throw new Error(`Declare the namespace ${name} before the server starts`)
    const namespace = this.hub.addNamespace([name], contract, options)
    addRoomEvents(this.hub, namespace)
    return namespace
  }

  /** Adds messages, private messages, typing and reactions to a namespace. WIRE 8. */
  chat(namespace: Namespace): this {
    addChatEvents(this.hub, namespace)
    return this
  }

  /** The namespaces of a server that runs by itself: `/` (also `/chat`), `/public`, `/support`, `/admin`, `/notifications`. */
  standardNamespaces(): this {
    addStandardNamespaces(this.hub)
    return this
  }

  /**
   * Serves a protocol of your own over WebSocket, on `<path>/<room>`: origin, authentication, limits, heartbeat, drain and
   * presence are those of the namespace, and the rules of its rooms say who may come in. Before `listen` or `attach`.
   * @param path such as `/yjs`
   * @throws Error when the path is taken or is none
   */
  protocol(path: string, namespace: Namespace, protocol: Protocol): this {
    if (this.started) throw new Error(`Declare the protocol on ${path} before the server starts`)
    this.webSocket.protocols.add(path, namespace, protocol)
    return this
  }

  get storage(): Storage {
    return this.parts.storage
  }

  /** Path below which everything is served, such as `/realtime`; empty for the whole server. */
  get basePath(): string {
    return this.parts.basePath
  }

  /** Time as the server has it: on the test kit's server it is the test's. */
  get clock(): Clock {
    return this.parts.ports.clock
  }

  /** Chance as the server has it. */
  get random(): Random {
    return this.parts.ports.random
  }

  /** Told of everything that happens; tell it what your own parts find. */
  get observer(): Observer {
    return this.parts.ports.observer
  }

  /** A namespace that is there, by any of its names. @throws Error when it is not */
  get(name: string): Namespace {
    const namespace = this.hub.namespace(name)
    if (!namespace)
      throw new Error(`There is no namespace ${name}: declare it with namespace(), or standardNamespaces()`)
    return namespace
  }

  /**
   * Runs something as long as the server is open: it begins when the storage is ready, and what it returns ends it at
   * close, when nobody is connected any longer and events can still be stored. The last one that began ends first.
   * @throws Error when the server has started already
   */
  whileOpen(run: Run): this {
    if (this.started) throw new Error('Say what runs while the server is open before it starts')
    this.lifetime.add(run)
    return this
  }

  /** Wraps a function as handlers are wrapped: it is reported and answered, never thrown. B38. */
  safeHandler<Args extends unknown[], Result>(
    name: string,
    fn: (...args: Args) => Result | Promise<Result>,
  ): (...args: Args) => Promise<Safe<Awaited<Result>>> {
    return safeHandler(this.hub.runtime.observer, name, fn)
  }

  /**
   * Shuts a user out, also one who was never here, and closes every connection they have, at once. G8.
   * @param reason told to the user, now and whenever they try again
   * @throws RoomfulError (rejects) NOT_FOUND for who has no account where users must be known, INVALID_MESSAGE for guests
   */
  ban(userId: string, reason?: string): Promise<void> {
    return this.administration.ban(userId, reason)
  }

  /** @throws RoomfulError (rejects) as {@link ban} */
  unban(userId: string): Promise<void> {
    return this.administration.unban(userId)
  }

  /**
   * Makes an account that signs in by name and password, as `POST /api/users` does, with a role.
   * @throws RoomfulError (rejects) INVALID_MESSAGE with the field, CONFLICT when the name is taken, UNAVAILABLE
   */
  async createAccount(account: NewAccount): Promise<User> {
    const { role, ...given } = account
    const { user } = await this.parts.accounts.signUp(given, undefined)
    if (role === undefined) return user
    await this.parts.users.setRole(user.sub, role)
    return { ...user, role }
  }

  /**
   * Gives a user another role, whatever the token says: rules run again on every open connection, and lost rooms are told. G8.
   * @throws RoomfulError (rejects) as {@link ban}
   */
  setRole(userId: string, role: string): Promise<void> {
    return this.administration.setRole(userId, role)
  }

  /**
   * Asks the rules of rooms again, for a user or for everyone: call it when what they decide by has changed. Who may no
   * longer be in a room is taken out of it at once, and told. G8.
   */
  recheck(userId?: string): Promise<void> {
    return this.administration.recheck(userId)
  }

  /** Closes every connection of a user everywhere, at once. @returns how many */
  disconnectUser(userId: string, code?: number, reason?: string): number {
    return this.administration.disconnectUser(userId, code, reason)
  }

  /** Opens the storage. `listen` does it, and so does the first request of an attached server. */
  start(): Promise<void> {
    this.started ??= this.hub.start().then(() => this.lifetime.begin())
    return this.started
  }

  /**
   * Serves from an existing HTTP server. Roomful's own paths and upgrades reach none of its other listeners, whenever those
   * are added; everything else reaches them untouched.
   * @throws TypeError when it is given an application or an HTTP/2 server instead. B16.
   */
  attach(server: Server): this {
    checkIsServer(server)
    if (this.attached.has(server)) throw new Error('Roomful is attached to this server already')
    this.start().catch(() => undefined) // `/ready` says so, and whoever calls start() is told
    this.attached.set(server, attachService(server, this.service))
    return this
  }

  /**
   * The HTTP server that `listen` starts. Listeners of `request` and `upgrade` that you add to it get the paths that are
   * not Roomful's.
   */
  get server(): Server {
    const { tls } = this.parts
    this.ownServer ??= tls ? createSecureServer({ ...SERVER_LIMITS, ...tls }) : createServer(SERVER_LIMITS)
    return this.ownServer
  }

  /**
   * Serves from an HTTP server of its own.
   * @throws Error (rejects) when the port is in use or the storage cannot be opened
   */
  async listen(options: { port?: number; host?: string } = {}): Promise<{ url: string; port: number }> {
    const { tls } = this.parts
    const { port = this.parts.port, host = this.parts.host } = options
    await this.start()
    const { server } = this
    this.attach(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host, backlog: 4096 }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    const address = server.address() as AddressInfo
    const url = serverUrl(host, address.port, tls !== undefined) + this.basePath
    return { url, port: address.port }
  }

  /** Tells everyone when to come back, closes their links with 1012, stores what is on its way. Idempotent. G7. */
  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async shutDown(): Promise<void> {
    await this.started?.catch(() => undefined) // what was never open needs no closing
    this.lifetime.close()
    const server = this.ownServer
    const closed = server && new Promise<void>((resolve) => server.close(() => resolve()))
    await this.hub.drain()
    await this.linksGone()
    try {
      await this.lifetime.end()
    } finally {
      await this.hub.close()
      server?.closeAllConnections()
      await closed
      for (const detach of this.attached.values()) detach()
      await this.parts.closeParts()
    }
  }

  /** Peers get a moment to answer the close frame, then they are cut. A3.5. */
  private async linksGone(): Promise<void> {
    const { hub } = this
    for (let waitedMs = 0; hub.links.open.size > 0 && waitedMs < CLOSE_WAIT_MS; waitedMs += CLOSE_STEP_MS) {
      await setTimeout(CLOSE_STEP_MS)
    }
  }
}

const CLOSE_WAIT_MS = 2_000
const CLOSE_STEP_MS = 20
