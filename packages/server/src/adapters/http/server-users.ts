/** What other backends and admins may do with users: list, disconnect, ban, change roles. */
import { CLOSE_CODES } from '@roomful/protocol'
import { UserId } from '@roomful/protocol/messages'
import { type Static, Type } from 'typebox'
import type { Administration } from '../../core/administration.ts'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Reached } from '../../core/ports/nodes.ts'
import type { AccountQuestion, Identity } from '../../core/ports/users.ts'
import { checkOneOf, exact, LIST_MAX, Nodes, OK, PageOfList, RoomName, type Route, server } from './declare.ts'

const DisconnectBody = Type.Object(
  {
    userId: Type.Optional(UserId),
    connectionId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    reason: Type.Optional(
      Type.String({ maxLength: 100, pattern: '^[\\x20-\\x7e]*$', description: 'Sent to its client.' }),
    ),
  },
  exact,
)
const UserBody = Type.Object({ userId: UserId }, exact)
const BanBody = Type.Object(
  {
    userId: UserId,
    reason: Type.Optional(
      Type.String({
        maxLength: 200,
        pattern: '^[^\\u0000-\\u001f\\u007f]*$',
        description: 'Sent to the user, now and at every later attempt.',
      }),
    ),
  },
  exact,
)
const RoleBody = Type.Object(
  {
    userId: UserId,
    role: Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Null()], {
      description: 'null: the role in the user’s token counts again, from their next connection or refresh on.',
    }),
  },
  exact,
)

const errors = ['NOT_FOUND', 'UNAVAILABLE'] as const
const Done = Type.Object({ status: Type.Literal('ok'), ...Nodes })

