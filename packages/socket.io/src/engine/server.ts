/**
 * The engine: which requests become connections. It checks them as Engine.IO does, with its middlewares, events and codes;
 * the transports below are those of every Roomful server. PROTOCOL.md, section 14.
 */
import { EventEmitter } from 'node:events'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  DeflateNegotiator,
  type Dialect,
  ENGINE,
  FrameForms,
  type Hub,
  ONE_WAY,
  openHub,
  PacketDecoder,
  type PollingForm,
  readBody,
  shakeHands,
  type WebSocketWire,
} from '@roomful/server/core'
import { stringifySetCookie } from 'cookie'
import cors from 'cors'
import type { Protocol } from '../frames.ts'
import { generateId } from '../ids.ts'
import type { Cluster } from '../nodes/cluster.ts'
import { isForeign, type OwnSettings, ownSettings } from '../own-options.ts'
import { type AnyHttpServer, attachEngine, type BesideEngine } from './attach.ts'
import type { EngineSocket } from './conn.ts'
import {
  type AttachOptions,
  type EngineOptions,
  type EngineSettings,
  settingsOf,
  type TransportName,
} from './options.ts'
import { answerPoll, OK, payloadFor } from './polling.ts'
import { queryOf } from './request.ts'
import { Session, SessionOwner } from './session.ts'
import { UpgradeResponse } from './upgrade-response.ts'

/** A request on its way through the engine. */
export interface EngineRequest extends IncomingMessage {
  _query: Record<string, string>
  res?: ServerResponse
}

