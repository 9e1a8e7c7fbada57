/** Tokens that a test issues: each stands for a user, may expire, and may be refused as a real one would be. */
import type { Clock } from '@roomful/server/ports'
import { type Authenticator, type Identity, RoomfulError, type User } from '@roomful/server/testing'
import { TestUsers } from './users.ts'

/** A user, or only an id, which is then also the name, with the role `user`. */
export type TestUser =
  | string
  | { readonly sub: string; readonly name?: string; readonly role?: string; readonly [claim: string]: unknown }

export interface TokenOptions {
  /** How long the token is valid, ms. It never expires without it. */
  readonly expiresInMs?: number
}

export class TestAuthenticator implements Authenticator {
  readonly users: TestUsers
  private readonly clock: Clock
  private readonly identities = new Map<string, Identity>()
  private issued = 0

  constructor(clock: Clock) {
    this.clock = clock
    this.users = new TestUsers(clock)
  }

  /** @returns a token for the user */
  issue(user: TestUser, { expiresInMs }: TokenOptions = {}): string {
    const token = `token-${++this.issued}`
    const expiresAt = expiresInMs === undefined ? undefined : this.clock.now() + expiresInMs
    this.identities.set(token, { user: toUser(user), expiresAt })
    return token
  }

  /** From now on the user's tokens are refused with BANNED. */
  ban(sub: string): void {
    this.users.setBanned(sub, true) // in memory: done at once
  }

  async authenticate(credentials: { token?: string; ticket?: string }): Promise<Identity> {
    const identity = this.identities.get(credentials.token ?? credentials.ticket ?? '')
    if (!identity) throw new RoomfulError('TOKEN_INVALID')
    if (identity.expiresAt !== undefined && identity.expiresAt <= this.clock.now()) {
      throw new RoomfulError('TOKEN_EXPIRED')
    }
    const account = await this.users.ensure(identity.user)
    if (account.banned) throw new RoomfulError('BANNED', account.banReason)
    const { role } = account
    return role === undefined ? identity : { ...identity, user: { ...identity.user, role } }
  }
}

function toUser(user: TestUser): User {
  if (typeof user === 'string') return { sub: user, name: user, role: 'user' }
  const { sub, name = sub, role = 'user', ...claims } = user
  return { ...claims, sub, name, role }
}
