/**
 * How a message is defined: its name, its schema as data, and when it is sent; and the shapes that several messages share.
 * The messages stand beside this file, one file for each family; vocabulary.ts lists them.
 */
import { type Static, type TSchema, Type } from 'typebox'

/** A message that clients send. */
export interface UpMessage<
  Name extends string = string,
  Data extends TSchema = TSchema,
  Ack extends TSchema = TSchema,
> {
  readonly name: Name
  readonly data: Data
  /** What a successful acknowledgement carries. */
  readonly ack: Ack
  /** A sentence for PROTOCOL.md: what it is for. */
  readonly when: string
}

/** A message that the server sends. */
export interface DownMessage<Name extends string = string, Data extends TSchema = TSchema> {
  readonly name: Name
  readonly data: Data
  /** durable: logged, numbered, replayed. transient: to those connected now. volatile: may be dropped for a slow link. */
  readonly delivery: 'durable' | 'transient' | 'volatile'
  /** A sentence for PROTOCOL.md: when it is sent. */
  readonly when: string
}

/** Defines a message that clients send. */
export function up<Name extends string, Data extends TSchema, Ack extends TSchema>(
  name: Name,
  parts: { data: Data; ack: Ack; when: string },
): UpMessage<Name, Data, Ack> {
  return { name, ...parts }
}

/** Defines a message that the server sends. */
export function down<Name extends string, Data extends TSchema>(
  name: Name,
  parts: { data: Data; delivery: DownMessage['delivery']; when: string },
): DownMessage<Name, Data> {
  return { name, ...parts }
}

/** What a message carries. */
export type DataOf<Message extends { data: TSchema }> = Static<Message['data']>
/** What a successful acknowledgement of a message carries. */
export type AckOf<Message extends { ack: TSchema }> = Static<Message['ack']>

/** `isRoomId` checks further (bytes, NFC, control characters): the server refuses others with ROOM_NAME_INVALID. */
export const RoomId = Type.String()
/** Id of a user, or of a connection where the message allows it. */
export const UserId = Type.String({ minLength: 1, maxLength: 128 })
/** Name of a user. */
export const Name = Type.String({ minLength: 1, maxLength: 128 })
/** Idempotency key. */
export const Key = Type.String({ minLength: 1, maxLength: 128 })
/** Number of an event in its room. */
export const Seq = Type.Integer({ minimum: 0 })
/** Milliseconds since 1970. */
export const Timestamp = Type.Integer({ minimum: 0, description: 'milliseconds since 1970' })
/** Text of a message. */
export const Content = Type.String({ minLength: 1 })
/** The acknowledgement of a message that has nothing else to say. */
export const Ok = Type.Object({ status: Type.Literal('ok') })
/** Names a log of a room. */
export const Epoch = Type.String({ minLength: 1, maxLength: 64 })
/** A place in the log of a room. */
export const Position = Type.Object({ epoch: Epoch, seq: Seq })
/** Whether a member has a connection, lost it a moment ago, or left. */
export const Status = Type.Union([Type.Literal('online'), Type.Literal('reconnecting'), Type.Literal('left')])
/** What a connection says of itself in a room. */
export const PresenceState = Type.Record(Type.String(), Type.Unknown())
/** A user in a room. */
export const Member = Type.Object({ userId: UserId, name: Name, status: Status, state: Type.Optional(PresenceState) })
/** A page of the state of a room. */
export const StatePage = {
  fv: Type.Integer({ minimum: 0 }),
  state: Type.Record(
    Type.String({ minLength: 1, maxLength: 128 }),
    Type.Object({ value: Type.Unknown(), version: Type.Integer({ minimum: 1 }) }),
  ),
  more: Type.Boolean(),
}
/** Which events of a room a member is sent: all, the latest when its link is slow, or the latest at most every so often. */
export const Flow = Type.Union([
  Type.Literal('all'),
  Type.Literal('latest'),
  Type.Object({ everyMs: Type.Integer({ minimum: 1, maximum: 60_000 }) }),
])
/** Why a resume left a gap. */
export const ResetReason = Type.Union([Type.Literal('epoch'), Type.Literal('trimmed'), Type.Literal('too_far')])
/** What every durable event carries beside its own fields. */
export const Stored = { id: Type.String(), roomId: RoomId, seq: Seq, ts: Timestamp, key: Type.Optional(Key) }
/** A notification: a text, optionally a title and a link to its subject. */
export const NotificationBody = {
  message: Content,
  title: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  link: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
}
