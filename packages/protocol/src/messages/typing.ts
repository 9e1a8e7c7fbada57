import { Type } from 'typebox'
import { down, up } from './define.ts'
import { Name, Ok, RoomId, UserId } from './shapes.ts'

const who = Type.Object({ roomId: RoomId, userId: UserId, name: Name })

export const typingStart = up('typing:start', {
  when: 'While writing, at least every 5 s.',
  data: Type.Object({ roomId: RoomId }),
  ack: Ok,
})

export const typingStop = up('typing:stop', {
  when: 'When writing paused.',
  data: Type.Object({ roomId: RoomId }),
  ack: Ok,
})

export const userTyping = down('user:typing', {
  delivery: 'transient',
  when: 'Somebody else in the room is writing.',
  data: who,
})

export const userStopTyping = down('user:stop-typing', {
  delivery: 'transient',
  when: 'They stopped, sent, went away, or 5 s passed without another start.',
  data: who,
})
