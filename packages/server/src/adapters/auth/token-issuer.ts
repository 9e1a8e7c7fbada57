/** Makes tokens that this server accepts: at sign-in, and for `roomful token`. */
import { SignJWT } from 'jose'
import type { User } from '../../core/ports/user.ts'

export interface TokenIssuerOptions {
  readonly secret: Uint8Array
  /** Written into the token, since the server accepts no other. */
  readonly audience?: string | undefined
  readonly issuer?: string | undefined
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export class TokenIssuer {
  private readonly options: TokenIssuerOptions

  constructor(options: TokenIssuerOptions) {
    this.options = options
  }

  /** @param lifetimeMs without it the token does not expire */
  issueToken(user: User, lifetimeMs: number | undefined): Promise<string> {
    const { secret, audience, issuer, now } = this.options
    const issuedAt = Math.floor(now() / 1000)
    const token = new SignJWT({ ...user }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setIssuedAt(issuedAt)
    if (lifetimeMs !== undefined) token.setExpirationTime(issuedAt + Math.ceil(lifetimeMs / 1000))
    if (audience !== undefined) token.setAudience(audience)
    if (issuer !== undefined) token.setIssuer(issuer)
    return token.sign(secret)
  }
}
