import { Type } from 'typebox'
import { down, up } from './define.ts'
import { Epoch, Member, Position, ResetReason, RoomId, Seq } from './shapes.ts'

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
})

export const roomJoin = up('room:join', {
  when: 'To become a member of a room, or to resume it after a position. A room id may come alone as a string.',
  data: Type.Object({ roomId: RoomId, after: Type.Optional(Type.Union([Position, Seq])) }),
  ack: Joined,
})

export const roomJoined = down('room:joined', {
  delivery: 'transient',
  when: 'The server put this connection into a room: the same as the answer to a join. A plain `room:join` without `id` is answered by it too.',
  data: Joined,
})
