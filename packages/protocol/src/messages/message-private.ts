import { Type } from 'typebox'
import { down, up } from './define.ts'
import { Content, Name, Stored, Timestamp, UserId } from './shapes.ts'

export const messagePrivate = up('message:private', {
  when: 'To say something to one user. `to` is a user id or a connection id, which means its user.',
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
