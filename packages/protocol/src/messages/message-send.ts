import { Type } from 'typebox'
import { up } from './define.ts'
import { Content, RoomId, Seq, Timestamp } from './shapes.ts'

export const messageSend = up('message:send', {
  when: 'To say something in a room. Needs permission to publish, not membership, unless the room is declared so.',
  data: Type.Object({ roomId: RoomId, content: Content, replyTo: Type.Optional(Type.String({ maxLength: 256 })) }),
  ack: Type.Object({ status: Type.Literal('ok'), id: Type.String(), seq: Seq, ts: Timestamp }),
})
