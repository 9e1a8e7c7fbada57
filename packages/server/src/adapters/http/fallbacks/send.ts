/**
 * `POST /send/<namespace>`: one client event in plain's form, with the same handlers, limits and keys as over a link. The
 * answer is its acknowledgement. The user does not appear in presence. PROTOCOL.md, section 15.
 */
import { decodePlain, isTraceparent } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import { addressGroup } from '../../../core/base/limits.ts'
import type { Hub } from '../../../core/hub.ts'
import { checkSize } from '../../../core/link/link.ts'
import type { Request } from '../../../core/ports/dialect.ts'
import type { User } from '../../../core/ports/users.ts'
import { readText } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { httpClientOf, namespaceOf } from './http-client.ts'
import { SendWire, sendDialect } from './send-wire.ts'

/** The same limit as for a WebSocket message, with escapes and envelope. L1. */
const FRAME_OVERHEAD_BYTES = 4_096
/** The id of a request without one: only requests with an id are acknowledged. It is not sent. */
const REQUEST_ID = 0

/** Answers one request. */
export async function answerSend(hub: Hub, exchange: Exchange): Promise<void> {
  const { request, response, ip } = exchange
  const namespace = namespaceOf(hub, exchange)
  const client = httpClientOf(exchange)
  const identity = await hub.httpConnections.identify(namespace, client)
  takeRate(hub, identity.user, ip)
  const text = await readText(request, hub.runtime.settings.maxMessageBytes * 2 + FRAME_OVERHEAD_BYTES)
  const wanted = readRequest(hub, text, request.headers.traceparent)
  const wire = new SendWire(response)
  const { credentials, userAgent, openingRequest } = client
  const arrival = {
    wire,
    dialect: sendDialect,
    ip,
    userAgent,
    openingRequest,
    namespace,
    credentials,
    identity,
    httpMode: 'one-shot',
  } as const
  const connection = await hub.httpConnections.enter(arrival, (link) => wire.attach(link))
  wire.entered()
  connection.namespace.dispatch.handle(connection, wanted)
}

/** @throws RoomfulError PARSE_ERROR, INVALID_MESSAGE, TOO_LARGE */
function readRequest(hub: Hub, text: string, header: string | string[] | undefined): Request {
  const inbound = checkSize(decodePlain(text), hub.runtime.settings.maxMessageBytes)
  if (inbound.kind === 'request') {
    const given = typeof header === 'string' && isTraceparent(header) ? header : undefined
    return { ...inbound, id: inbound.id ?? REQUEST_ID, traceparent: inbound.traceparent ?? given }
  }
  if (inbound.kind === 'invalid') {
    const { code, message, field } = inbound.error
    throw new RoomfulError(code, message, { field })
  }
  throw new RoomfulError('INVALID_MESSAGE', `${inbound.kind} is for connections, and this is a single request`)
}

/** Each request is its own connection, so the rate per connection is counted per user, and per address for guests. */
function takeRate(hub: Hub, { guest, sub }: User, ip: string): void {
  const { ratePerSecond } = hub.runtime.settings
  if (ratePerSecond === 0) return
  // User ids do not begin with a control character, so these keys differ from those of messages.
  const retryAfterMs = hub.runtime.limiter.take(`\u0000send ${guest ? addressGroup(ip) : sub}`, ratePerSecond, 1_000)
  if (retryAfterMs === 0) return
  hub.runtime.observer.observe({ type: 'rate-limited', scope: 'connection' })
  throw new RoomfulError('RATE_LIMITED', undefined, { retryAfterMs })
}
