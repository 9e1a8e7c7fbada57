/** What a path is answered with. One object per path; `http.ts` finds it and takes care of everything around it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Credentials, isRoomId } from '@roomful/protocol'
import { RoomfulError } from '../../../core/errors.ts'
import type { Identity } from '../../../core/ports/authenticator.ts'
import type { HttpHost } from './host.ts'

export interface Route {
  readonly method: 'GET' | 'POST'
  /** Its groups become `params`, decoded. */
  readonly path: RegExp
  answer(exchange: Exchange): Promise<void> | void
}

/** One request on its way to an answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly host: HttpHost
  readonly params: readonly string[]
  readonly query: URLSearchParams
  /** The client's address, behind trusted proxies. */
  readonly ip: string
  /** Whose attempts to sign in count together; undefined for this machine, which may be a proxy that hides everyone. */
  readonly countedAddress: string | undefined
}

/** @throws RoomfulError (rejects) UNAUTHENTICATED, and what the authenticator throws */
export async function authenticate({ request, host }: Exchange): Promise<Identity> {
  const { authorization } = request.headers
  if (authorization === undefined || !/^bearer\b/i.test(authorization)) {
    throw new RoomfulError('UNAUTHENTICATED', 'Authentication failed: send the token as Authorization: Bearer <token>')
  }
  const credentials: Credentials = { token: authorization.slice('bearer'.length).trim() }
  return host.accounts.authenticate(credentials)
}

/** @throws RoomfulError ROOM_NAME_INVALID */
export function roomOf({ params }: Exchange): string {
  const [roomId] = params
  if (!isRoomId(roomId)) throw new RoomfulError('ROOM_NAME_INVALID', undefined, { field: 'roomId' })
  return roomId
}

/** @throws RoomfulError INVALID_MESSAGE naming the parameter */
export function numberOf({ query }: Exchange, field: string, min: number, max: number): number | undefined {
  const given = query.get(field)
  if (given === null) return undefined
  const number = Number(given)
  if (/^\d{1,16}$/.test(given) && number >= min && number <= max) return number
  throw new RoomfulError('INVALID_MESSAGE', `${field} must be a whole number from ${min} to ${max}`, { field })
}
