/** What other backends may do with rooms, with `Authorization: Bearer <ROOMFUL_API_KEY>`. Without that setting these paths are not there. WIRE 1. */
import { Member } from '@roomful/protocol/messages'
import { Type } from 'typebox'
import type { AccountQuestion } from '../../core/ports/users.ts'
import { NamespaceName, RoomName, Status } from './declaration.ts'
import type { HttpHost } from './host.ts'
import { Events, hello, type Page, PageOfRoom, pageOf, Room } from './rooms.ts'
import type { Route } from './route.ts'
import {
  type DisconnectRequest,
  EmitBody,
  type EmitRequest,
  MemberBody,
  PublishBody,
  Published,
  type PublishRequest,
  type RedactRequest,
} from './server-events.ts'
import { checkOneOf, server } from './server-route.ts'
import { ServerStatus, statusExample } from './status-schema.ts'

/** Where a page of a long list begins, and how long it is. */
export interface ListPage {
  /** What comes behind this one, in the order of code units. */
  readonly after: string
  readonly limit: number
}

/** All of these reject with a RoomfulError. */
export interface ServerApi {
  publish(request: PublishRequest): Promise<unknown>
  emit(request: EmitRequest): unknown
  rooms(namespace: string, prefix: string, page: ListPage): unknown
  users(namespace: string, roomId: string, page: ListPage): Promise<unknown>
  join(namespace: string, roomId: string, userId: string): Promise<unknown>
  leave(namespace: string, roomId: string, userId: string): Promise<unknown>
  events(namespace: string, roomId: string, page: Page): Promise<unknown>
  accounts(question: AccountQuestion): Promise<unknown>
  disconnect(request: DisconnectRequest): unknown
  refresh(userId: string): Promise<unknown>
  ban(userId: string, reason: string | undefined): Promise<unknown>
  unban(userId: string): Promise<unknown>
  setRole(userId: string, role: string | null): Promise<unknown>
  redact(request: RedactRequest): Promise<unknown>
  status(): unknown
  connections(namespace: string, userId: string | undefined, page: ListPage): unknown
  story(connectionId: string): unknown
  explain(question: {
    readonly namespace: string
    readonly who: string
    readonly roomId: string
    readonly seq: number
  }): Promise<unknown>
}

