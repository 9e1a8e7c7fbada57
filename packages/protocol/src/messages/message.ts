/** Messages: posted, private, edited, taken back; and notifications, which wait in the inbox as private messages do. */
import { Type } from 'typebox'
import { Content, down, Name, NotificationBody, RoomId, Seq, Stored, Timestamp, UserId, up } from './definition.ts'

export const messageSend = up('message:send', {
  when: 'To post a message in a room. Needs permission to publish, not membership, unless the room is declared so.',
  data: Type.Object({ roomId: RoomId, content: Content, replyTo: Type.Optional(Type.String({ maxLength: 256 })) }),
  ack: Type.Object({ status: Type.Literal('ok'), id: Type.String(), seq: Seq, ts: Timestamp }),
})

export const messageNew = down('message:new', {
  delivery: 'durable',
  when: 'A message was posted in a room that you are in; its sender gets it too.',
  data: Type.Object({
    ...Stored,
    userId: UserId,
    name: Name,
    content: Type.String(),
    replyTo: Type.Optional(Type.String()),
    /** It is being written: pieces follow. */
    streaming: Type.Optional(Type.Boolean()),
    /** How it ended, when it was written in pieces. */
    state: Type.Optional(
      Type.Union([Type.Literal('complete'), Type.Literal('cancelled'), Type.Literal('interrupted')]),
    ),
  }),
})

export const messagePrivate = up('message:private', {
  when: 'To send a message to one user. `to` is a user id or a connection id, which means its user.',
  data: Type.Object({ to: UserId, content: Content }),
  ack: Type.Object({
    status: Type.Literal('ok'),
    id: Type.String(),
    ts: Timestamp,
    delivery: Type.Union([Type.Literal('delivered'), Type.Literal('queued')]),
  }),
})

export const messagePrivateDown = down('message:private', {
  delivery: 'durable',
  when: 'A private message to you, or your own in your other tabs. It waits in the inbox while you are away.',
  data: Type.Object({
    ...Stored,
    from: Type.String({ description: 'the connection id of the sender' }),
    fromUser: UserId,
    name: Name,
    to: UserId,
    content: Content,
  }),
})

export const messageEdit = up('message:edit', {
  when: 'To edit a message. Allowed to its author, to support and to admins.',
  data: Type.Object({ roomId: RoomId, seq: Seq, content: Content }),
  ack: Type.Object({ status: Type.Literal('ok') }),
})

export const messageEdited = down('message:edited', {
  delivery: 'durable',
  when: 'The message with number `target` now reads `content`.',
  data: Type.Object({ ...Stored, target: Seq, userId: UserId, content: Content }),
})

export const messageRedact = up('message:redact', {
  when: 'To take a message back. Its number stays; its content is removed from the log.',
  data: Type.Object({ roomId: RoomId, seq: Seq }),
  ack: Type.Object({ status: Type.Literal('ok') }),
})

export const messageRedacted = down('message:redacted', {
  delivery: 'durable',
  when:
    'The message with number `target` was taken back: by `userId`, or by the server when that is missing. `author` wrote it; ' +
    'the emptied message does not name its author any more.',
  data: Type.Object({
    ...Stored,
    target: Seq,
    userId: Type.Optional(UserId),
    author: Type.Optional(Type.Object({ userId: UserId, name: Name })),
  }),
})

export const notification = down('notification', {
  delivery: 'durable',
  when: 'A notification of the application, in `/notifications`. It waits in the inbox while you are away.',
  data: Type.Object({ ...Stored, ...NotificationBody }),
})
