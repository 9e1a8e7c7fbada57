/**
 * Accepts Socket.IO clients over polling and WebSocket, at `/socket.io/` unless a setting names another path, and finds the
 * session of a request. dialect.ts reads and writes packets, session.ts carries them. Engine.IO protocol 4.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { CLOSE_CODES } from '@roomful/protocol'
import type { Hub } from '../../../core/hub.ts'
import type { Encoding } from '../../../core/ports/dialect.ts'
import type { CrossOrigin } from '../cross-origin.ts'
import type { NodeIds } from '../forwarding/node-ids.ts'
import { pathOf } from '../http-request.ts'
import { clientRequest, credentialsOf } from '../request-info.ts'
import { offersWebSocket, refuse } from '../upgrade-request.ts'
import type { DeflateNegotiator } from '../websocket/deflate.ts'
import { FRAME_OVERHEAD_BYTES, URL_MAX_LENGTH } from '../websocket/server.ts'
import { FrameForms, shakeHands } from '../websocket/upgrade.ts'
import { ignoreSocketError, type WebSocketWire } from '../websocket/wire.ts'
import { SocketIoDialect, type SocketIoForm } from './dialect.ts'
import { createEncoding } from './encoding.ts'
import { answerRefusal, answerText, REFUSALS, type Refusal, readBody } from './http.ts'
import { EngineSession } from './session.ts'

export interface SocketIoOptions {
  readonly crossOrigin: Pick<CrossOrigin, 'refusal' | 'setHeaders'>
  readonly clientAddress: (request: IncomingMessage) => string
  /** Gives out the ids of sessions. */
  readonly ids: Pick<NodeIds, 'create'>
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  readonly recovery: boolean
  /** Compresses the messages of WebSockets that offer it; undefined for none. */
  readonly deflate: DeflateNegotiator | undefined
  /** The path of the clients, such as `/socket.io`. */
  readonly path: string
  /** Most bytes of one WebSocket message or POST; by default as for a plain link. */
  readonly maxPayloadBytes: number | undefined
}

const SID_LENGTH = 20
const DROPPED_MAX_BYTES = 4 * 1024 ** 2

export class SocketIoTransport {
  private readonly hub: Hub
  private readonly options: SocketIoOptions
  private readonly form: SocketIoForm
  private readonly maxPayload: number
  private readonly forms: FrameForms
  /** Sessions that began with polls: only those are looked up by id. */
  private readonly sessions = new Map<string, EngineSession>()
  private readonly encodings = new Map<string, Encoding>()

  constructor(hub: Hub, options: SocketIoOptions) {
    this.hub = hub
    this.options = options
    hub.transients.isKept = options.recovery
    const { maxMessageBytes } = hub.runtime.settings
    this.maxPayload = options.maxPayloadBytes ?? maxMessageBytes * 2 + FRAME_OVERHEAD_BYTES
    this.forms = new FrameForms(this.maxPayload, options.deflate)
    this.form = {
      recovery: options.recovery,
      heartbeat: { pingIntervalMs: options.pingIntervalMs, pongTimeoutMs: options.pingTimeoutMs },
      maxMessageBytes,
      encodingOf: (nsp, recovery) => this.encodingOf(nsp, recovery),
      isHandled: (nsp, event) => hub.namespace(nsp)?.requests.handlers.byEvent.has(event) === true,
      isDeclared: (nsp, event) => hub.namespace(nsp)?.requests.handlers.byEvent.get(event)?.definition !== undefined,
    }
  }

  /** @returns true for a path of Socket.IO, even when the request is refused */
  owns(request: IncomingMessage): boolean {
    return pathOf(request) === this.options.path
  }

  /** The id of the session that a request or an upgrade names. */
  sidOf(request: IncomingMessage): string | undefined {
    return this.owns(request) ? (queryOf(request).get('sid') ?? undefined) : undefined
  }

  ownsUpgrade(request: IncomingMessage): boolean {
    return this.owns(request) && offersWebSocket(request)
  }

