/** What other backends, and admins, may do about users; and what backends may do about what users said. As server-routes.ts. G8, D11. */
import { Type } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Identity } from '../../core/ports/authenticator.ts'
import { RoomName, Status } from './declaration.ts'
import type { Route } from './route.ts'
import { BanBody, DisconnectBody, RedactBody, RoleBody, UserBody } from './server-events.ts'
import { LIST_MAX, PageOfList } from './server-rooms.ts'
import { checkOneOf, server } from './server-route.ts'

const errors = ['NOT_FOUND', 'UNAVAILABLE'] as const

const Account = Type.Object({
  userId: Type.String(),
  name: Type.String(),
  role: Type.Union([Type.String(), Type.Null()], { description: 'null: that of the token counts.' }),
  isBanned: Type.Boolean(),
  banReason: Type.Union([Type.String(), Type.Null()], { description: 'What the user was told of it.' }),
  createdAt: Type.Integer({ description: 'Milliseconds since 1970.' }),
  connections: Type.Integer({ description: 'How many are open.' }),
})

export const serverUserRoutes: readonly Route[] = [
  server('GET', 'accounts', {
    access: 'admin',
    summary: 'Everyone who has an account, connected or not, by id.',
    query: Type.Object({
      search: Type.Optional(Type.String({ maxLength: 128, description: 'Part of the name, or the whole id.' })),
      only: Type.Optional(Type.Literal('banned')),
      ...PageOfList,
    }),
    answer: Type.Object({ accounts: Type.Array(Account), more: Type.Boolean() }),
    errors: ['UNAVAILABLE'],
    example: {
      query: { search: 'ann' },
      answer: {
        accounts: [
          {
            ...{ userId: 'ann', name: 'Ann', role: null, isBanned: false, banReason: null },
            ...{ createdAt: 1763712000456, connections: 1 },
          },
        ],
        more: false,
      },
    },
    respond: ({ host, query: { search = '', only, after = '', limit = LIST_MAX } }) =>
      host.server.accounts({ search, isBanned: only === 'banned' || undefined, after, limit }),
  }),
  server('POST', 'disconnect', {
    access: 'admin',
    summary:
      'Close one connection, or every connection of a user, at once (4009). Their clients do not come back by themselves.',
    body: DisconnectBody,
    answer: Type.Object({ status: Type.Literal('ok'), disconnected: Type.Integer() }),
    example: { body: { userId: 'bob', reason: 'Signed out' }, answer: { status: 'ok', disconnected: 1 } },
    respond({ host, body, identity }) {
      checkOneOf(body, 'userId', 'connectionId')
      if (body.userId !== undefined) checkIsAnother(identity, body.userId)
      return host.server.disconnect(body)
    },
  }),
  server('POST', 'refresh', {
    summary: 'Run the checks and rules again for a user whose rights changed: rooms that are lost are left, and told.',
    body: UserBody,
    answer: Type.Object({
      status: Type.Literal('ok'),
      connections: Type.Integer(),
      lost: Type.Array(Type.Object({ namespace: Type.String(), connectionId: Type.String(), roomId: RoomName })),
    }),
    example: { body: { userId: 'ann' }, answer: { status: 'ok', connections: 1, lost: [] } },
    respond: ({ host, body }) => host.server.refresh(body.userId),
  }),
  server('POST', 'ban', {
    access: 'admin',
    summary: 'Shut a user out, and close every connection they have (4003).',
    body: BanBody,
    answer: Status,
    errors,
    example: { body: { userId: 'mallory', reason: 'Repeated spam' }, answer: { status: 'ok' } },
    respond({ host, body, identity }) {
      checkIsAnother(identity, body.userId)
      return host.server.ban(body.userId, body.reason?.trim() || undefined)
    },
  }),
  server('POST', 'unban', {
    access: 'admin',
    summary: 'Let a user in again.',
    body: UserBody,
    answer: Status,
    errors,
    example: { body: { userId: 'mallory' }, answer: { status: 'ok' } },
    respond({ host, body, identity }) {
      checkIsAnother(identity, body.userId)
      return host.server.unban(body.userId)
    },
  }),
  server('POST', 'role', {
    access: 'admin',
    summary: 'Give a user a role, whatever their token says; checks and rules run again on every open connection.',
    body: RoleBody,
    answer: Status,
    errors,
    example: { body: { userId: 'ann', role: 'support' }, answer: { status: 'ok' } },
    respond({ host, body, identity }) {
      checkIsAnother(identity, body.userId)
      return host.server.setRole(body.userId, body.role)
    },
  }),
  server('POST', 'redact', {
    summary: 'Take out of the log what was said: one event, or everything of a user in a namespace. Numbers stay.',
    description:
      'Of one message the later wordings go too, and members are told `message:redacted`. What a user said goes silently: it is not there any more for who reads it later.',
    body: RedactBody,
    answer: Type.Object({
      status: Type.Literal('ok'),
      redacted: Type.Integer({ description: 'Events that had a content.' }),
    }),
    errors,
    example: { body: { roomId: 'lobby', seq: 1 }, answer: { status: 'ok', redacted: 1 } },
    respond({ host, body }) {
      checkOneOf(body, 'userId', 'roomId')
      if (body.roomId === undefined || body.seq !== undefined) return host.server.redact(body)
      throw new RoomfulError('INVALID_MESSAGE', 'Field seq is missing', { field: 'seq' })
    },
  }),
]

/** @throws RoomfulError FORBIDDEN: an admin who shuts themselves out cannot come back to mend it */
function checkIsAnother({ user }: Identity, userId: string): void {
  if (user.sub === userId) throw new RoomfulError('FORBIDDEN', 'Another administrator has to do this to you')
}
