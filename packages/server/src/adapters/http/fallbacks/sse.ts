/** `GET /sse/<namespace>?room=a&room=b`: rooms for an `EventSource`. PROTOCOL.md, section 13. B11, C17. */
import { CLOSE_CODES } from '@roomful/protocol'
import type { Hub } from '../../../core/hub.ts'
import type { Namespace } from '../../../core/namespace.ts'
import type { Dialect } from '../../../core/ports/dialect.ts'
import { welcomeData } from '../../../core/sessions/welcome.ts'
import type { Exchange } from '../exchange.ts'
import { cursorOf, flowOf, httpClientOf, lastEventIdOf, namespaceOf, roomsOf } from './http-client.ts'
import { openingOf, type SseForm, sseDialect } from './sse-dialect.ts'
import { SSE_HEADERS, SseWire } from './sse-wire.ts'

/** A browser that lost its stream reconnects after a random time in this range. */
const RETRY_MIN_MS = 1_000
const RETRY_SPREAD_MS = 2_000

/** Opens streams. */
export class SseStreams {
  private readonly hub: Hub
  /** One dialect per log and form, so that streams share the bytes of an event. */
  private readonly dialects = new Map<string, Dialect>()

  constructor(hub: Hub) {
    this.hub = hub
  }

  async answer(exchange: Exchange): Promise<void> {
    const { hub } = this
    const { request, response, query, ip } = exchange
    if (request.method === 'HEAD') return void response.writeHead(200, SSE_HEADERS).end()
    const namespace = namespaceOf(hub, exchange)
    const rooms = roomsOf(exchange)
    const cursor = cursorOf(lastEventIdOf(exchange) ?? query.get('after') ?? undefined)
    const flow = flowOf(exchange)
    const client = httpClientOf(exchange, JSON.stringify([namespace.name, ...rooms]))
    const identity = await hub.httpConnections.identify(namespace, client)
    const { credentials, userAgent, openingRequest } = client
    const wire = new SseWire(response, hub.runtime.timers)
    const form: SseForm = { named: query.get('named') === '1', chunked: wire.isChunked }
    const dialect = this.dialect(namespace, form)
    const from = { ip, userAgent, openingRequest, credentials, identity }
    const arrival = { wire, dialect, ...from, namespace, httpMode: 'stream' } as const
    const connection = await hub.httpConnections.enter(arrival, (link) => wire.attach(link))
    const { link } = connection
    try {
      await hub.httpConnections.join(connection, rooms, cursor, flow, (entered) => {
        const retryMs = Math.round(RETRY_MIN_MS + hub.runtime.random.fraction() * RETRY_SPREAD_MS)
        wire.open(
          openingOf(entered.cursor, retryMs, form, [
            ['welcome', welcomeData(hub.runtime, link)],
            ['auth_ok', { user: connection.user }],
            ...entered.replies.map((reply) => ['room:joined', { ...reply }] as const),
          ]),
        )
      })
    } catch (error) {
      link.close(CLOSE_CODES.POLICY.code, 'Refused')
      throw error
    }
  }

  private dialect({ name, state }: Namespace, form: SseForm): Dialect {
    const key = `${name} ${form.named} ${form.chunked}`
    const known = this.dialects.get(key)
    if (known) return known
    const made = sseDialect(state, form)
    this.dialects.set(key, made)
    return made
  }
}
