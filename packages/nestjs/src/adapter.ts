/**
 * A `WebSocketAdapter`: Socket.IO clients come through `@roomful/socket.io`, others (a bare WebSocket, the SDK, `POST /send`) through
 * `@roomful/server`. Both share one log and its rooms, and call the same gateways.
 */
import { randomUUID } from 'node:crypto'
import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { WebSocketAdapter, WsMessageHandler } from '@nestjs/common'
import type { createRoomful as create, GivenUser, Roomful, User } from '@roomful/server'
import { attachService, createRoomful, loadSettings } from '@roomful/server/core'
import { type DurableOptions, Namespace, Server, type ServerOptions, type Socket } from '@roomful/socket.io'
import type { Observable } from 'rxjs'
import { BareClient } from './bare-client.ts'
import { BareClients } from './bare-clients.ts'
import { bindSocket } from './bind-socket.ts'

export interface RoomfulAdapterOptions extends Omit<Partial<ServerOptions>, 'durable' | 'adapter'> {
  /**
   * Events that are stored before they are sent, and that clients get when they come back. Without it nothing is stored.
   * @example new RoomfulAdapter(app, { durable: ['message:new', 'order:*'] })
   */
  durable?: readonly string[] | Omit<DurableOptions, 'server' | 'bridge'>
  /**
   * Settings of `createRoomful` for clients that do not speak Socket.IO: who they are (`authenticate`, `jwtSecret`), which pages may
   * connect (`allowedOrigins`), their limits. Without `authenticate`, `jwtSecret` and `jwksUrl` everyone may connect, and guards decide.
   */
  bare?: CreateOptions
  /** Rooms that such a client may join by itself, as `EventSource` and the SDK do. Default: none, gateways decide. */
  mayJoin?: (user: User, roomId: string) => boolean | Promise<boolean>
}

type CreateOptions = NonNullable<Parameters<typeof create>[0]>

/** An application of NestJS, as far as it is needed. */
interface Application {
  getHttpServer(): HttpServer
}

/** What one Socket.IO server, its namespaces and the clients beside it have in common. */
interface Place {
  readonly io: Server
  readonly roomful: Roomful
  readonly port: number
  readonly path: string | undefined
  readonly bare: Map<string, BareClients>
  readonly detach: (() => void)[]
}

type Client = Socket | BareClient
type Gateways = Server | Namespace
type OnConnect = (client: Client, ...args: unknown[]) => void
type Transform = (data: unknown) => Observable<unknown>

/** Only these paths, so that none of the application's is taken. With `basePath` everything below it. */
const PATHS = /^\/(?:(?:ws|sse|poll|send|link)(?:[/?]|$)|(?:\?|$))/
const REQUESTS = /^\/(?:sse|poll|send|link)(?:[/?]|$)/
/** Clients of Roomful that connect with Socket.IO go through `@roomful/socket.io`. */
const UNUSED_PATH = '/roomful.io'

export class RoomfulAdapter implements WebSocketAdapter<Gateways, Client, Record<string, unknown>> {
  private readonly httpServer: HttpServer | undefined
  private readonly options: RoomfulAdapterOptions
  private place: Place | undefined

  /** @param app the application, or the HTTP server that gateways without a port of their own use */
  constructor(app?: Application | HttpServer, options: RoomfulAdapterOptions = {}) {
    this.httpServer = app && ('getHttpServer' in app ? app.getHttpServer() : app)
    this.options = options
  }

  /** The server that bare clients connect to; undefined until a gateway is there. */
  get roomful(): Roomful | undefined {
    return this.place?.roomful
  }

  create(port: number, options: Record<string, unknown> = {}): Gateways {
    const { namespace, server: _, ...others } = options
    const place = this.placeFor(port, others)
    if (namespace === undefined || namespace === '') return place.io
    const nsp = place.io.of(namespace as string)
    // A rule has no log of its own, so bare clients have its namespaces only by name.
    if (typeof namespace === 'string') this.bareOf(place, nsp)
    return nsp
  }

  bindClientConnect(server: Gateways, callback: OnConnect): void {
    server.on('connection', callback as never)
    this.place?.bare.get(namespaceOf(server).name)?.onConnect(callback)
  }

  bindClientDisconnect(client: Client, callback: (reason?: string) => void): void {
    client.once('disconnect', callback as never)
  }

  /** It came before the application was ready. */
  closeClient(client: Client): void {
    client.disconnect(true)
  }

