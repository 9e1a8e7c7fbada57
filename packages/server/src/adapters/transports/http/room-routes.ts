/** The rooms of the default namespace, read without a connection: list, members, history. B25, WIRE 1. */
import { RoomfulError } from '../../../core/errors.ts'
import type { User } from '../../../core/user.ts'
import { replyJson } from './reply.ts'
import { authenticate, type Exchange, numberOf, type Route, roomOf } from './route.ts'

const PAGE_MAX = 100

export const roomRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: /^\/api\/rooms$/,
    async answer(exchange) {
      replyJson(exchange.response, 200, await exchange.host.rooms.list(await reader(exchange)))
    },
  },
  {
    method: 'GET',
    path: /^\/api\/rooms\/([^/]+)\/users$/,
    async answer(exchange) {
      const user = await reader(exchange)
      replyJson(exchange.response, 200, await exchange.host.rooms.members(user, roomOf(exchange)))
    },
  },
  {
    method: 'GET',
    path: /^\/api\/rooms\/([^/]+)\/events$/,
    async answer(exchange) {
      const user = await reader(exchange)
      const before = numberOf(exchange, 'before', 1, Number.MAX_SAFE_INTEGER)
      const after = numberOf(exchange, 'after', 0, Number.MAX_SAFE_INTEGER)
      if (before !== undefined && after !== undefined) {
        throw new RoomfulError('INVALID_MESSAGE', 'Give before or after, not both', { field: 'before' })
      }
      const limit = numberOf(exchange, 'limit', 1, PAGE_MAX) ?? PAGE_MAX
      const page = { before, after, limit }
      replyJson(exchange.response, 200, await exchange.host.rooms.events(user, roomOf(exchange), page))
    },
  },
]

async function reader(exchange: Exchange): Promise<User> {
  const { user } = await authenticate(exchange)
  exchange.host.rooms.take(user)
  return user
}
