/** Who is in a room or online, and who is writing. */
import { Type } from 'typebox'
import { down, Member, Name, Ok, PresenceState, RoomId, UserId, up } from './definition.ts'

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

export const presenceSet = up('presence:set', {
  when:
    'To say something of yourself in a room that you are in, as JSON up to 1,024 characters: a cursor, a mood. Members get it as ' +
    'a change in `presence:diff`; it goes with the connection. Of several connections of a user the latest field counts.',
  data: Type.Object({ roomId: RoomId, state: PresenceState }),
  ack: Type.Object({ status: Type.Literal('ok'), pv: Type.Integer() }),
})

export const userJoined = down('user:joined', {
  delivery: 'transient',
  when: 'A user became a member of a room with up to 200 members. `pv` numbers the change of membership.',
  data: Type.Object({
    roomId: RoomId,
    userId: UserId,
    name: Name,
    pv: Type.Integer(),
    state: Type.Optional(PresenceState),
  }),
})

export const userLeft = down('user:left', {
  delivery: 'transient',
  when: 'The last connection of a user left a room with up to 200 members.',
  data: Type.Object({ roomId: RoomId, userId: UserId, reason: Type.String(), pv: Type.Integer() }),
})

export const presenceDiff = down('presence:diff', {
  delivery: 'transient',
  when: 'What changed since the number `since`, at most every 100 ms: in rooms with more than 200 members who joined and left; in every room whose connection was lost (`reconnecting`), who is back, and who says something else of themselves (`state`).',
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
  when: 'A user came online or went offline. Sent to the namespace; above 1,000 connections only to users who share a room.',
  data: Type.Object({ userId: UserId, status: Type.Union([Type.Literal('online'), Type.Literal('offline')]) }),
})

export const usersCount = down('users:count', {
  delivery: 'transient',
  when: 'How many users and connections the namespace has: when you connect, and at most once a second when it changes.',
  data: Type.Object({ count: Type.Integer(), connections: Type.Integer() }),
})

const Typist = Type.Object({ roomId: RoomId, userId: UserId, name: Name })

export const typingStart = up('typing:start', {
  when: 'While writing, at least every 5 s.',
  data: Type.Object({ roomId: RoomId }),
  ack: Ok,
})

export const typingStop = up('typing:stop', {
  when: 'When writing paused.',
  data: Type.Object({ roomId: RoomId }),
  ack: Ok,
})

export const userTyping = down('user:typing', {
  delivery: 'transient',
  when: 'Another user in the room is writing.',
  data: Typist,
})

export const userStopTyping = down('user:stop-typing', {
  delivery: 'transient',
  when: 'That user stopped, sent a message, went away, or sent no other start for 5 s.',
  data: Typist,
})
