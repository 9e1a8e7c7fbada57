/**
 * Authenticates by a token or a ticket, and then checks the account: it may be banned or have another role.
 *
 * The role in the token counts unless an administrator has set one on the account. So roles can be changed while tokens are
 * valid. Tickets are checked against the account again when they are used.
 */
import type { Credentials } from '@roomful/protocol'
import { bannedError, RoomfulError } from '../../core/base/errors.ts'
import type { Authenticator, Identity, Users } from '../../core/ports/users.ts'
import type { TokenVerifier } from './jwt.ts'
import type { TicketOffice } from './tickets.ts'

/** What the authenticator uses. */
export interface AccountAuthenticatorParts {
  readonly verifier: TokenVerifier
  readonly tickets: TicketOffice
  readonly users: Users
  /** For a valid token of an unknown user: `open` creates the user, `strict` refuses the token. */
  readonly unknownUsers: 'open' | 'strict'
}

/** The authenticator of a server with accounts. */
export class AccountAuthenticator implements Authenticator {
  private readonly parts: AccountAuthenticatorParts

  constructor(parts: AccountAuthenticatorParts) {
    this.parts = parts
  }

  async authenticate({ token, ticket }: Credentials, stream?: string): Promise<Identity> {
    const { verifier, tickets } = this.parts
    if (ticket !== undefined) return this.withAccount(await tickets.redeem(ticket, stream))
    if (token !== undefined) return this.withAccount(await verifier.verify(token))
    throw new RoomfulError('UNAUTHENTICATED')
  }

  /** Checks the account of a user who has shown who they are. @throws RoomfulError (rejects) USER_UNKNOWN, BANNED */
  async withAccount({ user, expiresAt }: Identity): Promise<Identity> {
    const { users, unknownUsers } = this.parts
    const account = unknownUsers === 'strict' ? await users.find(user.sub) : await users.ensure(user)
    if (!account) throw new RoomfulError('USER_UNKNOWN')
    if (account.banned) throw bannedError(account.banReason)
    return { user: account.role === undefined ? user : { ...user, role: account.role }, expiresAt }
  }
}
