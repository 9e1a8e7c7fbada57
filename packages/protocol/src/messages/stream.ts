/** Messages that are written in pieces: an answer of a model, a transcript. */
import { Type } from 'typebox'
import { down, RoomId, Seq, Stored, Timestamp, UserId, up } from './definition.ts'

/** UTF-16 units: what `length` of a JavaScript string counts. */
const Length = Type.Integer({ minimum: 0, description: 'UTF-16 units' })
const State = Type.Union([Type.Literal('complete'), Type.Literal('cancelled'), Type.Literal('interrupted')])
const Ended = Type.Object({ status: Type.Literal('ok'), length: Length })

export const messageStream = up('message:stream', {
  when: 'To begin a message whose text comes in pieces. Give a `key`: a repeat under it gets the numbers of the first.',
  data: Type.Object({
    roomId: RoomId,
    content: Type.Optional(Type.String()),
    replyTo: Type.Optional(Type.String({ maxLength: 256 })),
  }),
  ack: Type.Object({ status: Type.Literal('ok'), id: Type.String(), seq: Seq, ts: Timestamp }),
})

export const messageAppend = up('message:append', {
  when:
    'To add to a message of yours. `at` is its length before: a repeat changes nothing, and a gap is `CONFLICT` with the ' +
    '`length` there is. Without a text it says that the writer is still there.',
  data: Type.Object({ roomId: RoomId, seq: Seq, at: Length, text: Type.String() }),
  ack: Ended,
})

export const messageComplete = up('message:complete', {
  when: 'The message is whole. `extra` is kept with it.',
  data: Type.Object({ roomId: RoomId, seq: Seq, extra: Type.Optional(Type.Unknown()) }),
  ack: Ended,
})

export const messageCancel = up('message:cancel', {
  when: 'To end a message of yours before it is whole; what there is of it stays.',
  data: Type.Object({ roomId: RoomId, seq: Seq, reason: Type.Optional(Type.String({ maxLength: 256 })) }),
  ack: Ended,
})

export const messageStop = up('message:stop', {
  when: 'To stop a message that another user, or another device of yours, writes in a room that you are in.',
  data: Type.Object({ roomId: RoomId, seq: Seq }),
  ack: Type.Object({ status: Type.Literal('ok'), state: State, length: Length }),
})

export const messageStopDown = down('message:stop', {
  delivery: 'transient',
  when: 'A message that you write was stopped by `userId`: what you append from now on is refused.',
  data: Type.Object({ roomId: RoomId, seq: Seq, userId: UserId }),
})

export const messagePiece = down('message:piece', {
  delivery: 'transient',
  when:
    'What was added to the message `seq` since its length was `at`, joined per turn; a slow client gets fewer and longer ones. ' +
    'Who joins or comes back in the middle gets `message:new` with the text so far first.',
  data: Type.Object({ roomId: RoomId, seq: Seq, at: Length, text: Type.String() }),
})

export const messageEnded = down('message:ended', {
  delivery: 'durable',
  when:
    'The message `target` has ended with this length: `interrupted` when its writer added nothing for `limits.streamIdleMs`. ' +
    '`userId` stopped it. From now on history shows its whole text, with this state.',
  data: Type.Object({
    ...Stored,
    target: Seq,
    state: State,
    length: Length,
    userId: Type.Optional(UserId),
    reason: Type.Optional(Type.String()),
    extra: Type.Optional(Type.Unknown()),
  }),
})
