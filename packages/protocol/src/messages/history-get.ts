import { Type } from 'typebox'
import { up } from './define.ts'
import { RoomId, Seq } from './shapes.ts'

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
