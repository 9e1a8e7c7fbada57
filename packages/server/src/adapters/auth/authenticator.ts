/**
 * Who is this? A token or a ticket says so; the account says whether they may come in at all, and as what.
 *
 * The role is that of the token, unless an administrator gave the account one: then it is the account's, whatever the
 * token says, so that a right can be given or taken while tokens are out. A ticket is checked against the account again
 * when it is used.
 */
import type { Credentials } from '@roomful/protocol'
import { bannedError, RoomfulError } from '../../core/base/errors.ts'
import type { Authenticator, Identity } from '../../core/ports/authenticator.ts'
import type { Users } from '../../core/ports/users.ts'
import type { TokenVerifier } from './jwt.ts'
import type { Tickets } from './tickets.ts'

export interface AccountAuthenticatorParts {
  readonly verifier: TokenVerifier
  readonly tickets: Tickets
  readonly users: Users
  /** `open`: a valid token of an unknown user creates the user; `strict`: it is refused. */
  readonly unknownUsers: 'open' | 'strict'
}

export class AccountAuthenticator implements Authenticator {
  private readonly parts: AccountAuthenticatorParts

  constructor(parts: AccountAuthenticatorParts) {
    this.parts = parts
  }

  async authenticate({ token, ticket }: Credentials, stream?: string): Promise<Identity> {
    const { verifier, tickets } = this.parts
    if (ticket !== undefined) return this.withAccount(tickets.redeem(ticket, stream))
    if (token !== undefined) return this.withAccount(await verifier.verify(token))
    throw new RoomfulError('UNAUTHENTICATED')
  }

  private async withAccount({ user, expiresAt }: Identity): Promise<Identity> {
    const { users, unknownUsers } = this.parts
    const account = unknownUsers === 'strict' ? await users.find(user.sub) : await users.ensure(user)
    if (!account) throw new RoomfulError('USER_UNKNOWN')
    if (account.banned) throw bannedError(account.banReason)
    return { user: account.role === undefined ? user : { ...user, role: account.role }, expiresAt }
  }
}
