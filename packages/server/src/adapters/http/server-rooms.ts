/** What other backends may do with rooms, with `Authorization: Bearer <ROOMFUL_API_KEY>`. */
import { isPersonalRoom } from '@roomful/protocol'
import { Member, StatePage, UserId } from '@roomful/protocol/messages'
import { Type } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import type { Namespace } from '../../core/namespace.ts'
import {
  exact,
  LIST_MAX,
  type ListPage,
  listPage,
  NamespaceName,
  Nodes,
  OK,
  PageOfList,
  RoomName,
  type Route,
  server,
} from './declare.ts'
import { findNamespace } from './exchange.ts'
import { Events, hello, PageOfRoom, pageOf, Room } from './rooms.ts'

const MemberBody = Type.Object({ namespace: NamespaceName, userId: UserId }, exact)
const StateBody = Type.Object(
  {
    namespace: NamespaceName,
    name: Type.String({ minLength: 1, maxLength: 128 }),
    value: Type.Optional(Type.Unknown({ description: 'JSON up to 8,192 characters.' })),
    by: Type.Optional(Type.Integer({ description: 'Adds to a whole number, instead of `value`.' })),
    deleted: Type.Optional(Type.Literal(true, { description: 'Deletes the name, instead of `value`.' })),
    version: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Only if the entry has this version, 0 for none. Not with `by`.' }),
    ),
    userId: Type.Optional(UserId),
  },
  exact,
)
const errors = ['NOT_FOUND', 'UNAVAILABLE'] as const
const Placed = Type.Object({
  status: Type.Literal('ok'),
  connections: Type.Integer({ description: 'How many of theirs are in the room now, or were in it before.' }),
})

export const serverRoomRoutes: readonly Route[] = [
  server('GET', 'rooms', {
    summary: 'The rooms of a namespace that have members, on all nodes, by name, without personal ones.',
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
      ...Nodes,
    }),
    errors,
    example: {
      query: { limit: '100' },
      answer: { rooms: [{ roomId: 'lobby', count: 1, connections: 1, seq: 1 }], more: false },
    },
    respond: ({ host, query: { namespace = '/', prefix = '', after = '', limit = LIST_MAX } }) =>
      listOnAll(host.hub, namespace, { prefix, page: { after, limit } }),
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
    async respond({ host, params, query: { namespace = '/', after = '', limit = LIST_MAX } }) {
      const all = await findNamespace(host.hub, namespace).roomUsers(params.roomId)
      const { items: users, more } = listPage(all, ({ userId }) => userId, { after, limit })
      return { users, count: all.length, more }
    },
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
    async respond({ host, params, body: { namespace = '/', userId } }) {
      const connections = await findNamespace(host.hub, namespace).join(userId, params.roomId)
      return { ...OK, connections }
    },
  }),
  server('POST', 'rooms/{roomId}/leave', {
    summary: 'Take a user out of a room, with every connection. The clients are sent `room:left`.',
    params: Room,
    body: MemberBody,
    answer: Placed,
    errors: [...errors, 'FORBIDDEN', 'ROOM_NAME_INVALID'],
    example: { params: { roomId: 'lobby' }, body: { userId: 'ann' }, answer: { status: 'ok', connections: 1 } },
    async respond({ host, params, body: { namespace = '/', userId } }) {
      const connections = await findNamespace(host.hub, namespace).leave(userId, params.roomId)
      return { ...OK, connections }
    },
  }),
  server('GET', 'rooms/{roomId}/state', {
    summary: 'The state of a room: names with values, 200 at a time, in their order.',
    params: Room,
    query: Type.Object({
      namespace: NamespaceName,
      after: Type.Optional(Type.String({ description: 'The last name of the page before.' })),
    }),
    answer: Type.Object(StatePage),
    errors: [...errors, 'ROOM_NAME_INVALID'],
    example: {
      params: { roomId: 'lobby' },
      answer: { fv: 1, state: { topic: { value: 'Tea', version: 1 } }, more: false },
    },
    respond: ({ host, params, query: { namespace = '/', after } }) =>
      findNamespace(host.hub, namespace)
        .roomState(params.roomId)
        .read(after === undefined ? {} : { after }),
  }),
  server('PUT', 'rooms/{roomId}/state', {
    summary: 'Set a value in the state of a room, add to a counter (`by`), or delete a name.',
    description: 'Members are sent `state:changed`. Another version than `version` is refused with CONFLICT.',
    params: Room,
    body: StateBody,
    answer: Type.Object({
      status: Type.Literal('ok'),
      version: Type.Integer(),
      value: Type.Optional(Type.Unknown()),
    }),
    errors: [...errors, 'CONFLICT', 'TOO_LARGE', 'ROOM_NAME_INVALID'],
    example: {
      params: { roomId: 'lobby' },
      body: { name: 'topic', value: 'Tea' },
      answer: { status: 'ok', version: 1, value: 'Tea' },
    },
    async respond({ host, params, body }) {
      const { namespace: name = '/', name: key, value, by, deleted, version, userId } = body
      if ([value, by, deleted].filter((each) => each !== undefined).length !== 1)
        throw new RoomfulError('INVALID_MESSAGE', 'Give one of value, by and deleted', { field: 'value' })
      const namespace = findNamespace(host.hub, name)
      const state = namespace.roomState(params.roomId)
      const options = { ...(version === undefined ? {} : { version }), ...(userId === undefined ? {} : { userId }) }
      const { factSchemas } = namespace.state
      if (value === undefined) factSchemas.checkName(key)
      const changed =
        by !== undefined
          ? await state.add(key, by, options)
          : deleted === true
            ? await state.delete(key, options)
            : await state.set(key, factSchemas.checkValue(key, value), options)
      return { ...OK, ...changed }
    },
  }),
  server('GET', 'rooms/{roomId}/events', {
    summary: 'A page of a room’s history, personal rooms (`user:<id>`) included.',
    params: Room,
    query: Type.Object(PageOfRoom),
    answer: Events,
    errors,
    example: { params: { roomId: 'lobby' }, query: { after: '0' }, answer: { events: [hello], more: false } },
    respond: ({ host, params, query }) =>
      findNamespace(host.hub, query.namespace ?? '/').history(params.roomId, pageOf(query)),
  }),
]

