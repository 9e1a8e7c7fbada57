/**
 * Verifies and issues tokens with `jose`. Allowed are HS256 with the server's secret, and RS, PS, ES and EdDSA with the
 * public keys of `JWKS_URL`. The algorithm selects the key, so a public key is never used as a secret. A2.3, R5.
 */
import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
  SignJWT,
} from 'jose'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Identity, User } from '../../core/ports/users.ts'
import { identityOf, refusal } from './claims.ts'
import { Hs256 } from './hs256.ts'
import { KEYS_TIMEOUT_MS, remoteKeys } from './remote-keys.ts'

/** What tokens are verified with. */
export interface TokenVerifierOptions {
  readonly secret: Uint8Array
  /** Its tokens are accepted too. */
  readonly otherSecret?: Uint8Array | undefined
  readonly jwksUrl?: string | undefined
  readonly audience?: string | undefined
  readonly issuer?: string | undefined
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds of a clock that does not jump. Default: the process's. */
  readonly monotonic?: () => number
}

const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const TOKEN_MAX_LENGTH = 8_192
/** RFC 7515 section 2 forbids padding and white space; jose accepts them. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** Verifies tokens. */
export class TokenVerifier {
  private readonly options: TokenVerifierOptions
  private readonly hs256: Hs256
  /** With the other secret, while it is changed. */
  private readonly other: TokenVerifier | undefined
  private readonly jwks: JWTVerifyGetKey | undefined
  private secretKey: Promise<CryptoKey> | undefined

  constructor(options: TokenVerifierOptions) {
    const { secret, otherSecret, audience, issuer, jwksUrl, monotonic = () => performance.now() } = options
    this.options = options
    this.other = otherSecret && new TokenVerifier({ ...options, secret: otherSecret, otherSecret: undefined })
    this.hs256 = new Hs256(secret, { audience, issuer })
    this.jwks = jwksUrl === undefined ? undefined : remoteKeys(new URL(jwksUrl), monotonic)
  }

  /**
   * Verifies a token.
   * @returns the user of the token
   * @throws RoomfulError (rejects) TOKEN_INVALID, TOKEN_EXPIRED; UNAVAILABLE when the identity provider's keys cannot be read
   */
  async verify(token: string): Promise<Identity> {
    return identityOf(this.hs256.accept(token, this.options.now()) ?? (await this.judge(token)))
  }

  /** Verifies with jose. Every token that is refused goes through this. */
  async judge(token: string): Promise<JWTPayload> {
    if (token === '') throw refusal('the token is empty')
    if (token.length > TOKEN_MAX_LENGTH) throw refusal('the token is too long')
    if (!COMPACT.test(token)) throw refusal('malformed token')
    try {
      const { audience, issuer, now } = this.options
      const checks: JWTVerifyOptions = { currentDate: new Date(now()) }
      if (audience !== undefined) checks.audience = audience
      if (issuer !== undefined) checks.issuer = issuer
      return await this.checkWith(token, checks)
    } catch (error) {
      if (this.other && error instanceof errors.JWSSignatureVerificationFailed) return this.other.judge(token)
      throw explain(error)
    }
  }

  private async checkWith(token: string, checks: JWTVerifyOptions): Promise<JWTPayload> {
    const { alg } = decodeProtectedHeader(token)
    if (alg === 'HS256') {
      this.secretKey ??= crypto.subtle.importKey(
        'raw',
        Uint8Array.from(this.options.secret),
        { name: 'HMAC', hash: 'SHA-256' },
        false,
        ['verify'],
      )
      return (await jwtVerify(token, await this.secretKey, { ...checks, algorithms: ['HS256'] })).payload
    }
    if (this.jwks === undefined || !ASYMMETRIC.includes(String(alg))) throw new errors.JOSEAlgNotAllowed()
    return (await jwtVerify(token, this.jwks, { ...checks, algorithms: ASYMMETRIC })).payload
  }
}

const CLAIM_PROBLEMS: Readonly<Record<string, string>> = {
  aud: 'wrong audience',
  iss: 'wrong issuer',
  nbf: 'the token is not valid yet',
}

/** The kind of failure in our own words: messages of jose may quote the token. */
function explain(error: unknown): RoomfulError {
  if (error instanceof errors.JWTExpired) return new RoomfulError('TOKEN_EXPIRED', undefined, { cause: error })
  if (error instanceof errors.JWTClaimValidationFailed) {
    const isWrongType = error.reason === 'invalid'
    return refusal((isWrongType ? undefined : CLAIM_PROBLEMS[error.claim]) ?? 'malformed token', error)
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return refusal('wrong signature', error)
  if (error instanceof errors.JOSEAlgNotAllowed) return refusal('the algorithm of the signature is not allowed', error)
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return refusal('the token was signed with an unknown key', error)
  }
  if (isProviderProblem(error)) {
    return new RoomfulError('UNAVAILABLE', 'The keys of the identity provider cannot be read; try again later', {
      retryAfterMs: KEYS_TIMEOUT_MS,
      cause: error,
    })
  }
  return refusal('malformed token', error)
}

/** Whether the key set could not be read: too slow, no connection, or not a key set. */
function isProviderProblem(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true
  if (error instanceof TypeError && error.message === 'fetch failed') return true
  return error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC'
}

/** What tokens are signed with. */
export interface TokenIssuerOptions {
  readonly secret: Uint8Array
  /** Added to each token, because the server requires it. */
  readonly audience?: string | undefined
  readonly issuer?: string | undefined
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Issues tokens that this server accepts: at sign-in, and for `roomful token`. */
export class TokenIssuer {
  private readonly options: TokenIssuerOptions

  constructor(options: TokenIssuerOptions) {
    this.options = options
  }

  /** @param lifetimeMs undefined for a token that does not expire */
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
