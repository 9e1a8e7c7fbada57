/** The server, with the interface of Socket.IO's. */
import { EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Roomful, takesCursors } from '@roomful/server/core'
import cors from 'cors'
import * as standardParser from 'socket.io-parser'
import { Adapter, type Room, type SocketId } from './adapter.ts'
import { bundleOf, serveBundle } from './bundles.ts'
import { Client } from './client.ts'
import { Durable } from './durable/durable.ts'
import type { HistoryEvents, HistoryPage } from './durable/history.ts'
import type { DurableOptions } from './durable/options.ts'
import type { AnyHttpServer } from './engine/attach.ts'
import type { AttachOptions, EngineOptions } from './engine/options.ts'
import { Engine } from './engine/server.ts'
import type { AnyNamespace } from './internal.ts'
import { Namespace, type ServerReservedEventsMap } from './namespace.ts'
import { Cluster } from './nodes/cluster.ts'
import { answerOfNoOne, type Message } from './nodes/nodes.ts'
import { clusterOptions, redisAdapterOptions } from './nodes/options.ts'
import type { Operator, RemoteSocket } from './operators.ts'
import { ParentNamespace } from './parent-namespace.ts'
import { RecoveringAdapter } from './recovery.ts'
import type { Socket } from './socket.ts'
import type { ExtendedError, Handshake } from './socket-types.ts'
import {
  type AllButLast,
  type DecorateAcknowledgementsWithTimeoutAndMultipleResponses,
  type DefaultEventsMap,
  type EventNames,
  type EventNamesWithAck,
  type EventParams,
  type EventsMap,
  emitLocally,
  type FirstNonErrorArg,
  type Last,
  type RemoveAcknowledgements,
  StrictEventEmitter,
} from './typed-events.ts'

/** Which names are namespaces. */
type NameRule = (name: string, auth: { [key: string]: any }, fn: (err: Error | null, success: boolean) => void) => void
type AdapterConstructor = (new (nsp: any) => object) | ((nsp: any) => object)

export interface ServerOptions extends EngineOptions, AttachOptions {
  /** Where the clients connect. Default `/socket.io`. */
  path: string
  /** Serves the files of the client below the path. Default true. */
  serveClient: boolean
  /** Of another package. Servers of Roomful find each other without one. */
  adapter: AdapterConstructor
  /** How packets become text and bytes. Clients need the same. */
  parser: any
  /** How long a client may take to connect to a namespace, in ms. Default 45000. */
  connectTimeout: number
  /**
   * Events that are stored before they are sent, and that clients get when they come back, also after a restart. `*` stands for any
   * characters. Each goes to one room or to the namespace, with or without the socket that sends it.
   * @example new Server(httpServer, { durable: ['message:new', 'order:*'] })
   */
  durable: readonly string[] | DurableOptions
  /**
   * Whether a client takes off what is added to events so that it can come back. Without it, clients of other languages that do not are
   * known by their `User-Agent`.
   */
  recoverable: (handshake: Handshake) => boolean
  /** Lets clients that were cut off come back as who they were. */
  connectionStateRecovery: { maxDisconnectionDuration?: number; skipMiddlewares?: boolean }
  /** Forgets the namespaces of an expression or a function once they are empty. Default false. */
  cleanupEmptyChildNamespaces: boolean
}

const RECOVERY_MS = 120_000
/** Of `@socket.io/redis-adapter`, `@socket.io/redis-streams-adapter` and `socket.io-redis`. */
const REDIS_ADAPTERS: ReadonlySet<string> = new Set([
  'RedisAdapter',
  'ShardedRedisAdapter',
  'RedisStreamsAdapter',
  'Redis',
])
const BY_REDIS_URL =
  'connects this server with others through the interface of Socket.IO, and polls need sticky sessions. Servers of this package find each ' +
  'other by REDIS_URL: leave the adapter out once all of them are. roomful.redisAdapter reaches those that still have it.'
const CONNECT_TIMEOUT_MS = 45_000

export class Server<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
  SocketData = any,
> extends StrictEventEmitter<
  ServerSideEvents,
  RemoveAcknowledgements<EmitEvents>,
  ServerReservedEventsMap<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
