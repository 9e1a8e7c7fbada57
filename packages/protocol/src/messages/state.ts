/** The state of a room: names with values, beside its events. And how far users have read. */
import { Type } from 'typebox'
import { down, RoomId, Seq, StatePage, UserId, up } from './definition.ts'

const StateName = Type.String({ minLength: 1, maxLength: 128 })
const Version = Type.Integer({ minimum: 0 })
const Changed = Type.Object({
  status: Type.Literal('ok'),
  fv: Version,
  version: Version,
  value: Type.Optional(Type.Unknown()),
})

export const stateSet = up('state:set', {
  when:
    'To set a value in the state of a room, as JSON up to 8,192 characters. With `version` only if it has that version, 0 for ' +
    'none: otherwise `CONFLICT` with the `value` and `version` there are.',
  data: Type.Object({
    roomId: RoomId,
    name: StateName,
    value: Type.Unknown(),
    version: Type.Optional(Version),
  }),
  ack: Changed,
})

export const stateDelete = up('state:delete', {
  when: 'To delete a name from the state of a room; `version` as with `state:set`.',
  data: Type.Object({ roomId: RoomId, name: StateName, version: Type.Optional(Version) }),
  ack: Changed,
})

export const stateAdd = up('state:add', {
  when: 'To add to a whole number in the state of a room; one that is not there begins at 0. The answer has the sum.',
  data: Type.Object({ roomId: RoomId, name: StateName, by: Type.Integer() }),
  ack: Changed,
})

export const stateGet = up('state:get', {
  when: 'To read the state of a room, 200 names at a time, in their order.',
  data: Type.Object({ roomId: RoomId, after: Type.Optional(StateName) }),
  ack: Type.Object({ status: Type.Literal('ok'), ...StatePage }),
})

export const stateChanged = down('state:changed', {
  delivery: 'transient',
  when:
    'The state of a room has another value under this name, or it is `deleted`. `fv` numbers the changes of a room and is the ' +
    '`version` of the entry. `since` is the number before: if yours is lower, you missed one, so ask for all (`state:get`).',
  data: Type.Object({
    roomId: RoomId,
    since: Version,
    fv: Version,
    name: StateName,
    value: Type.Optional(Type.Unknown()),
    deleted: Type.Optional(Type.Boolean()),
    version: Version,
    userId: Type.Optional(UserId),
  }),
})

export const roomRead = up('room:read', {
  when: 'You have read a room up to this number. It never goes back: the answer has the highest.',
  data: Type.Object({ roomId: RoomId, seq: Seq }),
  ack: Type.Object({ status: Type.Literal('ok'), seq: Seq }),
})

export const roomReadDown = down('room:read', {
  delivery: 'transient',
  when: 'A user has read a room up to `seq`: to their other connections, and to all members where the room says so.',
  data: Type.Object({ roomId: RoomId, userId: UserId, seq: Seq }),
})

export const roomUnread = up('room:unread', {
  when: 'To count the messages of others that you have not read, in up to 100 rooms: at most 100 of each, among its first 500 unread events.',
  data: Type.Object({ roomIds: Type.Array(RoomId, { maxItems: 100 }) }),
  ack: Type.Object({
    status: Type.Literal('ok'),
    rooms: Type.Array(Type.Object({ roomId: RoomId, seq: Seq, read: Seq, unread: Type.Integer() })),
  }),
})
