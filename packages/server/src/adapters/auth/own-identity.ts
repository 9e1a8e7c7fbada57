/**
 * The application's own way to know who a client is: a function that reads cookies, headers and credentials. Where it knows
 * no one, tickets and tokens of the server still work, and then guests where they are allowed. D19.
 */
import type { Credentials } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Observer } from '../../core/ports/observer.ts'
import type { Clock } from '../../core/ports/system.ts'
import type { Authenticator, ClientRequest, Identity } from '../../core/ports/users.ts'
import type { AccountAuthenticator } from './authenticator.ts'
import { identityOf, refusal } from './claims.ts'

/** A user as the application names one. */
export interface GivenUser {
  /** The id: at most 128 bytes. */
  readonly sub: string
  /** The name that others see. Default: the id. */
  readonly name?: string
  /** Any name of a role. Default: `user`. */
  readonly role?: string
  /** When the client has to show again who it is; ms since 1970, or a date. Default: never. */
  readonly expiresAt?: number | Date
  /** What the user may do, by room or pattern: `{ 'board:7': ['join', 'publish'], 'team-*': ['join'] }`. Default: what the rules allow. */
  readonly rooms?: Readonly<Record<string, readonly ('join' | 'publish' | 'history' | 'presence')[]>>
  /** Whatever else `user` shall have in handlers and rules. Other clients are not sent it. */
  readonly [claim: string]: unknown
}

/**
 * Says who a client is.
 * @param request the HTTP request by which it came, also for a Socket.IO or WebSocket connection
 * @param credentials a token or a name that it sent, in the request or in its first message
 * @returns undefined for a client that it does not know
 * @throws RoomfulError to refuse the client, with TOKEN_INVALID, TOKEN_EXPIRED, BANNED, FORBIDDEN, or a code of your own
 */
export type Authenticate = (
  request: ClientRequest,
  credentials: Credentials,
) => GivenUser | undefined | null | Promise<GivenUser | undefined | null>

/** As {@link Authenticate}, by one that keeps answers. */
export interface KeepingAuthenticate extends Authenticate {
  forget(userId: string): void
}

/** After this time the client is refused with UNAVAILABLE. */
const TIMEOUT_MS = 5_000
const RETRY_AFTER_MS = 1_000
const NO_REQUEST: ClientRequest = { url: '/', headers: {}, ip: '' }

/** What {@link OwnIdentity} uses. */
export interface OwnIdentityParts {
  readonly authenticate: Authenticate | KeepingAuthenticate
  /** Knows tickets, tokens and accounts. */
  readonly accounts: AccountAuthenticator
  readonly clock: Clock
  readonly observer: Observer
}

/** An authenticator that asks the application first. */
export class OwnIdentity implements Authenticator {
  readonly readsRequests = true
  private readonly parts: OwnIdentityParts

  constructor(parts: OwnIdentityParts) {
    this.parts = parts
  }

  async authenticate(credentials: Credentials, stream?: string, request = NO_REQUEST): Promise<Identity> {
    const { accounts } = this.parts
    if (credentials.ticket !== undefined) return accounts.authenticate(credentials, stream)
    const given = await this.ask(request, credentials)
    return given ? accounts.withAccount(identityOfGiven(given)) : accounts.authenticate(credentials, stream)
  }

  forget(userId: string): void {
    const { authenticate } = this.parts
    if ('forget' in authenticate) authenticate.forget(userId)
  }

  private async ask(request: ClientRequest, credentials: Credentials): Promise<GivenUser | undefined | null> {
    const { authenticate, clock, observer } = this.parts
    const late = Promise.withResolvers<never>()
    const cancel = clock.after(TIMEOUT_MS, () => late.reject(new Error('authenticate() took longer than 5 s')))
    try {
      return await Promise.race([authenticate(request, credentials), late.promise])
    } catch (error) {
      if (error instanceof RoomfulError) throw error
      const about = { namespace: '', event: 'authenticate', userId: '', connectionId: '', payload: request.url }
      observer.observe({ type: 'handler:failed', ...about, error })
      const sentence = 'Who you are cannot be checked now; try again later'
      throw new RoomfulError('UNAVAILABLE', sentence, { retryAfterMs: RETRY_AFTER_MS, cause: error })
    } finally {
      cancel()
    }
  }
}

function identityOfGiven({ role = 'user', expiresAt, ...claims }: GivenUser): Identity {
  const { user } = identityOf({ ...claims, exp: undefined })
  if (typeof role !== 'string' || role === '' || role.length > 64) throw refusal('a role has 1 to 64 characters')
  const endsAt = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt
  return { user: { ...user, role }, expiresAt: endsAt }
}
