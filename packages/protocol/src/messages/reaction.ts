/** Reactions to messages, which are stored, and to the moment, which are not. */
import { Type } from 'typebox'
import { down, Ok, RoomId, Stored, UserId, up } from './definition.ts'

const Emoji = Type.String({ minLength: 1, maxLength: 64 })
const MessageId = Type.String({ minLength: 1, maxLength: 256 })

export const reactionSend = up('reaction:send', {
  when: 'To react: to a message (kept) with `messageId`, to what is happening (not kept) without.',
  data: Type.Object({
    roomId: RoomId,
    emoji: Emoji,
    messageId: Type.Optional(MessageId),
  }),
  ack: Ok,
})

export const reactionNew = down('reaction:new', {
  delivery: 'volatile',
  when: 'A user reacted. Durable, and then with the fields of a stored event, when it names a message.',
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

export const reactionRemove = up('reaction:remove', {
  when: 'To take a reaction to a message back. It is no error when there is none.',
  data: Type.Object({ roomId: RoomId, emoji: Emoji, messageId: MessageId }),
  ack: Ok,
})

export const reactionRemoved = down('reaction:removed', {
  delivery: 'durable',
  when: 'A user took a reaction back. For one user, message and emoji the event with the highest number counts.',
  data: Type.Object({ ...Stored, userId: UserId, emoji: Emoji, messageId: MessageId }),
})
