/** What other backends may ask, as schemas: routes hold requests against them, and the types follow. */
import { Key, UserId } from '@roomful/protocol/messages'
import { type Static, Type } from 'typebox'
import { NamespaceName, RoomName } from './declaration.ts'

/** A field that is misspelt would be a limit, a key or a condition that silently does not hold. */
const exact = { additionalProperties: false } as const

const EventFields = {
  namespace: NamespaceName,
  event: Type.String({ minLength: 1, maxLength: 128, description: 'Its name.' }),
  data: Type.Optional(Type.Unknown({ description: 'The one argument. Bytes are `{"$binary": "<base64>"}`.' })),
  args: Type.Optional(Type.Array(Type.Unknown(), { description: 'Several arguments, instead of `data`.' })),
}

export const PublishBody = Type.Object(
  {
    ...EventFields,
    roomId: Type.Optional(RoomName),
    rooms: Type.Optional(
      Type.Array(Type.String(), { minItems: 1, maxItems: 100, description: 'Several rooms, instead of `roomId`.' }),
    ),
    key: Type.Optional({
      ...Key,
      description:
        'Makes a repeat harmless, in each room by itself: it is answered as the first time, and stored where it was not.',
    }),
    userId: Type.Optional({ ...UserId, description: 'Who said it, for what is asked by user later.' }),
  },
  exact,
)
export const EmitBody = Type.Object(
  {
    ...EventFields,
    rooms: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        maxItems: 100,
        description: 'Rooms, `user:<id>`, or ids of connections; everyone in the namespace without it.',
      }),
    ),
    volatile: Type.Optional(Type.Boolean({ description: 'May be dropped for a client that reads slowly.' })),
  },
  exact,
)
export const DisconnectBody = Type.Object(
  {
    userId: Type.Optional(UserId),
    connectionId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    reason: Type.Optional(
      Type.String({ maxLength: 100, pattern: '^[\\x20-\\x7e]*$', description: 'What its client is told.' }),
    ),
  },
  exact,
)
export const UserBody = Type.Object({ userId: UserId }, exact)
export const BanBody = Type.Object(
  {
    userId: UserId,
    reason: Type.Optional(
      Type.String({
        maxLength: 200,
        pattern: '^[^\\u0000-\\u001f\\u007f]*$',
        description: 'What the user is told, now and whenever they try again.',
      }),
    ),
  },
  exact,
)
export const MemberBody = Type.Object({ namespace: NamespaceName, userId: UserId }, exact)
export const RoleBody = Type.Object(
  {
    userId: UserId,
    role: Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Null()], {
      description: 'null: the role in the user’s token counts again, from their next connection or refresh on.',
    }),
  },
  exact,
)
export const RedactBody = Type.Object(
  {
    namespace: NamespaceName,
    roomId: Type.Optional(RoomName),
    seq: Type.Optional(Type.Integer({ minimum: 1 })),
    userId: Type.Optional({ ...UserId, description: 'Everything that this user said in the namespace.' }),
  },
  exact,
)

const PublishedEvent = {
  id: Type.String(),
  roomId: Type.String(),
  seq: Type.Integer(),
  ts: Type.Integer({ description: 'Milliseconds since 1970.' }),
}
export const Published = Type.Union([
  Type.Object({ status: Type.Literal('ok'), ...PublishedEvent }),
  Type.Object({
    status: Type.Literal('ok'),
    events: Type.Array(Type.Object(PublishedEvent), { description: 'One for each of `rooms`, in their order.' }),
  }),
])

export type PublishRequest = Static<typeof PublishBody>
export type EmitRequest = Static<typeof EmitBody>
export type DisconnectRequest = Static<typeof DisconnectBody>
export type RedactRequest = Static<typeof RedactBody>