  /** @returns false when the path is not Socket.IO's */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    if (!this.owns(request)) return false
    const { crossOrigin } = this.options
    const foreign = crossOrigin.refusal(request, 'link')
    if (foreign !== undefined) {
      answerRefusal(response.setHeader('Vary', 'Origin'), { ...REFUSALS.origin, message: foreign })
      return true
    }
    crossOrigin.setHeaders(request, response)
    if (request.method === 'OPTIONS') response.writeHead(204).end()
    else this.answer(request, response)
    return true
  }

  readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', ignoreSocketError)
    const foreign = this.options.crossOrigin.refusal(request, 'link')
    if (foreign !== undefined) return refuse(socket, 403, foreign)
    const query = queryOf(request)
    const refusal = this.check(request, query, 'websocket')
    if (refusal) return refuse(socket, refusal.status, refusal.message)
    const sid = query.get('sid')
    const session = sid === null ? undefined : this.sessions.get(sid)
    if (sid !== null && !session) return refuse(socket, 400, REFUSALS.session.message)
    shakeHands({ forms: this.forms }, request, socket, head, (wire) => {
      if (!session) this.open(request, wire)
      else if (!session.upgrade(wire)) wire.close(CLOSE_CODES.NORMAL.code, '')
    })
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const query = queryOf(request)
    const refusal = this.check(request, query, 'polling')
    if (refusal) return answerRefusal(response, refusal)
    const sid = query.get('sid')
    if (sid === null) {
      if (request.method !== 'GET') return answerRefusal(response, REFUSALS.method)
      this.open(request, undefined).poll(response)
      return
    }
    const session = this.sessions.get(sid)
    if (!session) return answerRefusal(response, REFUSALS.session)
    if (!session.isPolling) return answerRefusal(response, REFUSALS.request)
    if (request.method === 'GET') {
      const isRepeated = this.hub.runtime.broker.otherNodes !== undefined && session.isRepeatedPoll(query.get('t'))
      if (isRepeated || !session.poll(response)) answerRefusal(response, REFUSALS.request)
    } else if (request.method === 'POST') this.post(request, response, session)
    else answerRefusal(response, REFUSALS.request)
  }

  private post(request: IncomingMessage, response: ServerResponse, session: EngineSession): void {
    session.post(readBody(request, this.maxPayload)).then(
      (result) => {
        // The rest of a body is read and dropped so that the client reads the refusal, unless it is very large.
        const { 'content-length': length = Number.POSITIVE_INFINITY } = request.headers
        if (!request.complete && Number(length) > DROPPED_MAX_BYTES) response.setHeader('Connection', 'close')
        if (result === 'ok') answerText(response, 200, 'ok')
        else if (result === 'too large') answerText(response, 413, 'Too large')
        else answerRefusal(response, REFUSALS.request)
      },
      () => response.destroy(),
    )
  }

  private check(request: IncomingMessage, query: URLSearchParams, transport: string): Refusal | undefined {
    if ((request.url ?? '').length > URL_MAX_LENGTH) return REFUSALS.request
    if (query.get('transport') !== transport) return REFUSALS.transport
    if (query.get('EIO') !== '4') return REFUSALS.version
    if (query.get('sid') === null && (this.hub.state === 'draining' || this.hub.state === 'closed')) {
      return REFUSALS.unready
    }
    return undefined
  }

  /** One for all sessions, which are many. */
  private readonly forget = (sid: string): void => {
    this.sessions.delete(sid)
  }

  /** @param webSocket undefined when the session begins with polls */
  private open(request: IncomingMessage, webSocket: WebSocketWire | undefined): EngineSession {
    const sid = this.options.ids.create(SID_LENGTH)
    const session = new EngineSession(this.hub, sid, webSocket, this.forget)
    if (!webSocket) this.sessions.set(sid, session)
    const { pingIntervalMs: pingInterval, pingTimeoutMs: pingTimeout } = this.options
    const upgrades = webSocket ? [] : ['websocket']
    session.greet({ upgrades, pingInterval, pingTimeout, maxPayload: this.maxPayload })
    const dialect = new SocketIoDialect(this.form, session, takesCursors(request.headers))
    const ip = this.options.clientAddress(request)
    session.link = this.hub.links.accept({
      wire: session,
      dialect,
      ip,
      openingRequest: clientRequest(request, ip),
      userAgent: String(request.headers['user-agent'] ?? '').slice(0, 256),
      namespace: this.hub.defaultNamespace,
      credentials: credentialsOf(request),
    })
    return session
  }

  /** At most two for each namespace that exists, so the map is bounded by the namespaces of the application. */
  private encodingOf(nsp: string, recovery: boolean): Encoding | undefined {
    const key = `${recovery ? 'r' : ''}:${nsp}`
    const known = this.encodings.get(key)
    const namespace = known ? undefined : this.hub.namespace(nsp)
    if (!namespace) return known
    const encoding = createEncoding(nsp, namespace, recovery)
    this.encodings.set(key, encoding)
    return encoding
  }
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? ''
  const start = url.indexOf('?')
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1))
}

/**
 * User agents of Socket.IO clients in other languages. They do not support recovery: a cursor after the arguments of an
 * event would be one more argument for their listeners. In python-socketio that is a TypeError, and the listener never runs.
 */
const FOREIGN = /python|aiohttp|websocket-client|okhttp|^java\/|starscream|cfnetwork|dart|^go-http|\.net|unity/i

/** @returns false for clients in other languages, which receive cursors only if they ask for them when they connect */
export function takesCursors({ 'user-agent': userAgent = '', origin }: IncomingHttpHeaders): boolean {
  // Python's WebSocket client sends an origin and no agent, browsers send both, the official client on Node sends neither.
  if (userAgent === '') return origin === undefined
  return !FOREIGN.test(userAgent) || userAgent.startsWith('Mozilla/')
}
