import { Type } from 'typebox'
import { up } from './define.ts'
import { RoomId } from './shapes.ts'

export const roomList = up('room:list', {
  when: 'To learn which rooms have members; personal rooms are not listed.',
  data: Type.Object({}),
  ack: Type.Object({
    status: Type.Literal('ok'),
    rooms: Type.Array(Type.Object({ roomId: RoomId, count: Type.Integer() })),
  }),
})
