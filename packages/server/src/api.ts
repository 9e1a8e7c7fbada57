/** What applications may do with a server. The class behind it is internal. core/api.ts has namespaces and requests. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Leading, LeadRun, Namespace, TypedNamespace } from './core/api.ts'
import type { Contract, NamespaceOptions } from './core/base/contract.ts'
import type { Disconnected, Reached } from './core/ports/nodes.ts'
import type { Observer } from './core/ports/observer.ts'
import type { Clock, Random } from './core/ports/system.ts'
import type { User } from './core/ports/users.ts'
import type { Protocol } from './core/raw-protocol.ts'
import type { Run } from './lifetime.ts'
import type { NewAccount, Storage } from './parts.ts'
import type { Safe } from './safe-handler.ts'

/**
 * A server. Declare namespaces, then call `listen()` or `attach(server)`. `createRoomful` creates it. The test kit's server
 * has the same members, so a function that takes a `Roomful` can set up both.
 */
export interface Roomful {
  /**
   * Declares a namespace. Clients can join its rooms at once. Call it before `listen` or `attach`.
   * @param name begins with a slash, such as `/tasks`
   * @throws Error when the name is taken, or the server has started
   * @example
   * const tasks = roomful.namespace('/tasks', defineContract({
   *   client: { 'task:add': event({ data: z.object({ title: z.string() }) }) },
   *   server: { 'task:added': event({ data: z.object({ title: z.string() }), durable: true }) },
   * }))
   */
  namespace(name: string, contract?: undefined, options?: NamespaceOptions): Namespace
  /** With a contract, the namespace is typed, and events from clients are validated. */
  namespace<const C extends Contract>(name: string, contract: C, options?: NamespaceOptions): TypedNamespace<C>
  /** A declared namespace, by any of its names. @throws Error when there is none */
  get(name: string): Namespace
  /** Adds messages, private messages, typing and reactions to a namespace. */
  chat(namespace: Namespace): this
  /** Declares the namespaces of the stand-alone server: `/` (also `/chat`), `/public`, `/support`, `/admin`, `/notifications`. */
  standardNamespaces(): this
  /**
   * Serves your own protocol over WebSocket on `<path>/<room>`. Authentication, limits, heartbeat, shutdown and presence are
   * those of the namespace, and the rules of its rooms decide who may connect. Call it before `listen` or `attach`.
   * @param path such as `/yjs`
   * @throws Error when the path is taken or not valid, or the server has started
   */
  protocol(path: string, namespace: Namespace, protocol: Protocol): this
  /**
   * Runs something while the server is open. `run` is called when the storage is ready. The function that it returns is
   * called at close, after the last connection and while events can still be stored; the last one started ends first. If it
   * returns a promise, the server waits for it before it serves, and does not start when that rejects.
   * @throws Error when the server has started
   * @example
   * roomful.whileOpen(() => {
   *   const timer = setInterval(publishPrices, 1_000)
   *   return () => clearInterval(timer)
   * })
   */
  whileOpen(run: Run): this
  /**
   * Runs something on exactly one of the nodes that share a log, as long as that one lives: a clock, a game, a feed. Another
   * node takes over at once when it closes, and within ten seconds when it dies. A server that runs alone leads at once.
   * What `run` throws is reported, and it runs again after a while.
   * @param name the same on all nodes
   * @returns what asks the node that leads
   * @throws Error when the name is taken, or the server has started
   * @example
   * roomful.lead('market', (lead) => {
   *   const room = lead.fenced(market).to('market')
   *   const timer = setInterval(() => room.emit('price:update', nextPrice()), 2_000)
   *   lead.lost.addEventListener('abort', () => clearInterval(timer))
   * })
   */
  lead(name: string, run: LeadRun): Leading
  /**
   * Wraps a function so that it never throws: an error is reported to the observer, and returned in a form to show.
   * @param name the name of the function in logs
   * @example const nightly = roomful.safeHandler('nightly report', () => sendReport())
   */
  safeHandler<Args extends unknown[], Result>(
    name: string,
    fn: (...args: Args) => Result | Promise<Result>,
  ): (...args: Args) => Promise<Safe<Awaited<Result>>>
  /**
   * Bans a user, also one without an account yet, and closes all of their connections at once.
   * @param reason shown to the user, now and at each attempt to connect
   * @returns how many other nodes were asked to do the same, and answered
   * @throws RoomfulError (rejects) NOT_FOUND for an unknown account where users must have one, INVALID_MESSAGE for guests
   */
  ban(userId: string, reason?: string): Promise<Reached>
  /** Lifts a ban. @throws RoomfulError (rejects) as {@link ban} */
  unban(userId: string): Promise<Reached>
  /**
   * Creates an account that signs in by name and password, as `POST /api/users` does, optionally with a role.
   * @throws RoomfulError (rejects) INVALID_MESSAGE with the field, CONFLICT when the name is taken, UNAVAILABLE
   */
  createAccount(account: NewAccount): Promise<User>
  /**
   * Gives a user another role, whatever the token says. Rules run again for every open connection; a client that loses a
   * room receives `room:left`.
   * @throws RoomfulError (rejects) as {@link ban}
   */
  setRole(userId: string, role: string): Promise<Reached>
  /**
   * Runs the rules of rooms again, for one user or for all. Call it when the data behind the rules has changed. A
   * connection that may no longer be in a room leaves it at once and receives `room:left`.
   */
  recheck(userId?: string): Promise<Reached>
  /**
   * Closes every connection of a user in every namespace, on every node; those of this node before it returns.
   * @param code the WebSocket close code; 4009 (kicked) by default, after which clients do not reconnect by themselves
   * @returns how many were closed, and how many other nodes answered; it never rejects for one that is gone
   */
  disconnectUser(userId: string, code?: number, reason?: string): Promise<Disconnected>
  /** Where the server stores its data, for applications that store something beside it. */
  readonly storage: Storage
  /** The path below which everything is served, such as `/realtime`; empty by default. */
  readonly basePath: string
  /** The server's time; on a test server it is virtual. */
  readonly clock: Clock
  /** The server's randomness; on a test server it is seeded. */
  readonly random: Random
  /** Receives every fact that the server reports. Your own code may report facts too. */
  readonly observer: Observer
  /** Opens the storage. `listen` and `attach` call it. */
  start(): Promise<void>
  /**
   * Serves from an existing HTTP server. Requests and upgrades for Roomful's paths reach none of its other listeners; all
   * others reach them unchanged.
   * @throws TypeError for an application or an HTTP/2 server
   * @example
   * const server = http.createServer(app)
   * roomful.attach(server)
   * server.listen(8080)
   */
  attach(server: Server): this
  /**
   * Answers a request, where there is no HTTP server for `attach`: in a framework that only hands on its requests. Call it
   * before anything reads the body, with the URL that the client asked for.
   * @returns false when the path is not Roomful's; then nothing was touched
   * @example app.use((request, response, next) => roomful.handleRequest(request, response) || next())
   */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean
  /**
   * Answers an upgrade, as {@link handleRequest} answers a request.
   * @returns false when it is not Roomful's; then nothing was touched, and another listener has to answer it
   * @example
   * server.on('upgrade', (request, socket, head) => {
   *   if (!roomful.handleUpgrade(request, socket, head)) vite.handleUpgrade(request, socket, head)
   * })
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /**
   * The HTTP server that `listen` starts. Your listeners of `request` and `upgrade` receive all paths that are not Roomful's.
   */
  readonly server: Server
  /**
   * Serves from its own HTTP server.
   * @param options override the settings of the same names
   * @throws Error (rejects) when the port is in use or the storage cannot be opened
   * @example const { url } = await roomful.listen({ port: 8080 })
   */
  listen(options?: { port?: number; host?: string }): Promise<{ url: string; port: number }>
  /**
   * Shuts down: tells clients when to reconnect, closes their connections with 1012, and stores what is in progress. May be
   * called more than once.
   */
  close(): Promise<void>
  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
