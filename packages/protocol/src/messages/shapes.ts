/** Shapes that several messages share. */
import { Type } from 'typebox'

/** Checked further (bytes, NFC, control characters) by `isRoomId`, which answers ROOM_NAME_INVALID. */
export const RoomId = Type.String()
export const UserId = Type.String({ minLength: 1, maxLength: 128 })
export const Name = Type.String({ minLength: 1, maxLength: 128 })
export const Key = Type.String({ minLength: 1, maxLength: 128 })
export const Seq = Type.Integer({ minimum: 0 })
export const Timestamp = Type.Integer({ minimum: 0, description: 'milliseconds since 1970' })
export const Content = Type.String({ minLength: 1 })
export const Ok = Type.Object({ status: Type.Literal('ok') })
export const Epoch = Type.String({ minLength: 1, maxLength: 64 })
export const Position = Type.Object({ epoch: Epoch, seq: Seq })
export const Status = Type.Union([Type.Literal('online'), Type.Literal('reconnecting'), Type.Literal('left')])
export const Member = Type.Object({ userId: UserId, name: Name, status: Status })
export const ResetReason = Type.Union([Type.Literal('epoch'), Type.Literal('trimmed'), Type.Literal('too_far')])
/** What every durable event carries beside its own fields. */
export const Stored = { id: Type.String(), roomId: RoomId, seq: Seq, ts: Timestamp, key: Type.Optional(Key) }
/** What a notification says: a text, and perhaps a line above it and the address of what it is about. */
export const Told = {
  message: Content,
  title: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  link: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
}
