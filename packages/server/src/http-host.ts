/** What the HTTP side asks for, answered by the core, the accounts and the metrics. */
import type { Accounts } from './adapters/auth/accounts.ts'
import type { Tickets } from './adapters/auth/tickets.ts'
import type { Metrics } from './adapters/observe/metrics.ts'
import { createFallbacks } from './adapters/transports/fallbacks/index.ts'
import type { HttpHost, HttpRooms } from './adapters/transports/http/host.ts'
import type { HttpLinks } from './adapters/transports/v1-http/links.ts'
import { RoomfulError } from './core/errors.ts'
import { readHistory } from './core/history.ts'
import type { Hub } from './core/hub.ts'
import type { Namespace } from './core/namespace.ts'
import type { RoomAction } from './core/room-declaration.ts'
import type { User } from './core/user.ts'

export interface HttpHostParts {
  readonly hub: Hub
  readonly links: HttpLinks
  readonly accounts: Accounts
  readonly tickets: Tickets
  readonly metrics: Metrics
}

/** Of the namespace that has no name in a URL. */
const NAMESPACE = '/'

export function createHttpHost({ hub, links, accounts, tickets, metrics }: HttpHostParts): HttpHost {
  return {
    clients: () => hub.links.size,
    ready: () => hub.isReady,
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    report(error, what, user) {
      const userId = user?.sub ?? ''
      const fact = { namespace: 'http', event: what, userId, connectionId: '', payload: undefined, error }
      hub.observer.observe({ type: 'handler:failed', ...fact })
    },
    accounts: {
      authenticate: (credentials) => hub.authenticator.authenticate(credentials),
      signUp: (given, address) => accounts.signUp(given, address),
      signIn: (given, address) => accounts.signIn(given, address),
      issueTicket: (identity) => tickets.issue(identity),
    },
    rooms: createRooms(hub),
    fallbacks: createFallbacks(hub, links),
  }
}

function createRooms(hub: Hub): HttpRooms {
  /** Asks the room's rules, as a connection would be asked. */
  const check = async (user: User, action: RoomAction, roomId: string): Promise<Namespace> => {
    const namespace = openNamespace(hub)
    await hub.access.may({ namespace, user, id: '' }, action, roomId)
    return namespace
  }
  return {
    take(user) {
      // No user id begins with a control character, so these are counted apart from messages.
      const retryAfterMs = hub.limiter.take(`\u0000http ${user.sub}`, hub.settings.ratePerSecond, 1_000)
      if (retryAfterMs === 0) return
      hub.observer.observe({ type: 'rate-limited', scope: 'user' })
      throw new RoomfulError('RATE_LIMITED', undefined, { retryAfterMs })
    },
    list: async () => ({ rooms: openNamespace(hub).listRooms() }),
    async members(user, roomId) {
      const namespace = await check(user, 'presence', roomId)
      const room = namespace.rooms.get(roomId)
      return room ? namespace.presence.snapshot(room) : { users: [], count: 0, pv: 0 }
    },
    events: async (user, roomId, page) => readHistory(hub, await check(user, 'history', roomId), roomId, page),
  }
}

/**
 * Middleware judges a connection, and there is none: what it guards is read over a connection.
 * @throws RoomfulError NOT_FOUND, FORBIDDEN
 */
function openNamespace(hub: Hub): Namespace {
  const namespace = hub.namespace(NAMESPACE)
  if (!namespace) throw new RoomfulError('NOT_FOUND', 'This server has no default namespace')
  if (namespace.middleware.length === 0) return namespace
  throw new RoomfulError('FORBIDDEN', 'The rooms of this server can only be read over a connection')
}
