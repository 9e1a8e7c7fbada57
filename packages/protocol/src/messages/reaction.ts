import { Type } from 'typebox'
import { down, up } from './define.ts'
import { Ok, RoomId, Stored, UserId } from './shapes.ts'

const Emoji = Type.String({ minLength: 1, maxLength: 64 })

export const reactionSend = up('reaction:send', {
  when: 'To react: to a message (kept) with `messageId`, to what is happening (not kept) without.',
  data: Type.Object({
    roomId: RoomId,
    emoji: Emoji,
    messageId: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  }),
  ack: Ok,
})

export const reactionNew = down('reaction:new', {
  delivery: 'volatile',
  when: 'Somebody reacted. Durable, and then with the fields of a stored event, when it names a message.',
  data: Type.Object({
    roomId: RoomId,
    userId: UserId,
    emoji: Emoji,
    messageId: Type.Optional(Type.String()),
    id: Type.Optional(Stored.id),
    seq: Type.Optional(Stored.seq),
    ts: Type.Optional(Stored.ts),
    key: Stored.key,
  }),
})
