/** What other backends may do about users and what they said. As server-routes.ts. G8, D11. */
import { Type } from 'typebox'
import { RoomfulError } from '../../../core/errors.ts'
import { RoomName, Status } from './declaration.ts'
import type { Route } from './route.ts'
import { server } from './server-route.ts'
import { DisconnectBody, RedactBody, RoleBody, UserBody } from './server-schemas.ts'

const errors = ['NOT_FOUND', 'UNAVAILABLE'] as const

export const serverUserRoutes: readonly Route[] = [
  server('POST', 'disconnect', {
    summary:
      'Close one connection, or every connection of a user, at once (4009). Their clients do not come back by themselves.',
    body: DisconnectBody,
    answer: Type.Object({ status: Type.Literal('ok'), disconnected: Type.Integer() }),
    example: { body: { userId: 'bob', reason: 'Signed out' }, answer: { status: 'ok', disconnected: 1 } },
    respond({ host, body }) {
      checkOneOf(body, 'userId', 'connectionId')
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
    summary: 'Shut a user out, and close every connection they have (4003).',
    body: UserBody,
    answer: Status,
    errors,
    example: { body: { userId: 'mallory' }, answer: { status: 'ok' } },
    respond: ({ host, body }) => host.server.ban(body.userId),
  }),
  server('POST', 'unban', {
    summary: 'Let a user in again.',
    body: UserBody,
    answer: Status,
    errors,
    example: { body: { userId: 'mallory' }, answer: { status: 'ok' } },
    respond: ({ host, body }) => host.server.unban(body.userId),
  }),
  server('POST', 'role', {
    summary: 'Give a user a role, whatever their token says; checks and rules run again on every open connection.',
    body: RoleBody,
    answer: Status,
    errors,
    example: { body: { userId: 'ann', role: 'support' }, answer: { status: 'ok' } },
    respond: ({ host, body }) => host.server.setRole(body.userId, body.role),
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

/** @throws RoomfulError INVALID_MESSAGE unless exactly one of two fields is given */
function checkOneOf<Field extends string>(body: { readonly [F in Field]?: unknown }, one: Field, other: Field): void {
  if ((body[one] === undefined) !== (body[other] === undefined)) return
  throw new RoomfulError('INVALID_MESSAGE', `Give either ${one} or ${other}`, { field: one })
}