  bindMessageHandlers(client: Client, handlers: WsMessageHandler[], transform: Transform): void {
    if (client instanceof BareClient) client.bind(handlers, transform)
    else bindSocket(client, handlers, transform)
  }

  /** @param server one that `create` returned; its namespaces end with it */
  async close(server: Gateways): Promise<void> {
    const { place } = this
    if (!place || server instanceof Namespace) return
    this.place = undefined
    for (const detach of place.detach) detach()
    // What was emitted is stored first; the HTTP server is closed once the bare clients are gone, too.
    await Promise.all([...place.io._nsps.values()].map(({ adapter }) => adapter.close()))
    const closed = place.io.close()
    await place.roomful.close()
    await closed
  }

  /** NestJS asks for it, and there is nothing left to do. */
  async dispose(): Promise<void> {
    if (this.place) await this.close(this.place.io)
  }

  private placeFor(port: number, options: Record<string, unknown>): Place {
    const path = typeof options.path === 'string' ? options.path : undefined
    if (this.place) {
      if (this.place.port === port && this.place.path === path) return this.place
      throw new Error(
        'RoomfulAdapter serves its gateways on one port and one path: give all of them the same, and tell them apart by namespace',
      )
    }
    this.place = this.open(port, path, options)
    this.bareOf(this.place, this.place.io.sockets)
    return this.place
  }

  private open(port: number, path: string | undefined, given: Record<string, unknown>): Place {
    const { durable, bare = {}, mayJoin: _, ...options } = this.options
    const hasProof = (bare.authenticate ?? bare.jwtSecret ?? bare.jwksUrl) !== undefined
    const { events, data, redisUrl, ...how } = Array.isArray(durable)
      ? { events: durable }
      : ((durable as DurableOptions | undefined) ?? { events: [] })
    const storage = { ...(data !== undefined && { data }), ...(redisUrl !== undefined && { redisUrl }) }
    const roomful = createRoomful({
      ...loadSettings({ env: process.env }),
      // What nothing is stored in needs no folder.
      ...(events.length === 0 && { data: ':memory:' }),
      ...storage,
      socketioPath: UNUSED_PATH,
      ...(hasProof ? { authenticate: () => undefined } : { auth: 'optional', authenticate: anyone }),
      ...bare,
    })
    const server = this.httpServer && port === 0 ? this.httpServer : port
    const io = new Server(server as HttpServer, {
      ...given,
      ...options,
      ...(path !== undefined && { path }),
      durable: { events, ...how, server: roomful, bridge: 'all' },
    })
    const place: Place = { io, roomful, port, path, bare: new Map(), detach: [] }
    // Once the gateways have been read: then their namespaces are known.
    setImmediate(() => {
      if (this.place === place) place.detach.push(attach(io.httpServer as HttpServer, roomful))
    })
    return place
  }

  /** Clients of the same namespace that are no sockets. */
  private bareOf(place: Place, nsp: Namespace): BareClients {
    const known = place.bare.get(nsp.name)
    if (known) return known
    const made = new BareClients(place.roomful, nsp, this.options.mayJoin)
    place.bare.set(nsp.name, made)
    return made
  }
}

/** A token is for guards to read. */
function anyone(_: unknown, { token }: { readonly token?: string | undefined }): GivenUser | undefined {
  return token === undefined ? undefined : { sub: `bare:${randomUUID()}`, name: 'Guest', role: 'guest' }
}

function namespaceOf(server: Gateways): Namespace {
  return server instanceof Server ? server.sockets : server
}

/** @returns a function that ends it */
function attach(httpServer: HttpServer, roomful: Roomful): () => void {
  if (roomful.basePath !== '') {
    roomful.attach(httpServer)
    return () => undefined
  }
  const isOwn = ({ url = '' }: IncomingMessage): boolean => PATHS.test(url)
  const isRequest = ({ url = '' }: IncomingMessage): boolean => REQUESTS.test(url)
  roomful.start().catch((error: Error) => process.emitWarning(error))
  return attachService(httpServer, {
    ownsRequest: isRequest,
    handleRequest: (request, response) => isRequest(request) && roomful.handleRequest(request, response),
    ownsUpgrade: isOwn,
    handleUpgrade: (request, socket, head) => isOwn(request) && roomful.handleUpgrade(request, socket, head),
    notFound: (_, response) => void response.writeHead(404).end(),
  })
}
