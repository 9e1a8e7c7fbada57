/** What a request over HTTP says of who sends it and what it wants, the same for streams, polls and single events. PROTOCOL.md 3 and 12. */
import { type Credentials, type Cursor, isRoomId, parseCursor } from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import type { HttpClient } from '../../../core/http-connection.ts'
import type { Hub } from '../../../core/hub.ts'
import type { Namespace } from '../../../core/namespace.ts'
import type { Exchange } from '../exchange.ts'

const USER_AGENT_MAX = 256

/** @throws RoomfulError NOT_FOUND */
export function namespaceOf(hub: Hub, { params, request }: Exchange): Namespace {
  const [name = ''] = params
  // What could not be decoded is empty too, and is no name of the default namespace.
  const isNamed = /^\/\w+\/[^?]/.test(request.url ?? '')
  const namespace = hub.namespace(isNamed ? (name === '' ? '' : `/${name}`) : '/')
  if (!namespace) throw new RoomfulError('NOT_FOUND', 'There is no such namespace')
  return namespace
}

/** @param stream names what reconnects by itself, if it does */
export function visitorOf({ request, query, ip }: Exchange, stream?: string): HttpClient {
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
  return { credentials, ip, userAgent, ...(stream === undefined ? {} : { stream }) }
}

/** Rooms asked for, each once. @throws RoomfulError ROOM_NAME_INVALID */
export function roomsOf({ query }: Exchange): readonly string[] {
  const rooms = [...new Set(query.getAll('room'))]
  if (!rooms.every(isRoomId)) throw new RoomfulError('ROOM_NAME_INVALID', undefined, { field: 'room' })
  return rooms
}

/**
 * What an `EventSource` has received last. A browser sends a header when it comes back to the URL that it was given; polyfills
 * that cannot set headers, or save the preflight, add it to that URL under a name of their own. Either is newer than `after`.
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

/** @throws RoomfulError CURSOR_INVALID for anything that this server cannot have given out */
export function cursorOf(given: string | undefined): Cursor | undefined {
  if (given === undefined || given === '') return undefined
  const cursor = parseCursor(given)
  if (!cursor) throw new RoomfulError('CURSOR_INVALID', undefined, { field: 'after' })
  return cursor
}