> {
  /** The namespace `/`. */
  readonly sockets: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  /** Of the latest `attach`. */
  engine!: Engine
  httpServer!: AnyHttpServer
  readonly _parser: typeof standardParser
  readonly encoder: standardParser.Encoder
  _nsps: Map<string, Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Map()
  _connectTimeout = CONNECT_TIMEOUT_MS
  /** @internal set with the option `durable` */
  readonly durable: Durable | undefined = undefined
  private readonly cluster: Cluster | undefined = undefined
  private readonly mustSkip: boolean
  private hasWarned = false
  private readonly opts: Partial<ServerOptions>
  private readonly parents = new Map<
    NameRule,
    ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  >()
  private readonly expressions = new Map<
    RegExp,
    ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  >()
  private readonly detach = new Map<AnyHttpServer, () => void>()
  private _adapter!: AdapterConstructor
  private _path = ''
  private _serveClient = true

  constructor(opts?: Partial<ServerOptions>)
  constructor(srv?: AnyHttpServer | number, opts?: Partial<ServerOptions>)
  constructor(srv: undefined | Partial<ServerOptions> | AnyHttpServer | number, opts?: Partial<ServerOptions>)
  constructor(srv?: undefined | Partial<ServerOptions> | AnyHttpServer | number, given: Partial<ServerOptions> = {}) {
    super()
    const isOptions = typeof srv === 'object' && srv !== null && !('listen' in srv && srv.listen)
    const opts = (isOptions ? srv : given) as Partial<ServerOptions>
    this.opts = opts
    this.path(opts.path || '/socket.io')
    this.connectTimeout(opts.connectTimeout || CONNECT_TIMEOUT_MS)
    this.serveClient(opts.serveClient !== false)
    this._parser = opts.parser || standardParser
    this.encoder = new this._parser.Encoder()
    this.mustSkip = opts.connectionStateRecovery?.skipMiddlewares === true
    if (opts.connectionStateRecovery) {
      opts.connectionStateRecovery = {
        maxDisconnectionDuration: RECOVERY_MS,
        skipMiddlewares: true,
        ...opts.connectionStateRecovery,
      }
    }
    if (opts.durable) {
      if (opts.adapter) throw new TypeError('durable needs the adapter of this package: leave the option adapter out')
      const keepMs = opts.connectionStateRecovery?.maxDisconnectionDuration
      this.durable = new Durable(opts.durable, { awayMs: keepMs ?? RECOVERY_MS, keepMs })
    }
    const others = clusterOptions(opts.roomful, this.durable?.redis)
    const redisAdapter = opts.adapter ? undefined : redisAdapterOptions(opts.roomful)
    if (redisAdapter && !others) throw new TypeError('roomful.redisAdapter and redisEmitter need REDIS_URL')
    if (others) {
      const onTold = (name: string, message: Message, from: string): unknown => {
        const { nodes } = this._nsps.get(name)?.adapter ?? {}
        return nodes ? nodes.onTold(message, from) : answerOfNoOne(message)
      }
      this.cluster = new Cluster({ ...others, redisAdapter, onTold })
      this.durable?.takeSecret(this.cluster.secret())
    }
    this._adapter =
      opts.adapter || this.durable?.adapter || (opts.connectionStateRecovery ? RecoveringAdapter : Adapter)
    opts.cleanupEmptyChildNamespaces = Boolean(opts.cleanupEmptyChildNamespaces)
    this.sockets = this.of('/')
    if (!isOptions && (srv || typeof srv === 'number')) this.attach(srv as AnyHttpServer | number)
  }

  /** The engine, by the name that tools look for. */
  get eio(): Engine {
    return this.engine
  }

  get _opts(): Partial<ServerOptions> {
    return this.opts
  }

  /**
   * Roomful's own server beside this one, with the same log and rooms: `attach` it for other clients.
   * @throws Error without the option `durable`
   */
  get roomful(): Roomful {
    if (!this.durable) throw new Error('io.roomful needs the option durable')
    return this.durable.roomful
  }

  /** @internal clients may come back */
  get recovers(): boolean {
    return this.durable !== undefined || Boolean(this.opts.connectionStateRecovery)
  }

  /** @internal this client may come back, and takes off what that needs */
  mayRecover(handshake: Handshake, { session }: Client): boolean {
    if (!this.recovers || session.protocol === 3) return false
    return this.opts.recoverable ? this.opts.recoverable(handshake) : takesCursors(handshake.headers)
  }

  /** @internal @param isElsewhere it was another process that let the client in */
  skipsMiddlewares(isElsewhere: boolean): boolean {
    if (isElsewhere) return this.mustSkip
    return this.opts.connectionStateRecovery?.skipMiddlewares ?? this.durable !== undefined
  }

  /** @internal packets are those of the protocol, so that all links share a decoder */
  get hasOwnParser(): boolean {
    return this._parser === standardParser
  }

  path(): string
  path(path: string): this
  path(path?: string): this | string {
    if (path === undefined) return this._path
    this._path = path.replace(/\/$/, '')
    return this
  }

  serveClient(): boolean
  serveClient(isServed: boolean): this
  serveClient(isServed?: boolean): this | boolean {
    if (isServed === undefined) return this._serveClient
    this._serveClient = isServed
    return this
  }

  connectTimeout(): number
  connectTimeout(ms: number): this
  connectTimeout(ms?: number): this | number {
    if (ms === undefined) return this._connectTimeout
    this._connectTimeout = ms
    return this
  }

  adapter(): AdapterConstructor | undefined
  adapter(adapter: AdapterConstructor): this
  adapter(adapter?: AdapterConstructor): this | AdapterConstructor | undefined {
    if (adapter === undefined) return this._adapter
    this._adapter = adapter
    for (const nsp of this._nsps.values()) nsp._initAdapter()
    return this
  }

  /** The same as `attach`. */
  listen(srv: AnyHttpServer | number, opts: Partial<ServerOptions> = {}): this {
    return this.attach(srv, opts)
  }

  /** @param srv an HTTP server, or the port of a new one */
  attach(srv: AnyHttpServer | number, opts: Partial<ServerOptions> = {}): this {
    if (typeof srv === 'function') {
      throw new Error(
        'attach() was given a function, such as an application of Express, and needs its HTTP server: ' +
          'const httpServer = createServer(app); io.attach(httpServer); httpServer.listen(3000)',
      )
    }
    const options = { ...opts, ...this.opts }
    options.path ||= this._path
    this.serve(serverOf(srv), options)
    return this
  }

  attachApp(): never {
    throw new Error('uWebSockets.js is not supported: give attach() a server of node:http, node:https or node:http2')
  }

  bind(): never {
    throw new Error('Engines of other packages are not supported: give attach() an HTTP server')
  }

  /** The namespace of this name, or one that stands for those which an expression or a function allows. */
  of(
    name: string | RegExp | NameRule,
    fn?: (socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const nsp = typeof name === 'string' ? this.named(name) : this.parentOf(name)
    if (fn) nsp.on('connect', fn as never)
    return nsp
  }

  /** From a client: may this name be a namespace? */
  _checkNamespace(
    name: string,
    auth: Record<string, any>,
    fn: (nsp: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> | false) => void,
  ): void {
    const rules = [...this.parents]
    const next = (at: number): void => {
      const [rule, parent] = rules[at] ?? []
      if (!rule || !parent) return fn(false)
      rule(name, auth, (error, isAllowed) => {
        if (error || !isAllowed) return next(at + 1)
        fn(this._nsps.get(name) ?? parent.createChild(name)) // another client may have been faster
      })
    }
    next(0)
  }

  /** Disconnects everyone and closes the HTTP server. */
  async close(fn?: (err?: Error) => void): Promise<void> {
    const closing = [...this._nsps.values()].map(async (nsp) => {
      for (const socket of [...nsp.sockets.values()]) socket._onclose('server shutting down')
      await nsp.adapter.close()
    })
    await Promise.allSettled(closing)
    this.engine?.close()
    const { httpServer } = this
    if (!httpServer) {
      await Promise.all([this.cluster?.close(), this.durable?.close()])
      return fn?.()
    }
    const closed = new Promise<void>((resolve) => {
      httpServer.close((error?: Error) => {
        fn?.(error)
        resolve()
      })
    })
    await Promise.all([this.cluster?.close(), this.durable?.close()])
    await closed
  }

  use(
    fn: (
      socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
      next: (err?: ExtendedError) => void,
    ) => void,
  ): this {
    this.sockets.use(fn)
    return this
  }

  to(room: Room | Room[]): Operator<EmitEvents, SocketData> {
    return this.sockets.to(room)
  }

  in(room: Room | Room[]): Operator<EmitEvents, SocketData> {
    return this.sockets.in(room)
  }

  except(room: Room | Room[]): Operator<EmitEvents, SocketData> {
    return this.sockets.except(room)
  }

  compress(compress: boolean): Operator<EmitEvents, SocketData> {
    return this.sockets.compress(compress)
  }

  get volatile(): Operator<EmitEvents, SocketData> {
    return this.sockets.volatile
  }

  get local(): Operator<EmitEvents, SocketData> {
    return this.sockets.local
  }

  timeout(timeout: number): ReturnType<Operator<EmitEvents, SocketData>['timeout']> {
    return this.sockets.timeout(timeout)
  }

  send(...args: EventParams<EmitEvents, 'message'>): this {
    this.sockets.send(...args)
    return this
  }

  write(...args: EventParams<EmitEvents, 'message'>): this {
    return this.send(...args)
  }

  /**
   * The durable events of a room of `/`, oldest first.
   * @param room without it, the events for the whole namespace
   */
  history(room?: Room, page?: HistoryPage): Promise<HistoryEvents> {
    return this.sockets.history(room, page)
  }

  serverSideEmit<Ev extends EventNames<ServerSideEvents>>(
    ev: Ev,
    ...args: EventParams<DecorateAcknowledgementsWithTimeoutAndMultipleResponses<ServerSideEvents>, Ev>
  ): boolean {
    return this.sockets.serverSideEmit(ev, ...args)
  }

  serverSideEmitWithAck<Ev extends EventNamesWithAck<ServerSideEvents>>(
    ev: Ev,
    ...args: AllButLast<EventParams<ServerSideEvents, Ev>>
  ): Promise<FirstNonErrorArg<Last<EventParams<ServerSideEvents, Ev>>>[]> {
    return this.sockets.serverSideEmitWithAck(ev as any, ...(args as any)) as never
  }

  /** @deprecated use `fetchSockets` */
  allSockets(): Promise<Set<SocketId>> {
    return this.sockets.allSockets()
  }

  fetchSockets(): Promise<RemoteSocket<EmitEvents, SocketData>[]> {
    return this.sockets.fetchSockets()
  }

  socketsJoin(room: Room | Room[]): void {
    this.sockets.socketsJoin(room)
  }

  socketsLeave(room: Room | Room[]): void {
    this.sockets.socketsLeave(room)
  }

  disconnectSockets(close = false): void {
    this.sockets.disconnectSockets(close)
  }

  /** @internal a class, or a function that makes one without `new` */
  createAdapter(nsp: object): Adapter {
    const make = this._adapter as { new (nsp: object): Adapter; (nsp: object): Adapter; prototype: object | undefined }
    const made = make.prototype === undefined ? make(nsp) : new make(nsp)
    const isMeant = Boolean(this.opts.roomful?.redisAdapter)
    if (!this.hasWarned && !isMeant && REDIS_ADAPTERS.has(made.constructor.name)) {
      this.hasWarned = true
      process.emitWarning(`${made.constructor.name} ${BY_REDIS_URL}`, 'RoomfulWarning')
    }
    if (this.cluster && made instanceof Adapter) made.nodes = this.cluster.nodesFor(made)
    return made
  }

  /** @internal something failed for which no caller waits */
  reportFailure(error: unknown): void {
    process.emitWarning(error instanceof Error ? error : String(error))
  }

  private named(given: string): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const name = given.startsWith('/') ? given : `/${given}`
    const known = this._nsps.get(name)
    if (known) return known
    for (const [expression, parent] of this.expressions) {
      if (expression.test(name)) return parent.createChild(name)
    }
    const nsp = new Namespace(this, name)
    this._nsps.set(name, nsp)
    if (name !== '/') emitLocally(this.sockets, 'new_namespace', nsp)
    return nsp
  }

  private parentOf(rule: RegExp | NameRule): ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const parent = new ParentNamespace(this)
    if (typeof rule === 'function') this.parents.set(rule, parent)
    else {
      this.parents.set((name, _auth, next) => next(null, rule.test(name)), parent)
      this.expressions.set(rule, parent)
    }
    return parent
  }

  private serve(httpServer: AnyHttpServer, options: Partial<ServerOptions>): void {
    const engine = new Engine(options)
    engine.ownerOf = (session) => {
      const client = new Client(this as never, session)
      // Clients of version 2 are connected to `/` without asking.
      if (session.protocol === 3) client.connect('/')
      return client
    }
    const bundle = ({ url = '' }: IncomingMessage): string | undefined =>
      this._serveClient ? bundleOf(this._path, url) : undefined
    const withCors = options.cors ? cors(options.cors) : undefined
    this.detach.get(httpServer)?.()
    const detach = engine.attach(httpServer, options, {
      owns: (request) => bundle(request) !== undefined,
      serve: (request, response) => serveWith(withCors, bundle(request) as string, request, response),
    })
    this.detach.set(httpServer, detach)
    engine.cluster = this.cluster
    this.cluster?.serve(httpServer, engine)
    this.httpServer = httpServer
    this.engine = engine
  }
}

function serveWith(
  withCors: ReturnType<typeof cors> | undefined,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (withCors) withCors(request as never, response as never, () => serveBundle(name, request, response))
  else serveBundle(name, request, response)
}

function serverOf(srv: AnyHttpServer | number): AnyHttpServer {
  // biome-ignore lint/suspicious/noDoubleEquals: a port may be written as a text
  if (Number(srv) != (srv as number)) return srv as AnyHttpServer
  return createServer((_request, response) => void response.writeHead(404).end()).listen(Number(srv))
}

// Listeners of the server are those of the namespace `/`.
for (const name of Object.keys(EventEmitter.prototype)) {
  const method = (EventEmitter.prototype as unknown as Record<string, unknown>)[name]
  if (typeof method !== 'function') continue
  Object.defineProperty(Server.prototype, name, {
    configurable: true,
    writable: true,
    value(this: { readonly sockets: AnyNamespace }, ...args: unknown[]) {
      return (this.sockets as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args)
    },
  })
}
