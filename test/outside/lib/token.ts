/** Signs JSON Web Tokens with nothing but node:crypto, so that no library of the server's vouches for itself. */
import { createHmac } from 'node:crypto'

export const SECRET = 'outside-suite-secret-that-is-long-enough-for-hs256'

export interface TokenOptions {
  secret?: string
  /** Seconds from now until `exp`; omit for a token that does not expire. */
  expiresInS?: number
  /** Replaces the whole header, for tokens that lie about their algorithm. */
  header?: Record<string, unknown>
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** @returns `header.claims.signature`, HS256 unless the header says otherwise. */
export function token(claims: Record<string, unknown>, options: TokenOptions = {}): string {
  const exp = options.expiresInS === undefined ? {} : { exp: Math.floor(Date.now() / 1000) + options.expiresInS }
  const signed = `${part(options.header ?? { alg: 'HS256', typ: 'JWT' })}.${part({ ...exp, ...claims })}`
  return `${signed}.${createHmac('sha256', options.secret ?? SECRET)
    .update(signed)
    .digest('base64url')}`
}

/** A token without a signature, as `alg: none` wants it. */
export function unsignedToken(claims: Record<string, unknown>): string {
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`
}

/** The same token with its claims swapped for others, under the old signature. */
export function forged(signed: string, claims: Record<string, unknown>): string {
  const [header, , signature] = signed.split('.')
  return `${header}.${part(claims)}.${signature}`
}
