/** Reads the namespace, the client and the rooms from a request of a stream, a poll or a single event. PROTOCOL.md, sections 3 and 12. */
import { type Credentials, type Cursor, isRoomId, parseCursor } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import type { HttpClient } from '../../../core/http-connection.ts'
import type { Hub } from '../../../core/hub.ts'
import type { Namespace } from '../../../core/namespace.ts'
import type { Flow } from '../../../core/state/flow.ts'
import { clientRequest } from '../../transports/request-info.ts'
import type { Exchange } from '../exchange.ts'

const USER_AGENT_MAX = 256

/** @throws RoomfulError NOT_FOUND */
export function namespaceOf(hub: Hub, { params, request }: Exchange): Namespace {
  const [name = ''] = params
  // An empty name is either the default namespace or a name that could not be decoded.
  const isNamed = /^\/\w+\/[^?]/.test(request.url ?? '')
  const namespace = hub.namespace(isNamed ? (name === '' ? '' : `/${name}`) : '/')
  if (!namespace) throw new RoomfulError('NOT_FOUND', 'There is no such namespace')
  return namespace
}

/**
 * Who sends the request.
 * @param stream names a stream that reconnects by itself with the same ticket
 */
export function httpClientOf({ request, query, ip }: Exchange, stream?: string): HttpClient {
  const userAgent = String(request.headers['user-agent'] ?? '').slice(0, USER_AGENT_MAX)
  const credentials: Credentials = {}
  const { authorization } = request.headers
  const bearer = authorization && /^bearer\b/i.test(authorization) ? authorization.slice(6).trim() : undefined
  const token = query.get('token') ?? bearer
  if (token !== undefined) credentials.token = token
  const ticket = query.get('ticket')
  if (ticket !== null) credentials.ticket = ticket
  const name = query.get('name')
  if (name !== null) credentials.name = name
  return {
    credentials,
    ip,
    userAgent,
    openingRequest: clientRequest(request, ip),
    ...(stream === undefined ? {} : { stream }),
  }
}

/** The requested rooms, each once. @throws RoomfulError ROOM_NAME_INVALID */
export function roomsOf({ query }: Exchange): readonly string[] {
  const rooms = [...new Set(query.getAll('room'))]
  if (!rooms.every(isRoomId)) throw new RoomfulError('ROOM_NAME_INVALID', undefined, { field: 'room' })
  return rooms
}

/**
 * The id that an `EventSource` received last. Browsers send it as a header when they reconnect. Polyfills that cannot set
 * headers add it to the URL under a name of their own. Both are newer than `after`, which stays in the URL unchanged.
 */
export function lastEventIdOf({ request, query }: Exchange): string | undefined {
  const header = request.headers['last-event-id']
  if (typeof header === 'string' && header !== '') return header
  let id: string | undefined
  for (const [name, value] of query) if (value !== '' && LAST_EVENT_ID.test(name)) id = value
  return id
}

/** `lastEventId` (event-source-polyfill), `lastEventID` (Mercure), `evs_last_event_id` (eventsource-polyfill), `Last-Event-ID`. */
const LAST_EVENT_ID = /^(evs_)?last[-_]?event[-_]?id$/i

/**
 * Which events of the rooms are wanted: `all`, `latest`, or an interval in ms.
 * @throws RoomfulError INVALID_MESSAGE
 */
export function flowOf({ query }: Exchange): Flow | undefined {
  const given = query.get('flow')
  if (given === null || given === 'all' || given === 'latest') return given ?? undefined
  const everyMs = Number(given)
  if (Number.isInteger(everyMs) && everyMs >= 1 && everyMs <= 60_000) return { everyMs }
  throw new RoomfulError('INVALID_MESSAGE', 'Field flow is all, latest, or an interval of 1 to 60000 ms', {
    field: 'flow',
  })
}

/** @throws RoomfulError CURSOR_INVALID for a text that is not a cursor */
export function cursorOf(given: string | undefined): Cursor | undefined {
  if (given === undefined || given === '') return undefined
  const cursor = parseCursor(given)
  if (!cursor) throw new RoomfulError('CURSOR_INVALID', undefined, { field: 'after' })
  return cursor
}
