import { Type } from 'typebox'
import { up } from './define.ts'
import { RoomId } from './shapes.ts'

export const roomList = up('room:list', {
  when: 'To learn which rooms have members, by name, in pages; personal rooms are not listed. A full page counts as several events.',
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
