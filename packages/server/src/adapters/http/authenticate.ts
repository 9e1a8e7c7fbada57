/** Authenticates a request by its `Authorization` header: a user's token, or the API key of a backend. */
import type { Credentials } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Identity } from '../../core/ports/users.ts'
import { clientRequest } from '../transports/request-info.ts'
import { type Exchange, userAgentOf } from './exchange.ts'
import type { HttpHost } from './host.ts'

/** A signed-in user. @throws RoomfulError (rejects) UNAUTHENTICATED, and what the authenticator throws */
export async function authenticateUser(exchange: Exchange, { hub }: HttpHost): Promise<Identity> {
  const { authenticator } = hub.runtime
  const { request, ip } = exchange
  if (authenticator.readsRequests && request.headers.authorization === undefined) {
    return authenticator.authenticate({}, undefined, clientRequest(request, ip))
  }
  const credentials: Credentials = { token: bearer(exchange, 'send the token') }
  return authenticator.authenticate(credentials, undefined, clientRequest(request, ip))
}

/** The holder of the API key. @throws RoomfulError (rejects) UNAUTHENTICATED, TOKEN_INVALID, RATE_LIMITED */
export async function authenticateKey(exchange: Exchange, { apiKey }: HttpHost): Promise<Identity> {
  const { ip, countedAddress } = exchange
  const userAgent = userAgentOf(exchange)
  await apiKey?.check(bearer(exchange, 'send the API key'), { ip, countedAddress, userAgent })
  return KEY_HOLDER
}

/** The holder of the API key, or a user with the role admin. @throws RoomfulError (rejects) as the two above, FORBIDDEN */
export async function authenticateAdmin(exchange: Exchange, host: HttpHost): Promise<Identity> {
  const { apiKey } = host
  const given = bearer(exchange, apiKey ? 'send the API key, or the token of an admin,' : 'send the token of an admin')
  // A token has three parts. A key may have three parts too, so it is compared.
  if (apiKey && (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(given) || apiKey.matches(given))) {
    return authenticateKey(exchange, host)
  }
  const identity = await authenticateUser(exchange, host)
  if (identity.user.role !== 'admin') throw new RoomfulError('FORBIDDEN', 'This needs the role admin')
  return identity
}

const KEY_HOLDER: Identity = {
  user: Object.freeze({ sub: '', name: '', role: 'admin' }),
  expiresAt: undefined,
}

function bearer({ request }: Exchange, what: string): string {
  const { authorization } = request.headers
  if (authorization !== undefined && /^bearer\b/i.test(authorization))
    return authorization.slice('bearer'.length).trim()
  throw new RoomfulError('UNAUTHENTICATED', `Authentication failed: ${what} as Authorization: Bearer …`)
}
