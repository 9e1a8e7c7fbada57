import { Type } from 'typebox'
import { down, up } from './define.ts'
import { Member, Name, RoomId, UserId } from './shapes.ts'

export const presenceGet = up('presence:get', {
  when: 'To ask who is in a room; the same snapshot that the answer to a join carries.',
  data: Type.Object({ roomId: RoomId }),
  ack: Type.Object({
    status: Type.Literal('ok'),
    users: Type.Array(Member, { maxItems: 200 }),
    count: Type.Integer(),
    pv: Type.Integer(),
  }),
})

export const userJoined = down('user:joined', {
  delivery: 'transient',
  when: 'A user became a member of a room with up to 200 members. `pv` numbers the change of membership.',
  data: Type.Object({ roomId: RoomId, userId: UserId, name: Name, pv: Type.Integer() }),
})

export const userLeft = down('user:left', {
  delivery: 'transient',
  when: 'The last connection of a user left a room with up to 200 members.',
  data: Type.Object({ roomId: RoomId, userId: UserId, reason: Type.String(), pv: Type.Integer() }),
})

export const presenceDiff = down('presence:diff', {
  delivery: 'transient',
  when: 'What changed since the number `since`, at most every 100 ms: in rooms with more than 200 members who came and went, in any room who is on the way back (`reconnecting`) and who is there again.',
  data: Type.Object({
    roomId: RoomId,
    since: Type.Integer(),
    pv: Type.Integer(),
    joined: Type.Array(Member),
    left: Type.Array(UserId),
    changed: Type.Array(Member),
    count: Type.Integer(),
  }),
})

export const presenceUpdate = down('presence:update', {
  delivery: 'transient',
  when: 'The first connection of a user came, or the last one went: to the namespace, above 1,000 connections to those who share a room.',
  data: Type.Object({ userId: UserId, status: Type.Union([Type.Literal('online'), Type.Literal('offline')]) }),
})

export const usersCount = down('users:count', {
  delivery: 'transient',
  when: 'How many users and connections the namespace has: on own connect, and at most once a second when it changes.',
  data: Type.Object({ count: Type.Integer(), connections: Type.Integer() }),
})
