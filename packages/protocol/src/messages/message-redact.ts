import { Type } from 'typebox'
import { down, up } from './define.ts'
import { Name, RoomId, Seq, Stored, UserId } from './shapes.ts'

export const messageRedact = up('message:redact', {
  when: 'To take back what was said. Its number stays, its content is gone from the log.',
  data: Type.Object({ roomId: RoomId, seq: Seq }),
  ack: Type.Object({ status: Type.Literal('ok') }),
})

export const messageRedacted = down('message:redacted', {
  delivery: 'durable',
  when:
    'The message with number `target` is gone. `userId` took it back; without it the server did. `author` wrote it: the ' +
    'emptied message no longer says so.',
  data: Type.Object({
    ...Stored,
    target: Seq,
    userId: Type.Optional(UserId),
    author: Type.Optional(Type.Object({ userId: UserId, name: Name })),
  }),
})