export type EngineMiddleware = (
  req: EngineRequest,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void | Promise<void>

/** Why a request is refused. */
interface Refusal {
  readonly code: number
  readonly context?: Record<string, unknown>
}

const ERRORS = {
  UNKNOWN_TRANSPORT: 0,
  UNKNOWN_SID: 1,
  BAD_HANDSHAKE_METHOD: 2,
  BAD_REQUEST: 3,
  FORBIDDEN: 4,
  UNSUPPORTED_PROTOCOL_VERSION: 5,
} as const

const MESSAGES: Readonly<Record<number, string>> = {
  0: 'Transport unknown',
  1: 'Session ID unknown',
  2: 'Bad handshake method',
  3: 'Bad request',
  4: 'Forbidden',
  5: 'Unsupported protocol version',
}

/** A client with more bytes on their way is slow. */
const SLOW_MIN_BYTES = 1024 * 1024
const USER_AGENT_MAX = 256
const NOTHING = new Uint8Array()
/** How exact timers are: short heartbeats need exact ones. */
const TICK_MAX_MS = 50
const TICKS_PER_PING = 100
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Engines with clients. What an application sends before it ends the process in the same turn is written then. */
const flushAtExit = new Set<Engine>()
process.on('exit', () => {
  for (const engine of flushAtExit) engine.flush()
})

/** The connection ids, as a plain object: `sid in engine.clients`. */
type Clients = Record<string, EngineSocket>

export class Engine extends EventEmitter {
  static readonly errors = ERRORS
  static readonly errorMessages = MESSAGES
  readonly opts: EngineSettings
  readonly hub: Hub
  readonly clients: Clients
  /** Of the latest `attach`. */
  httpServer: AnyHttpServer | undefined
  /** The other servers, which may have the session of a request. */
  cluster: Cluster | undefined
  readonly own: OwnSettings
  /** Of packets that come whole, which leave nothing in it. */
  readonly decoder: PacketDecoder
  /** Makes what takes the messages of a session. */
  ownerOf: (session: Session) => SessionOwner = (session) => new SessionOwner(session)
  private readonly sessions = new Map<string, Session>()
  /** Those that wait for a poll to fetch their last packet. */
  private readonly ending = new Set<string>()
  private readonly middlewares: EngineMiddleware[] = []
  /** Middlewares of the application may keep a request, or something by it. */
  private showsRequests = false
  /** Those whose requests may be let go at the end of the turn. */
  private settling: Session[] = []
  /** Made again when the option is changed while the server runs. */
  private frames: { readonly maxPayload: number; readonly forms: FrameForms } | undefined
  /** Ids of sessions by the request that opened them, for their cookies. */
  private readonly newIds = new WeakMap<IncomingMessage, string>()
  private readonly dialect: Dialect
  readonly pollingForm: PollingForm

  constructor(options: EngineOptions = {}) {
    super()
    const opts = settingsOf(options)
    checkOptions(opts)
    this.opts = opts
    const own = ownSettings(opts.roomful, opts.maxHttpBufferSize)
    this.own = own
    this.decoder = new PacketDecoder(opts.maxHttpBufferSize, own)
    this.hub = openHub(
      {
        maxMessageBytes: Number.MAX_SAFE_INTEGER,
        outboxBytes: Math.min(own.maxWaitingBytes, Math.max(SLOW_MIN_BYTES, opts.maxHttpBufferSize)),
        maxConnectionsPerIp: own.linksPerAddress,
        connectsPerMinute: own.connectsPerMinute,
      },
      { observe: () => undefined },
      Math.min(TICK_MAX_MS, Math.max(1, Math.min(opts.pingInterval, opts.pingTimeout) / TICKS_PER_PING)),
    )
    this.clients = clientsOf((sid) => (this.ending.has(sid) ? undefined : this.sessions.get(sid)), this.sessions)
    this.dialect = dialectOf(opts)
    this.pollingForm = {
      noop: [ENGINE.NOOP],
      ping: ENGINE.PING,
      beforeLateClose: ENGINE.NOOP,
      close: () => ENGINE.CLOSE,
      answer: (response, frames) => {
        const request = response.req as EngineRequest
        const session = this.sessions.get(request._query.sid ?? '')
        session?.handOver(frames)
        answerPoll(this, response, payloadFor(request, frames), session?.takesCompression() === true)
        session?.handedOver()
      },
    }
    if (opts.cors) {
      this.use(cors(opts.cors) as EngineMiddleware)
      // Its options alone look at nothing but the headers.
      if (typeof opts.cors !== 'function') this.showsRequests = false
    }
  }

  get clientsCount(): number {
    return this.sessions.size - this.ending.size
  }

  use(middleware: EngineMiddleware): this {
    this.middlewares.push(middleware)
    this.showsRequests = true
    return this
  }

  /** Reads the query, unless something in front has done so. */
  prepare(request: IncomingMessage & { _query?: Record<string, string> }): void {
    request._query ??= queryOf(request)
  }

  /** The id of a new session; replaceable, by what may be asynchronous. */
  generateId(_request: IncomingMessage): string | PromiseLike<string> {
    return this.cluster?.createId() ?? generateId()
  }

  /** Takes the requests and upgrades below a path of an HTTP server. @returns a function that ends that */
  attach(httpServer: AnyHttpServer, options: AttachOptions = {}, beside?: BesideEngine): () => void {
    this.httpServer = httpServer
    return attachEngine(this, httpServer, options, beside)
  }

  /** What a transport may be changed to. */
  upgrades(transport: TransportName): TransportName[] {
    if (!this.opts.allowUpgrades || transport !== 'polling') return []
    return this.opts.transports.filter((each) => each === 'websocket')
  }

  /** Ends every connection. The engine takes new ones afterwards. */
  close(): this {
    for (const session of [...this.sessions.values()]) session.cut()
    return this
  }

  /** Lets listeners change the headers of an answer to a poll. */
  showHeaders(headers: Record<string, unknown>, request: EngineRequest): void {
    const { sid } = request._query
    if (sid === undefined) this.emit('initial_headers', headers, request)
    this.emit('headers', headers, request)
    const facade = sid === undefined ? undefined : this.sessions.get(sid)?.facade
    facade?.transport.emit('headers', headers, request)
  }

  /** The cookie of the session that this request opened. */
  cookieFor(request: IncomingMessage): string | undefined {
    const { cookie } = this.opts
    const sid = this.newIds.get(request)
    if (!cookie || sid === undefined) return undefined
    return stringifySetCookie({ ...cookie, value: sid } as Parameters<typeof stringifySetCookie>[0])
  }

  /** Writes what waits for the end of the turn. */
  flush(): void {
    for (const session of this.sessions.values()) session.link?.flush()
  }

  /** A session needs its request no longer, unless the application has or may have it. */
  settle(session: Session): void {
    this.settling.push(session)
    if (this.settling.length > 1) return
    setImmediate(() => {
      const { settling } = this
      this.settling = []
      if (!this.mayKeepRequests) for (const each of settling) each.letRequestGo()
    })
  }

  /** A session is over for the application. */
  ended(sid: string): void {
    if (this.sessions.has(sid)) this.ending.add(sid)
  }

  /** Nothing is left of a session. */
  forget(sid: string): void {
    this.sessions.delete(sid)
    this.ending.delete(sid)
    if (this.sessions.size === 0) flushAtExit.delete(this)
  }

  handleRequest(incoming: IncomingMessage, response: ServerResponse): void {
    this.prepare(incoming)
    const request = incoming as EngineRequest
    const { cluster } = this
    if (!cluster) return this.answer(request, response)
    const isForged = cluster.node?.refusal(request)
    if (isForged !== undefined)
      return abortRequest(response, { code: ERRORS.FORBIDDEN, context: { message: isForged } })
    const owner = this.ownerIn(cluster, request)
    const answer = (isAnswered: boolean | undefined): void => {
      if (isAnswered !== true) this.answer(request, response)
    }
    if (owner !== undefined) cluster.node?.pass(request, response, owner).then(answer, () => response.destroy())
    // Before the others know of this one, they could not pass a request of a new session on to it.
    else if (request._query.sid === undefined && !cluster.isKnown) cluster.whenKnown().then(() => answer(false))
    else answer(false)
  }

  /** @returns the server that has the session of a request, where that is another one */
  private ownerIn({ node }: Cluster, request: EngineRequest): string | undefined {
    const { sid } = request._query
    return sid === undefined || this.sessions.has(sid) ? undefined : node?.ownerOf(request, sid)
  }

  private answer(request: EngineRequest, response: ServerResponse): void {
    request.res = response
    const refuse = (refusal: Refusal): void => {
      this.report(request, refusal)
      abortRequest(response, refusal)
    }
    this.runMiddlewares(request, response, (error) => {
      if (error) return refuse({ code: ERRORS.BAD_REQUEST, context: { name: 'MIDDLEWARE_FAILURE' } })
      this.verify(request, false, (refusal) => {
        if (refusal) return refuse(refusal)
        const { sid } = request._query
        const session = sid === undefined ? undefined : this.sessions.get(sid)
        if (session) return this.serve(session, request, response)
        this.handshake(request, undefined).then(
          (opened) => ('code' in opened ? refuse(opened) : void opened.poll(response)),
          () => response.destroy(),
        )
      })
    })
  }

  handleUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.prepare(incoming)
    const request = incoming as EngineRequest
    socket.on('error', ignore)
    const { cluster } = this
    if (!cluster) return this.upgrade(request, socket, head)
    const isForged = cluster.node?.refusal(request)
    if (isForged !== undefined) return abortUpgrade(socket, { code: ERRORS.FORBIDDEN, context: { message: isForged } })
    const owner = this.ownerIn(cluster, request)
    if (owner === undefined) return this.upgrade(request, socket, head)
    cluster.node?.passUpgrade(request, socket, head, owner).then(
      (isTaken) => isTaken || this.upgrade(request, socket, head),
      () => socket.destroy(),
    )
  }

  private upgrade(request: EngineRequest, socket: Duplex, head: Buffer): void {
    const response = new UpgradeResponse(request, socket)
    const refuse = (refusal: Refusal): void => {
      this.report(request, refusal)
      abortUpgrade(socket, refusal)
    }
    this.runMiddlewares(request, response as unknown as ServerResponse, (error) => {
      if (error) return refuse({ code: ERRORS.BAD_REQUEST, context: { name: 'MIDDLEWARE_FAILURE' } })
      this.verify(request, true, (refusal) => {
        if (refusal) return refuse(refusal)
        if (response.writableEnded || socket.destroyed) return
        response.writeHead()
        const { sid, transport } = request._query
        const session = sid === undefined ? undefined : this.sessions.get(sid)
        if (sid !== undefined) {
          this.shake(request, socket, head, response, (wire) => {
            if (!session || transport !== 'websocket' || !session.upgrade(wire)) wire.close(1005, '')
          })
          return
        }
        if (transport !== 'websocket')
          return this.shake(request, socket, head, response, (wire) => wire.close(1005, ''))
        this.admit(request).then(
          (admitted) => {
            if (typeof admitted !== 'string') return refuse(admitted)
            if (socket.destroyed) return
            this.shake(request, socket, head, response, (wire) => this.open(admitted, request, wire))
          },
          () => socket.destroy(),
        )
      })
    })
  }

  private get mayKeepRequests(): boolean {
    return (
      this.showsRequests ||
      this.opts.allowRequest !== undefined ||
      this.generateId !== Engine.prototype.generateId ||
      this.listenerCount('headers') + this.listenerCount('initial_headers') > 0
    )
  }

  private get frameForms(): FrameForms {
    const { maxHttpBufferSize: maxPayload, perMessageDeflate } = this.opts
    if (this.frames?.maxPayload !== maxPayload) {
      const negotiator = perMessageDeflate
        ? new DeflateNegotiator({ minBytes: perMessageDeflate.threshold ?? 0, onDeflated: () => undefined })
        : undefined
      this.frames = { maxPayload, forms: new FrameForms(maxPayload, negotiator) }
    }
    return this.frames.forms
  }

  private shake(
    request: EngineRequest,
    socket: Duplex,
    head: Buffer,
    response: UpgradeResponse,
    opened: (wire: WebSocketWire) => void,
  ): void {
    const headers = (): string => {
      if (request._query.sid === undefined) this.emit('initial_headers', response.headers, request)
      this.emit('headers', response.headers, request)
      return response.lines()
    }
    shakeHands({ forms: this.frameForms, headers }, request, socket, head, opened)
  }

  /** @returns the id of the new session, or why there is none */
  private async admit(request: EngineRequest): Promise<string | Refusal> {
    const protocol = protocolOf(request)
    if (protocol === 3 && !this.opts.allowEIO3) {
      return { code: ERRORS.UNSUPPORTED_PROTOCOL_VERSION, context: { protocol } }
    }
    try {
      return await this.generateId(request)
    } catch (error) {
      return { code: ERRORS.BAD_REQUEST, context: { name: 'ID_GENERATION_ERROR', error } }
    }
  }

  private async handshake(request: EngineRequest, webSocket: WebSocketWire | undefined): Promise<Session | Refusal> {
    const admitted = await this.admit(request)
    return typeof admitted === 'string' ? this.open(admitted, request, webSocket) : admitted
  }

  private open(sid: string, request: EngineRequest, webSocket: WebSocketWire | undefined): Session {
    const { opts } = this
    const protocol = protocolOf(request)
    const session = new Session(this, sid, request, protocol, webSocket)
    if (this.sessions.size === 0) flushAtExit.add(this)
    this.sessions.set(sid, session)
    if (opts.cookie) this.newIds.set(request, sid)
    session.greet({
      upgrades: this.upgrades(webSocket ? 'websocket' : 'polling'),
      pingInterval: opts.pingInterval,
      pingTimeout: opts.pingTimeout,
      maxPayload: opts.maxHttpBufferSize,
    })
    const link = this.hub.links.accept({
      wire: session,
      dialect: this.dialect,
      ip: session.remoteAddress ?? '',
      userAgent: String(request.headers['user-agent'] ?? '').slice(0, USER_AGENT_MAX),
      namespace: undefined,
      credentials: {},
    })
    link.maxWaitingBytes = this.own.maxWaitingBytes
    session.link = link
    link.owner = this.ownerOf(session)
    if (opts.initialPacket !== undefined) session.sendMessage(opts.initialPacket, {}, undefined)
    if (this.listenerCount('connection') > 0) this.emit('connection', session.conn)
    return session
  }

  /** A request of an open session. */
  private serve(session: Session, request: EngineRequest, response: ServerResponse): void {
    if (request.method === 'GET') {
      // A proxy may send a poll again, to another server than before.
      const isRepeated = this.cluster !== undefined && session.isRepeatedPoll(request._query.t ?? null)
      if (isRepeated || !session.poll(response)) response.writeHead(400).end()
    } else if (request.method === 'POST') this.post(session, request, response)
    else response.writeHead(500).end()
  }

  private post(session: Session, request: EngineRequest, response: ServerResponse): void {
    const { maxHttpBufferSize, httpRequestBodyTimeout } = this.opts
    const isBinary = request.headers['content-type'] === 'application/octet-stream'
    if (isBinary && session.protocol === 4) {
      session.fail('invalid content')
      return void response.writeHead(400).end()
    }
    session.post(readBody(request, maxHttpBufferSize, httpRequestBodyTimeout), isBinary).then(
      (result) => {
        if (response.headersSent || response.destroyed) return
        if (result === 'ok') return answerPoll(this, response, OK)
        response.setHeader('Connection', 'close')
        response.writeHead(result === 'too large' ? 413 : 400).end()
      },
      () => response.destroy(),
    )
  }

  private verify(request: EngineRequest, isUpgrade: boolean, done: (refusal?: Refusal) => void): void {
    const { transport, sid } = request._query
    if (!this.opts.transports.includes(transport as TransportName) || transport === 'webtransport') {
      return done({ code: ERRORS.UNKNOWN_TRANSPORT, context: { transport } })
    }
    if (request._query.j !== undefined) {
      const message = 'JSONP is not supported: use a client that polls with XMLHttpRequest or fetch'
      return done({ code: ERRORS.BAD_REQUEST, context: { name: 'JSONP', message } })
    }
    const { origin } = request.headers
    if (origin !== undefined && !HEADER_VALUE.test(origin)) {
      delete request.headers.origin
      return done({ code: ERRORS.BAD_REQUEST, context: { name: 'INVALID_ORIGIN', origin } })
    }
    if (isForeign(origin, request.headers.host, this.own)) {
      return done({ code: ERRORS.FORBIDDEN, context: { message: 'Origin not allowed', origin } })
    }
    if (sid !== undefined && sid !== '') {
      const session = this.sessions.get(sid)
      if (!session) return done({ code: ERRORS.UNKNOWN_SID, context: { sid } })
      const previousTransport = session.isPolling ? 'polling' : 'websocket'
      if (!isUpgrade && previousTransport !== transport) {
        return done({ code: ERRORS.BAD_REQUEST, context: { name: 'TRANSPORT_MISMATCH', transport, previousTransport } })
      }
      if (protocolOf(request) !== session.protocol) {
        return done({ code: ERRORS.BAD_REQUEST, context: { name: 'PROTOCOL_MISMATCH' } })
      }
      return done()
    }
    if (request.method !== 'GET') {
      return done({ code: ERRORS.BAD_HANDSHAKE_METHOD, context: { method: request.method } })
    }
    if (transport === 'websocket' && !isUpgrade) {
      return done({ code: ERRORS.BAD_REQUEST, context: { name: 'TRANSPORT_HANDSHAKE_ERROR' } })
    }
    const { allowRequest } = this.opts
    if (!allowRequest) return done()
    allowRequest(request, (message, isAllowed) => {
      done(isAllowed ? undefined : { code: ERRORS.FORBIDDEN, context: { message: message ?? undefined } })
    })
  }

  private runMiddlewares(request: EngineRequest, response: ServerResponse, done: (error?: unknown) => void): void {
    const { middlewares } = this
    const run = (at: number): void => {
      const middleware = middlewares[at]
      if (!middleware) return done()
      let isDone = false
      const next = (error?: unknown): void => {
        if (isDone) return
        isDone = true
        if (error) done(error)
        else run(at + 1)
      }
      try {
        Promise.resolve(middleware(request, response, next)).catch(next)
      } catch (error) {
        next(error)
      }
    }
    run(0)
  }

  private report(request: EngineRequest, { code, context }: Refusal): void {
    this.emit('connection_error', { req: request, code, message: MESSAGES[code], context })
  }
}

