/**
 * Routes for clients without a WebSocket: event streams, polls, single events to the server, and v1 links for the SDK. The
 * namespace is in the path, as in `/ws/<namespace>`. PROTOCOL.md, sections 13, 15, 16 and 17.
 */
import { Key } from '@roomful/protocol/messages'
import { Type } from 'typebox'
import type { Declaration, Route } from './declare.ts'
import { answerSend } from './fallbacks/send.ts'

const params = Type.Object({
  namespace: Type.String({ description: 'Without its first slash; `chat` for the default one.' }),
})
/** `room` may be repeated. It is declared as one string, which is what most clients send. */
const ClientQuery = {
  room: Type.Optional(Type.String({ description: 'May be given several times.' })),
  after: Type.Optional(Type.String({ description: 'A cursor: what came behind it.' })),
  token: Type.Optional(Type.String()),
  ticket: Type.Optional(Type.String()),
  name: Type.Optional(Type.String({ description: 'Of a guest.' })),
}
const shared = { tag: 'transports', access: 'client', params } as const
const errors = ['FORBIDDEN', 'NOT_FOUND', 'CURSOR_INVALID', 'ROOM_FULL', 'TOO_MANY_ROOMS', 'UNAVAILABLE'] as const

const sse: Declaration = {
  ...shared,
  method: 'GET',
  path: '/sse/{namespace}',
  summary: 'The events of rooms as a stream, for an `EventSource`.',
  description: '`Last-Event-ID`, or `lastEventId` in the URL, counts before `after`. PROTOCOL.md, section 13.',
  query: Type.Object({
    ...ClientQuery,
    lastEventId: Type.Optional(Type.String({ description: 'As a polyfill sends it in place of the header.' })),
    named: Type.Optional(Type.Integer({ minimum: 0, maximum: 1 })),
  }),
  answer: Type.String(),
  answerType: 'text/event-stream',
  errors,
  example: {
    params: { namespace: 'public' },
    query: { room: 'lobby', name: 'Ann' },
    answer: 'retry: 2345\ndata: {"type":"welcome"}\nid: 1k3v9x0a2b4cd.17\n\n',
  },
}
const poll: Declaration = {
  ...shared,
  method: 'GET',
  path: '/poll/{namespace}',
  summary: 'The events of rooms by long polls, or with `wait=0` by short ones.',
  description: 'Without `after` the answer comes at once and holds where one stands. PROTOCOL.md, section 16.',
  query: Type.Object({
    ...ClientQuery,
    wait: Type.Optional(
      Type.Integer({ maximum: 86_400, default: 25, description: 'Seconds; 25 at most are granted.' }),
    ),
  }),
  answer: Type.Object({ events: Type.Array(Type.Object({ type: Type.String() })), cursor: Type.String() }),
  errors,
  example: {
    params: { namespace: 'public' },
    query: { room: 'lobby', name: 'Ann' },
    answer: { events: [], cursor: '1k3v9x0a2b4cd.17' },
  },
}
const send: Declaration = {
  ...shared,
  method: 'POST',
  path: '/send/{namespace}',
  summary: 'One client event; the answer is its acknowledgement.',
  description: 'The event in plain’s form, flat or as an envelope. PROTOCOL.md, sections 4, 8 and 15.',
  query: Type.Object({ token: ClientQuery.token, ticket: ClientQuery.ticket, name: ClientQuery.name }),
  body: Type.Object({
    type: Type.Optional(Type.String()),
    event: Type.Optional(Type.String()),
    data: Type.Optional(Type.Unknown()),
    key: Type.Optional(Key),
  }),
  answer: Type.Unknown(),
  errors: [
    'FORBIDDEN',
    'NOT_FOUND',
    'UNKNOWN_EVENT',
    'NOT_IN_ROOM',
    'CONFLICT',
    'EXPIRED',
    'RATE_LIMITED',
    'UNAVAILABLE',
  ],
  example: {
    params: { namespace: 'public' },
    query: { name: 'Ann' },
    body: { type: 'chat:message', roomId: 'lobby', content: 'hello', key: 'k-1' },
    answer: { status: 'ok', id: 'lobby-19', seq: 19, ts: 1763712000456 },
  },
}

export const streamRoutes: readonly Route[] = [
  {
    method: 'GET',
    segment: 'sse',
    path: /^\/sse(?:\/|$)(.*?)\/?$/,
    declaration: sse,
    opensLink: true,
    answer: (exchange, host) => host.streams.answer(exchange),
  },
  {
    method: 'GET',
    segment: 'poll',
    path: /^\/poll(?:\/|$)(.*?)\/?$/,
    declaration: poll,
    opensLink: true,
    answer: (exchange, host) => host.polls.answer(exchange),
  },
  {
    method: 'POST',
    segment: 'send',
    path: /^\/send(?:\/|$)(.*?)\/?$/,
    declaration: send,
    answer: (exchange, host) => answerSend(host.hub, exchange),
  },
  {
    method: 'GET',
    segment: 'link',
    path: /^\/link\/sse$/,
    opensLink: true,
    answer: (exchange, host) => host.links.stream(exchange),
  },
  {
    method: 'POST',
    segment: 'link',
    path: /^\/link\/poll$/,
    answer: (exchange, host) => host.links.poll(exchange),
  },
  {
    method: 'POST',
    segment: 'link',
    path: /^\/link\/send$/,
    answer: (exchange, host) => host.links.send(exchange),
  },
]
