import { Type } from 'typebox'
import { down, up } from './define.ts'
import { Content, RoomId, Seq, Stored, UserId } from './shapes.ts'

export const messageEdit = up('message:edit', {
  when: 'To change what one said. Allowed to its author, to support and to admins.',
  data: Type.Object({ roomId: RoomId, seq: Seq, content: Content }),
  ack: Type.Object({ status: Type.Literal('ok') }),
})

export const messageEdited = down('message:edited', {
  delivery: 'durable',
  when: 'The message with number `target` now reads `content`.',
  data: Type.Object({ ...Stored, target: Seq, userId: UserId, content: Content }),
})
