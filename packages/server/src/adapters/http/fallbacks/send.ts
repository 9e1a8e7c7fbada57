/**
 * `POST /send/<namespace>`: one client event, in plain's form, through the same handlers, limits and keys as over a link;
 * the answer is its acknowledgement. It is no presence: nobody is told that its user came or went. PROTOCOL.md 15.
 */
import { decodePlain } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import { addressGroup } from '../../../core/base/limits.ts'
import type { Hub } from '../../../core/hub.ts'
import { checkSize } from '../../../core/link/link.ts'
import type { Request } from '../../../core/ports/dialect.ts'
import type { User } from '../../../core/ports/user.ts'
import { readText } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { httpClientOf, namespaceOf } from './http-client.ts'
import { SendWire, sendDialect } from './send-wire.ts'

/** Escapes and envelope, as for a WebSocket message. L1. */
const FRAME_OVERHEAD_BYTES = 4_096
/** Given to a request that has none, so that it is answered; its client never sees it. */
const ANSWERED = 0

export async function answerSend(hub: Hub, exchange: Exchange): Promise<void> {
  const { request, response, ip } = exchange
  const namespace = namespaceOf(hub, exchange)
  const client = httpClientOf(exchange)
  const identity = await hub.httpConnections.identify(namespace, client)
  takeRate(hub, identity.user, ip)
  const text = await readText(request, hub.runtime.settings.maxMessageBytes * 2 + FRAME_OVERHEAD_BYTES)
  const wanted = readRequest(hub, text)
  const wire = new SendWire(response)
  const { credentials, userAgent } = client
  const arrival = {
    wire,
    dialect: sendDialect,
    ip,
    userAgent,
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
function readRequest(hub: Hub, text: string): Request {
  const inbound = checkSize(decodePlain(text), hub.runtime.settings.maxMessageBytes)
  if (inbound.kind === 'request') return { ...inbound, id: inbound.id ?? ANSWERED }
  if (inbound.kind === 'invalid') {
    const { code, message, field } = inbound.error
    throw new RoomfulError(code, message, { field })
  }
  throw new RoomfulError('INVALID_MESSAGE', `${inbound.kind} is for connections, and this is a single request`)
}

/** Each request is a connection of its own, so what a connection may say in a second is counted per user; guests per address. */
function takeRate(hub: Hub, { guest, sub }: User, ip: string): void {
  const { ratePerSecond } = hub.runtime.settings
  if (ratePerSecond === 0) return
  // No user id begins with a control character, so these are counted apart from messages.
  const retryAfterMs = hub.runtime.limiter.take(`\u0000send ${guest ? addressGroup(ip) : sub}`, ratePerSecond, 1_000)
  if (retryAfterMs === 0) return
  hub.runtime.observer.observe({ type: 'rate-limited', scope: 'connection' })
  throw new RoomfulError('RATE_LIMITED', undefined, { retryAfterMs })
}