/** Heartbeats as the options say at the moment; everything else is done by the owner of the link. */
function dialectOf(opts: EngineSettings): Dialect {
  return {
    ...ONE_WAY,
    name: 'socketio',
    encoding: () => ({ key: 'none', encode: () => undefined }),
    fail: () => NOTHING,
    control: () => undefined,
    heartbeat: {
      get pingIntervalMs() {
        return opts.pingInterval
      },
      // Clients of version 3 ping by themselves, once in an interval, which answers as a pong does.
      get pongTimeoutMs() {
        return opts.pingTimeout
      },
      needsPong: true,
    },
  }
}

/** A view of the sessions as a plain object, since applications count and look up ids in it. */
function clientsOf(find: (sid: string) => Session | undefined, sessions: ReadonlyMap<string, Session>): Clients {
  const named = (sid: string | symbol): Session | undefined => (typeof sid === 'string' ? find(sid) : undefined)
  return new Proxy({} as Clients, {
    get: (_, sid) => named(sid)?.conn,
    has: (_, sid) => named(sid) !== undefined,
    ownKeys: () => [...sessions.keys()].filter(find),
    getOwnPropertyDescriptor(_, sid) {
      const session = named(sid)
      return session && { value: session.conn, enumerable: true, configurable: true, writable: false }
    },
  })
}

function protocolOf({ _query }: EngineRequest): Protocol {
  return _query.EIO === '4' ? 4 : 3
}

/** @throws Error for a transport that there is not */
function checkOptions({ transports, wsEngine }: EngineSettings): void {
  if (transports.includes('webtransport')) {
    throw new Error('WebTransport is not supported: leave it out of `transports`')
  }
  if (wsEngine !== undefined) process.emitWarning('The option wsEngine is ignored: WebSockets need no other package')
}

function ignore(): void {}

function messageOf({ code, context }: Refusal): string {
  return typeof context?.message === 'string' && context.message !== '' ? context.message : String(MESSAGES[code])
}

function abortRequest(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(refusal.code === ERRORS.FORBIDDEN ? 403 : 400, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify({ code: refusal.code, message: messageOf(refusal) }))
}

function abortUpgrade(socket: Duplex, refusal: Refusal): void {
  if (socket.writable) {
    const message = messageOf(refusal)
    socket.write(
      `HTTP/1.1 400 ${STATUS_CODES[400]}\r\nConnection: close\r\nContent-type: text/html\r\n` +
        `Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
    )
  }
  socket.destroy()
}
