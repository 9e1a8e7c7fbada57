/** What other backends do with events: publish, emit, redact. */
import { CONNECTION_ID_PREFIX } from '@roomful/protocol'
import { Key, UserId } from '@roomful/protocol/messages'
import { type Static, Type } from 'typebox'
import { checkRoomId } from '../../core/base/contract.ts'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import { redactMessage } from '../../vocabulary/redaction.ts'
import { checkOneOf, exact, NamespaceName, OK, RoomName, type Route, Status, server } from './declare.ts'
import { findNamespace } from './exchange.ts'
import { argsOf, checkIsDurable, checkIsTransient } from './given-event.ts'
import type { HttpHost } from './host.ts'

const EventFields = {
  namespace: NamespaceName,
  event: Type.String({ minLength: 1, maxLength: 128, description: 'Its name.' }),
  data: Type.Optional(Type.Unknown({ description: 'The one argument. Bytes are `{"$binary": "<base64>"}`.' })),
  args: Type.Optional(Type.Array(Type.Unknown(), { description: 'Several arguments, instead of `data`.' })),
}

const PublishBody = Type.Object(
  {
    ...EventFields,
    roomId: Type.Optional(RoomName),
    rooms: Type.Optional(
      Type.Array(Type.String(), { minItems: 1, maxItems: 100, description: 'Several rooms, instead of `roomId`.' }),
    ),
    key: Type.Optional({
      ...Key,
      description:
        'Makes a repeat harmless, in each room by itself: it is answered as the first time, and stored where it was not.',
    }),
    userId: Type.Optional({ ...UserId, description: 'Who said it, for what is asked by user later.' }),
  },
  exact,
)
const EmitBody = Type.Object(
  {
    ...EventFields,
    rooms: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        maxItems: 100,
        description: 'Rooms, `user:<id>`, or ids of connections; everyone in the namespace without it.',
      }),
    ),
    volatile: Type.Optional(Type.Boolean({ description: 'May be dropped for a client that reads slowly.' })),
  },
  exact,
)
const RedactBody = Type.Object(
  {
    namespace: NamespaceName,
    roomId: Type.Optional(RoomName),
    seq: Type.Optional(Type.Integer({ minimum: 1 })),
    userId: Type.Optional({ ...UserId, description: 'Everything that this user said in the namespace.' }),
  },
  exact,
)

const PublishedEvent = {
  id: Type.String(),
  roomId: Type.String(),
  seq: Type.Integer(),
  ts: Type.Integer({ description: 'Milliseconds since 1970.' }),
}
const Published = Type.Union([
  Type.Object({ status: Type.Literal('ok'), ...PublishedEvent }),
  Type.Object({
    status: Type.Literal('ok'),
    events: Type.Array(Type.Object(PublishedEvent), { description: 'One for each of `rooms`, in their order.' }),
  }),
])

const errors = ['NOT_FOUND', 'UNAVAILABLE'] as const

/** The same limit as for a WebSocket message, with escapes and envelope. L1. */
const eventBytes = ({ hub }: HttpHost): number => hub.runtime.settings.maxMessageBytes * 2 + 4_096

export const publishRoutes: readonly Route[] = [
  server('POST', 'publish', {
    summary: 'Store an event in a room: it is numbered, sent to the members, and replayed to clients that come back.',
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
      return publish(host.hub, body)
    },
  }),
  server('POST', 'emit', {
    summary: 'Tell those who are connected now, and keep nothing.',
    body: EmitBody,
    answer: Status,
    errors: [...errors, 'UNKNOWN_EVENT', 'ROOM_NAME_INVALID'],
    example: { body: { event: 'maintenance', data: { inMinutes: 5 } }, answer: { status: 'ok' } },
    bodyMaxBytes: eventBytes,
    respond: ({ host, body }) => emit(host.hub, body),
  }),
]

export const redactRoute: Route = server('POST', 'redact', {
  summary: 'Take out of the log what was said: one event, or everything of a user in a namespace. Numbers stay.',
  description:
    'Redacting a message also empties its edits, and members receive `message:redacted`. Redacting a user sends no event: later readers no longer see the messages.',
  body: RedactBody,
  answer: Type.Object({
    status: Type.Literal('ok'),
    redacted: Type.Integer({ description: 'Events that had a content.' }),
  }),
  errors,
  example: { body: { roomId: 'lobby', seq: 1 }, answer: { status: 'ok', redacted: 1 } },
  respond({ host, body }) {
    checkOneOf(body, 'userId', 'roomId')
    if (body.roomId === undefined || body.seq !== undefined) return redact(host.hub, body)
    throw new RoomfulError('INVALID_MESSAGE', 'Field seq is missing', { field: 'seq' })
  },
})

/** A repeat with the same key stores the event only in rooms where it is missing. */
async function publish(hub: Hub, request: Static<typeof PublishBody>): Promise<unknown> {
  const { roomId, event, key, userId } = request
  const namespace = findNamespace(hub, request.namespace ?? '/')
  const args = argsOf(hub, request)
  checkIsDurable(namespace, event, args)
  const rooms = roomId === undefined ? [...new Set(request.rooms)] : [roomId]
  for (const each of rooms) checkKeepsEvents(each, roomId === undefined ? 'rooms' : 'roomId')
  const options = { ...(key === undefined ? {} : { key }), ...(userId === undefined ? {} : { userId }) }
  const results = await Promise.allSettled(rooms.map((each) => namespace.publish(each, event, args, options)))
  const events = results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    const { id, roomId, seq, ts } = result.value
    return { id, roomId, seq, ts }
  })
  return roomId === undefined ? { ...OK, events } : { ...OK, ...events[0] }
}

function emit(hub: Hub, request: Static<typeof EmitBody>): unknown {
  const { event, rooms, volatile = false } = request
  const namespace = findNamespace(hub, request.namespace ?? '/')
  const args = argsOf(hub, request)
  for (const roomId of rooms ?? []) checkRoomId(roomId, 'rooms')
  checkIsTransient(namespace, event, args, rooms)
  const target = rooms ? namespace.to(rooms) : namespace
  if (volatile) target.volatile.emit(event, ...args)
  else target.emit(event, ...args)
  return OK
}

async function redact(
  hub: Hub,
  { namespace: name = '/', roomId, seq, userId }: Static<typeof RedactBody>,
): Promise<unknown> {
  const namespace = findNamespace(hub, name)
  if (userId !== undefined) return { ...OK, redacted: await namespace.redactUser(userId) }
  return { ...OK, redacted: await redactMessage(hub, namespace, checkRoomId(roomId), seq ?? 0) }
}

/** Refuses ids of connections, which have no log. @throws RoomfulError ROOM_NAME_INVALID */
function checkKeepsEvents(roomId: string, field: string): void {
  if (!checkRoomId(roomId, field).startsWith(CONNECTION_ID_PREFIX)) return
  throw new RoomfulError('ROOM_NAME_INVALID', 'A connection keeps nothing: emit to it', { field })
}