export const LIST_MAX = 1_000
export const PageOfList = {
  after: Type.Optional(Type.String({ description: 'The last one of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_MAX, default: LIST_MAX })),
}
const errors = ['NOT_FOUND', 'UNAVAILABLE'] as const
const Placed = Type.Object({
  status: Type.Literal('ok'),
  connections: Type.Integer({ description: 'How many of theirs are in the room now, or were in it before.' }),
})

/** Escapes and envelope, as for a WebSocket message. DESIGN 3. */
const eventBytes = ({ maxMessageBytes }: HttpHost): number => maxMessageBytes * 2 + 4_096

export const serverRoutes: readonly Route[] = [
  server('POST', 'publish', {
    summary: 'Store an event in a room: it is numbered, told to the members, and replayed to who comes back.',
    description:
      'An event that the namespace’s contract declares is held against its schema, and must be declared durable. A repeat under the same key is answered as the first time and adds nothing.',
    body: PublishBody,
    answer: Published,
    errors: [...errors, 'UNKNOWN_EVENT', 'CONFLICT', 'EXPIRED'],
    example: {
      body: { roomId: 'orders', event: 'order:sent', data: { order: 7 }, key: 'order-7-sent' },
      answer: { status: 'ok', id: 'orders-1', roomId: 'orders', seq: 1, ts: 1763712000456 },
    },
    bodyMaxBytes: eventBytes,
    respond({ host, body }) {
      checkOneOf(body, 'roomId', 'rooms')
      return host.server.publish(body)
    },
  }),
  server('POST', 'emit', {
    summary: 'Tell those who are connected now, and keep nothing.',
    body: EmitBody,
    answer: Status,
    errors: [...errors, 'UNKNOWN_EVENT', 'ROOM_NAME_INVALID'],
    example: { body: { event: 'maintenance', data: { inMinutes: 5 } }, answer: { status: 'ok' } },
    bodyMaxBytes: eventBytes,
    respond: ({ host, body }) => host.server.emit(body),
  }),
  server('GET', 'rooms', {
    summary: 'The rooms of a namespace that somebody is in, by name, without personal ones.',
    query: Type.Object({
      namespace: NamespaceName,
      prefix: Type.Optional(Type.String({ description: 'Those whose names begin like this.' })),
      ...PageOfList,
    }),
    answer: Type.Object({
      rooms: Type.Array(
        Type.Object({
          roomId: RoomName,
          count: Type.Integer({ description: 'Users in it.' }),
          connections: Type.Integer(),
          seq: Type.Integer({ description: 'Number of its latest event.' }),
        }),
      ),
      more: Type.Boolean(),
    }),
    errors,
    example: {
      query: { limit: '100' },
      answer: { rooms: [{ roomId: 'lobby', count: 1, connections: 1, seq: 1 }], more: false },
    },
    respond: ({ host, query: { namespace = '/', prefix = '', after = '', limit = LIST_MAX } }) =>
      host.server.rooms(namespace, prefix, { after, limit }),
  }),
  server('GET', 'rooms/{roomId}/users', {
    summary: 'Who is in a room, by id.',
    params: Room,
    query: Type.Object({ namespace: NamespaceName, ...PageOfList }),
    answer: Type.Object({ users: Type.Array(Member), count: Type.Integer(), more: Type.Boolean() }),
    errors,
    example: {
      params: { roomId: 'lobby' },
      answer: { users: [{ userId: 'ann', name: 'Ann', status: 'online' }], count: 1, more: false },
    },
    respond: ({ host, params, query: { namespace = '/', after = '', limit = LIST_MAX } }) =>
      host.server.users(namespace, params.roomId, { after, limit }),
  }),
  server('POST', 'rooms/{roomId}/join', {
    summary: 'Put a user who is connected into a room, with every connection: all of them, or none.',
    description:
      'The rules and the capacity of the room hold. The clients are sent `room:joined`. Connections that come later are not in the room.',
    params: Room,
    body: MemberBody,
    answer: Placed,
    errors: [...errors, 'FORBIDDEN', 'ROOM_FULL', 'TOO_MANY_ROOMS', 'ROOM_NAME_INVALID'],
    example: { params: { roomId: 'lobby' }, body: { userId: 'ann' }, answer: { status: 'ok', connections: 1 } },
    respond: ({ host, params, body: { namespace = '/', userId } }) =>
      host.server.join(namespace, params.roomId, userId),
  }),
  server('POST', 'rooms/{roomId}/leave', {
    summary: 'Take a user out of a room, with every connection. The clients are sent `room:left`.',
    params: Room,
    body: MemberBody,
    answer: Placed,
    errors: [...errors, 'FORBIDDEN', 'ROOM_NAME_INVALID'],
    example: { params: { roomId: 'lobby' }, body: { userId: 'ann' }, answer: { status: 'ok', connections: 1 } },
    respond: ({ host, params, body: { namespace = '/', userId } }) =>
      host.server.leave(namespace, params.roomId, userId),
  }),
  server('GET', 'rooms/{roomId}/events', {
    summary: 'A page of a room’s history, personal rooms (`user:<id>`) included.',
    params: Room,
    query: Type.Object(PageOfRoom),
    answer: Events,
    errors,
    example: { params: { roomId: 'lobby' }, query: { after: '0' }, answer: { events: [hello], more: false } },
    respond: ({ host, params, query }) => host.server.events(query.namespace ?? '/', params.roomId, pageOf(query)),
  }),
  server('GET', 'status', {
    summary: 'How the server is: links, connections, rooms, queues, memory, versions.',
    answer: ServerStatus,
    example: { answer: statusExample },
    respond: ({ host }) => host.server.status(),
  }),
]