const Account = Type.Object({
  userId: Type.String(),
  name: Type.String(),
  role: Type.Union([Type.String(), Type.Null()], { description: 'null: that of the token counts.' }),
  isBanned: Type.Boolean(),
  banReason: Type.Union([Type.String(), Type.Null()], { description: 'The reason that was sent to the user.' }),
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
    answer: Type.Object({
      accounts: Type.Array(Account),
      more: Type.Boolean(),
      next: Type.Optional(
        Type.String({ description: 'The search ended before the end of the list: go on with this as `after`.' }),
      ),
      ...Nodes,
    }),
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
      listAccounts(host.administration, { search, isBanned: only === 'banned' || undefined, after, limit }),
  }),
  server('POST', 'disconnect', {
    access: 'admin',
    summary:
      'Close one connection, or every connection of a user, at once (4009). Their clients do not come back by themselves.',
    body: DisconnectBody,
    answer: Type.Object({ status: Type.Literal('ok'), disconnected: Type.Integer(), ...Nodes }),
    example: { body: { userId: 'bob', reason: 'Signed out' }, answer: { status: 'ok', disconnected: 1 } },
    respond({ host, body, identity }) {
      checkOneOf(body, 'userId', 'connectionId')
      if (body.userId !== undefined) checkIsAnother(identity, body.userId)
      return disconnect(host.administration, body)
    },
  }),
  server('POST', 'refresh', {
    summary:
      'Run the checks and rules again for a user whose rights changed: rooms that are lost are left, and the client is informed.',
    body: UserBody,
    answer: Type.Object({
      status: Type.Literal('ok'),
      connections: Type.Integer(),
      lost: Type.Array(Type.Object({ namespace: Type.String(), connectionId: Type.String(), roomId: RoomName })),
      ...Nodes,
    }),
    example: { body: { userId: 'ann' }, answer: { status: 'ok', connections: 1, lost: [] } },
    async respond({ host, body }) {
      const refreshed = await host.administration.refresh(body.userId)
      const { connections, lost } = refreshed
      return { ...OK, connections, lost, ...nodesOf(refreshed) }
    },
  }),
  server('POST', 'ban', {
    access: 'admin',
    summary: 'Shut a user out, and close every connection they have (4003).',
    body: BanBody,
    answer: Done,
    errors,
    example: { body: { userId: 'mallory', reason: 'Repeated spam' }, answer: { status: 'ok' } },
    async respond({ host, body, identity }) {
      checkIsAnother(identity, body.userId)
      const done = await host.administration.ban(body.userId, body.reason?.trim() || undefined)
      return { ...OK, ...nodesOf(done) }
    },
  }),
  server('POST', 'unban', {
    access: 'admin',
    summary: 'Let a user in again.',
    body: UserBody,
    answer: Done,
    errors,
    example: { body: { userId: 'mallory' }, answer: { status: 'ok' } },
    async respond({ host, body, identity }) {
      checkIsAnother(identity, body.userId)
      const done = await host.administration.unban(body.userId)
      return { ...OK, ...nodesOf(done) }
    },
  }),
  server('POST', 'erase', {
    summary: 'Erase a person: what the user said, what the user received, and the account.',
    description:
      'Connections are closed first. Events keep their numbers and lose their contents. A ban stays. A valid token lets the user in again: ban the user before, if that must not be. Documents, and what the application stores by itself, are not touched.',
    body: UserBody,
    answer: Type.Object({
      status: Type.Literal('ok'),
      disconnected: Type.Integer(),
      namespaces: Type.Array(
        Type.Object({
          name: Type.String(),
          events: Type.Integer({ description: 'Of the user.' }),
          received: Type.Integer({ description: 'Of others, in the inbox of the user. They keep their copies.' }),
        }),
      ),
      account: Type.Boolean({ description: 'Whether there was one.' }),
      ...Nodes,
    }),
    errors: ['UNAVAILABLE'],
    example: { body: { userId: 'erin' }, answer: { status: 'ok', disconnected: 0, namespaces: [], account: false } },
    async respond({ host, body }) {
      const erased = await host.administration.erase(body.userId)
      const { connections: disconnected, namespaces, account } = erased
      return { ...OK, disconnected, namespaces, account, ...nodesOf(erased) }
    },
  }),
  server('POST', 'role', {
    access: 'admin',
    summary: 'Give a user a role, whatever their token says; checks and rules run again on every open connection.',
    body: RoleBody,
    answer: Done,
    errors,
    example: { body: { userId: 'ann', role: 'support' }, answer: { status: 'ok' } },
    async respond({ host, body, identity }) {
      checkIsAnother(identity, body.userId)
      const done = await host.administration.setRole(body.userId, body.role ?? undefined)
      return { ...OK, ...nodesOf(done) }
    },
  }),
]

/** Admins cannot ban or demote themselves: they could not undo it. @throws RoomfulError FORBIDDEN */
function checkIsAnother({ user }: Identity, userId: string): void {
  if (user.sub === userId) throw new RoomfulError('FORBIDDEN', 'Another administrator has to do this to you')
}

/** On a server that runs alone there is nothing to say of others. */
function nodesOf({ nodes }: Reached): Partial<Reached> {
  return nodes.asked === 0 ? {} : { nodes }
}

async function listAccounts(administration: Administration, question: AccountQuestion): Promise<unknown> {
  const { limit } = question
  const page = await administration.accounts({ ...question, limit: limit + 1 })
  const { accounts: found, stoppedAt } = page
  const accounts = found.slice(0, limit).map(({ sub, role, banned, banReason, ...each }) => {
    const { name, createdAt, connections } = each
    const judged = { role: role ?? null, isBanned: banned, banReason: banReason ?? null }
    return { userId: sub, name, ...judged, createdAt, connections }
  })
  const next = stoppedAt === undefined ? {} : { next: stoppedAt }
  return { accounts, more: found.length > limit || stoppedAt !== undefined, ...next, ...nodesOf(page) }
}

async function disconnect(
  administration: Administration,
  { userId, connectionId = '', reason }: Static<typeof DisconnectBody>,
): Promise<unknown> {
  const done =
    userId === undefined
      ? await administration.disconnectConnection(connectionId, reason)
      : await administration.disconnectUser(userId, CLOSE_CODES.KICKED.code, reason)
  return { ...OK, disconnected: done.connections, ...nodesOf(done) }
}
