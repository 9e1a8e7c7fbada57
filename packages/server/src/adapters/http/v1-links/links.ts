/**
 * v1 for networks that block WebSocket. A request for a stream or a poll opens a link, which is identified by a secret. The
 * secret is sent only in bodies, so it does not appear in access logs. PROTOCOL.md, section 17. C17.
 */
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Hub } from '../../../core/hub.ts'
import type { Dialect } from '../../../core/ports/dialect.ts'
import { v1Dialect } from '../../transports/dialects.ts'
import type { ClusterNode } from '../../transports/forwarding/cluster-node.ts'
import { FRAME_OVERHEAD_BYTES } from '../../transports/websocket/server.ts'
import { parseJsonBody, readText } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { httpClientOf } from '../fallbacks/http-client.ts'
import { SSE_HEADERS } from '../fallbacks/sse-wire.ts'
import { HttpLink } from './http-link.ts'

const ID_LENGTH = 32
/** The body of a poll contains only the link's secret. */
const POLL_MAX_BYTES = 1_024
/** Streams are pinged and polls answered at least this often, because proxies close quiet connections. */
const PING_MAX_INTERVAL_MS = 25_000

/** All v1 links over HTTP. */
export class HttpLinks {
  private readonly hub: Hub
  private readonly node: ClusterNode
  private readonly dialect: Dialect
  private readonly maxBytes: number
  private readonly links = new Map<string, HttpLink>()

  constructor(hub: Hub, node: ClusterNode) {
    const { pingIntervalMs, pongTimeoutMs, maxMessageBytes } = hub.runtime.settings
    const intervalMs = Math.min(pingIntervalMs || PING_MAX_INTERVAL_MS, PING_MAX_INTERVAL_MS)
    this.hub = hub
    this.node = node
    this.dialect = { ...v1Dialect, heartbeat: { pingIntervalMs: intervalMs, pongTimeoutMs } }
    this.maxBytes = maxMessageBytes * 2 + FRAME_OVERHEAD_BYTES
  }

  /** The link with this secret, until a WebSocket takes it over. */
  find(id: string): HttpLink | undefined {
    return this.links.get(id)
  }

  /** Opens a link with a stream: `GET /link/sse`. */
  stream(exchange: Exchange): void {
    const { request, response } = exchange
    if (request.method === 'HEAD') return void response.writeHead(200, SSE_HEADERS).end()
    this.open(exchange, 'stream')
  }

  /** Opens a link or polls one: `POST /link/poll`. @throws RoomfulError (rejects) NOT_FOUND, CONFLICT, and errors of the body */
  async poll(exchange: Exchange): Promise<void> {
    const { request, response } = exchange
    const text = await readText(request, POLL_MAX_BYTES)
    if (response.destroyed) return
    if (text.trim() === '') return this.open(exchange, 'poll')
    const { link } = parseJsonBody(text)
    if (await this.passOn(exchange, link, text)) return
    this.known(link).poll(response)
  }

  /** Receives frames: `POST /link/send`. @throws RoomfulError (rejects) NOT_FOUND, CONFLICT, and errors of the body */
  async send(exchange: Exchange): Promise<void> {
    const { request, response } = exchange
    const text = await readText(request, this.maxBytes)
    const end = text.indexOf('\n')
    const { link, n, bye } = parseJsonBody(end < 0 ? text : text.slice(0, end))
    if (await this.passOn(exchange, link, text)) return
    const found = this.known(link)
    if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 1) {
      throw new RoomfulError('INVALID_MESSAGE', 'Field n must be a whole number from 1', { field: 'n' })
    }
    await found.take({ n, frames: end < 0 ? '' : text.slice(end + 1), isGoodbye: bye === true })
    if (!response.destroyed) response.writeHead(204, { 'Cache-Control': 'no-store' }).end()
  }

  private open(exchange: Exchange, manner: 'stream' | 'poll'): void {
    const { hub, dialect, maxBytes } = this
    const { ip, response } = exchange
    const { userAgent, credentials, openingRequest } = httpClientOf(exchange)
    const id = this.node.ids.create(ID_LENGTH)
    const link = new HttpLink(hub, { id, maxBytes, onGone: () => this.links.delete(id) }, manner, response)
    this.links.set(id, link)
    const namespace = hub.defaultNamespace
    link.link = hub.links.accept({ wire: link, dialect, ip, userAgent, openingRequest, namespace, credentials })
  }

  /** @returns (resolves) true when the link is another node's, which has answered */
  private async passOn({ request, response }: Exchange, id: unknown, body: string): Promise<boolean> {
    const owner = this.node.ownerOf(request, id)
    return owner !== undefined && this.node.pass(request, response, owner, body)
  }

  private known(id: unknown): HttpLink {
    const link = typeof id === 'string' ? this.links.get(id) : undefined
    if (!link) throw new RoomfulError('NOT_FOUND', 'There is no such link; open another and resume the session')
    return link
  }
}
