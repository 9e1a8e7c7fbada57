import { Type } from 'typebox'
import { up } from './define.ts'
import { Epoch, Member, Position, ResetReason, RoomId, Seq } from './shapes.ts'

export const roomJoin = up('room:join', {
  when: 'To become a member of a room, or to resume it after a position. A room id may come alone as a string.',
  data: Type.Object({ roomId: RoomId, after: Type.Optional(Type.Union([Position, Seq])) }),
  ack: Type.Object({
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
  }),
})
