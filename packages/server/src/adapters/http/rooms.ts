/** Reads rooms for a user without a connection: list, members, history. B25. PROTOCOL.md, section 12. */
import { Member } from '@roomful/protocol/messages'
import { Type } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import type { Identity } from '../../core/ports/users.ts'
import { createReader } from '../../core/reader.ts'
import { isNamedTo } from '../../core/rooms/rights.ts'
import { costOf, type RoomPage } from '../../core/rooms/room-list.ts'
import type { Connection } from '../../core/state/namespace-state.ts'
import { type CheckedRequest, endpoint, NamespaceName, RoomName, type Route } from './declare.ts'
import { chargeRate, findNamespace, takeRate, userAgentOf } from './exchange.ts'

/** Maximum number of events in a page of history. */
export const PAGE_MAX = 100

/** The user who reads. */
export interface Reader {
  readonly identity: Identity
  readonly ip: string
  readonly userAgent: string
  /** The namespace that is read. */
  readonly namespace: string
}

export interface Page {
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit: number
}

export const Room = Type.Object({ roomId: Type.String() })
const ListedRoom = Type.Object({ roomId: RoomName, count: Type.Integer({ description: 'Users in it.' }) })
export const Events = Type.Object({
  events: Type.Array(
    Type.Object({ type: Type.String(), roomId: Type.String(), seq: Type.Integer(), ts: Type.Integer() }),
    {
      description: 'Oldest first, in the plain form.',
    },
  ),
  more: Type.Boolean({ description: 'There are others in the direction in which the page was read.' }),
})
export const PageOfRoom = {
  namespace: NamespaceName,
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'Events before this number.' })),
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'Events after this number.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: PAGE_MAX })),
}
const errors = ['FORBIDDEN', 'RATE_LIMITED', 'UNAVAILABLE', 'NOT_FOUND'] as const
export const hello = {
  type: 'message:new',
  userId: 'ann',
  name: 'Ann',
  content: 'hello',
  roomId: 'lobby',
  seq: 1,
  ts: 1763712000456,
  id: 'lobby-1',
}

export const roomRoutes: readonly Route[] = [
  endpoint(
    {
      method: 'GET',
      path: '/api/rooms',
      tag: 'rooms',
      summary: 'The rooms with members, by name, in pages; personal ones are in no list.',
      description: 'A page counts as one request for each 25 rooms in it.',
      access: 'user',
      query: Type.Object({
        namespace: NamespaceName,
        after: Type.Optional(Type.String({ description: 'The last room of the page before.' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: PAGE_MAX })),
      }),
      answer: Type.Object({
        rooms: Type.Array(ListedRoom),
        more: Type.Boolean({ description: 'There are others behind them.' }),
      }),
      errors,
      example: { answer: { rooms: [{ roomId: 'lobby', count: 1 }], more: false } },
    },
    {
      respond: (asked) => {
        const { after, limit } = asked.query
        return list(asked.host.hub, readerOf(asked), { after, limit })
      },
    },
  ),
  endpoint(
    {
      method: 'GET',
      path: '/api/rooms/{roomId}/users',
      tag: 'rooms',
      summary: 'Who is in a room: the first 200, how many in all, and the version of the membership.',
      access: 'user',
      params: Room,
      query: Type.Object({ namespace: NamespaceName }),
      answer: Type.Object({ users: Type.Array(Member), count: Type.Integer(), pv: Type.Integer() }),
      errors,
      example: {
        params: { roomId: 'lobby' },
        answer: { users: [{ userId: 'ann', name: 'Ann', status: 'online' }], count: 1, pv: 1 },
      },
    },
    { respond: (asked) => members(asked.host.hub, readerOf(asked), asked.params.roomId) },
  ),
  endpoint(
    {
      method: 'GET',
      path: '/api/rooms/{roomId}/events',
      tag: 'rooms',
      summary: 'A page of a room’s history: the latest events, or those before or after a number.',
      access: 'user',
      params: Room,
      query: Type.Object(PageOfRoom),
      answer: Events,
      errors,
      example: { params: { roomId: 'lobby' }, query: { limit: '50' }, answer: { events: [hello], more: false } },
    },
    { respond: (asked) => events(asked.host.hub, readerOf(asked), asked.params.roomId, pageOf(asked.query)) },
  ),
]

/** Reads the parameters of a page. @throws RoomfulError INVALID_MESSAGE for `before` and `after` together */
export function pageOf({ before, after, limit = PAGE_MAX }: Partial<Page>): Page {
  if (before === undefined || after === undefined) return { before, after, limit }
  throw new RoomfulError('INVALID_MESSAGE', 'Give before or after, not both', { field: 'before' })
}

function readerOf({
  identity,
  exchange,
  query: { namespace = '/' },
}: CheckedRequest<unknown, { readonly namespace?: string }, unknown>): Reader {
  return { identity, ip: exchange.ip, userAgent: userAgentOf(exchange), namespace }
}

/** Applies the rate limit and the middleware of the namespace. @throws RoomfulError (rejects), also from middleware */
async function enter(hub: Hub, reader: Reader): Promise<Connection> {
  takeRate(hub, reader.identity.user.sub)
  return createReader(hub.runtime, findNamespace(hub, reader.namespace), reader.identity, reader)
}

async function list(hub: Hub, reader: Reader, page: RoomPage): Promise<unknown> {
  const connection = await enter(hub, reader)
  const listed = await hub.of(connection).directory.list(page, isNamedTo(connection.user))
  chargeRate(hub, reader.identity.user.sub, costOf(listed.rooms.length))
  return listed
}

async function members(hub: Hub, reader: Reader, roomId: string): Promise<unknown> {
  const connection = await enter(hub, reader)
  const { requests, directory } = hub.of(connection)
  await requests.access.may(connection, 'presence', roomId)
  return directory.snapshotOf(roomId)
}

async function events(hub: Hub, reader: Reader, roomId: string, page: Page): Promise<unknown> {
  const connection = await enter(hub, reader)
  const namespace = hub.of(connection)
  await namespace.requests.access.may(connection, 'history', roomId)
  return namespace.history(roomId, page)
}
