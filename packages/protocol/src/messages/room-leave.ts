import { Type } from 'typebox'
import { up } from './define.ts'
import { Ok, RoomId } from './shapes.ts'

export const roomLeave = up('room:leave', {
  when: 'To stop being a member of a room. Leaving a room one is not in is no error.',
  data: Type.Object({ roomId: RoomId }),
  ack: Ok,
})
