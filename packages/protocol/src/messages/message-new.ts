import { Type } from 'typebox'
import { down } from './define.ts'
import { Content, Name, Stored, UserId } from './shapes.ts'

export const messageNew = down('message:new', {
  delivery: 'durable',
  when: 'Somebody said something in a room you are in; the sender gets it too.',
  data: Type.Object({
    ...Stored,
    userId: UserId,
    name: Name,
    content: Content,
    replyTo: Type.Optional(Type.String()),
  }),
})
