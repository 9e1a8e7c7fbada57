import { Type } from 'typebox'
import { down, up } from './define.ts'
import { Ok, RoomId } from './shapes.ts'

export const roomLeave = up('room:leave', {
  when: 'To stop being a member of a room. Leaving a room one is not in is no error.',
  data: Type.Object({ roomId: RoomId }),
  ack: Ok,
})

export const roomLeft = down('room:left', {
  delivery: 'transient',
  when: 'The server took this connection out of a room.',
  data: Type.Object({ roomId: RoomId, reason: Type.String() }),
})