interface RoomQuestion {
  readonly prefix: string
  readonly page: ListPage
}

interface RoomRow {
  readonly roomId: string
  readonly count: number
  readonly connections: number
  readonly seq: number
}

interface RoomRows {
  readonly rooms: readonly RoomRow[]
  readonly more: boolean
}

/** Answers what the same path on other nodes asks. */
export function answerRoomLists(hub: Hub): void {
  hub.runtime.nodes.on<RoomQuestion>('rooms', (question, name) => listHere(findNamespace(hub, name), question))
}

/** A page of each node, put together. A node that has a room open counts its users on all nodes, and its own connections. */
async function listOnAll(hub: Hub, name: string, question: RoomQuestion): Promise<unknown> {
  const here = listHere(findNamespace(hub, name), question)
  const { asked, answered, answers } = await hub.runtime.nodes.ask<RoomRows>('rooms', question, name)
  if (asked === 0) return here
  const pages = [here, ...answers.map(({ value }) => value)]
  const merged = new Map<string, RoomRow>()
  for (const row of pages.flatMap(({ rooms }) => rooms)) {
    const { roomId, count, connections, seq } = merged.get(row.roomId) ?? { ...row, connections: 0 }
    const both = { count: Math.max(count, row.count), connections: connections + row.connections }
    merged.set(roomId, { roomId, ...both, seq: Math.max(seq, row.seq) })
  }
  const { items: rooms, more } = listPage([...merged.values()], ({ roomId }) => roomId, question.page)
  return { rooms, more: more || pages.some((each) => each.more), nodes: { asked, answered } }
}

function listHere(namespace: Namespace, { prefix, page }: RoomQuestion): RoomRows {
  const listed = [...namespace.state.rooms.values()].filter(
    ({ id, count }) => count > 0 && id.startsWith(prefix) && !isPersonalRoom(id),
  )
  const { items, more } = listPage(listed, ({ id }) => id, page)
  const rooms = items.map(({ id: roomId, count, connectionCount: connections, head: seq }) => ({
    roomId,
    count,
    connections,
    seq,
  }))
  return { rooms, more }
}
