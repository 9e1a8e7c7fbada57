/** Rooms: joining, leaving, listing them, and paging through the history of one. */
import { Type } from 'typebox'
import {
  down,
  Epoch,
  Flow,
  Member,
  Ok,
  Position,
  PresenceState,
  ResetReason,
  RoomId,
  Seq,
  StatePage,
  up,
} from './definition.ts'

const Joined = Type.Object({
  status: Type.Literal('ok'),
  roomId: RoomId,
  epoch: Epoch,
  seq: Seq,
  recovered: Type.Optional(Type.Boolean()),
  reason: Type.Optional(ResetReason),
  from: Type.Optional(Seq),
  to: Type.Optional(Seq),
  users: Type.Array(Member, { maxItems: 200 }),
  count: Type.Integer(),
  pv: Type.Integer(),
  facts: Type.Object(StatePage),
  flow: Type.Optional(Flow),
  read: Type.Optional(Type.Object({ seq: Seq })),
})

export const roomJoin = up('room:join', {
  when: 'To become a member of a room, or to resume it after a position. The data may be just the room id, as a string.',
  data: Type.Object({
    roomId: RoomId,
    after: Type.Optional(Type.Union([Position, Seq])),
    state: Type.Optional(PresenceState),
    flow: Type.Optional(Flow),
  }),
  ack: Joined,
})

export const roomJoined = down('room:joined', {
  delivery: 'transient',
  when: 'The server put this connection into a room; the same fields as the answer to a join. A plain `room:join` without `id` is answered by it too.',
  data: Joined,
})

export const roomLeave = up('room:leave', {
  when: 'To stop being a member of a room. It is no error when you are not in it.',
  data: Type.Object({ roomId: RoomId }),
  ack: Ok,
})

export const roomLeft = down('room:left', {
  delivery: 'transient',
  when: 'The server removed this connection from a room.',
  data: Type.Object({ roomId: RoomId, reason: Type.String() }),
})

export const roomLag = down('room:lag', {
  delivery: 'transient',
  when: 'You asked for the `latest` events of a room or for an interval, and your link was slow or away: so many events lie behind you. The latest of each type follow, the others do not.',
  data: Type.Object({ roomId: RoomId, behind: Type.Integer({ minimum: 1 }) }),
})

export const roomList = up('room:list', {
  when: 'To list the rooms that have members, by name, in pages; personal rooms are not listed. A full page counts as several events.',
  data: Type.Object({
    after: Type.Optional(Type.String({ description: 'the last room of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '100 without it' })),
  }),
  ack: Type.Object({
    status: Type.Literal('ok'),
    rooms: Type.Array(Type.Object({ roomId: RoomId, count: Type.Integer() }), { maxItems: 100 }),
    more: Type.Boolean(),
  }),
})

export const historyGet = up('history:get', {
  when: 'To page through a room: newest first page without `before` and `after`; events come oldest first.',
  data: Type.Object({
    roomId: RoomId,
    before: Type.Optional(Seq),
    after: Type.Optional(Seq),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  }),
  ack: Type.Object({
    status: Type.Literal('ok'),
    events: Type.Array(Type.Record(Type.String(), Type.Unknown())),
    more: Type.Boolean(),
  }),
})
