/**
 * The short way for the ordinary good token: HS256, a plain header, nothing wrong with it. It only ever says yes; every
 * other token is judged by `jose` (jwt.ts), so a refusal and its reason come from there alone. Measured on one core:
 * 5 µs here, 25 µs there, of about 100 that a whole connect costs. The corpus of bad tokens in the tests is put to both. R5.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Claims } from './claims.ts'

/** The headers that libraries write for HS256. Another one may be as good, but not here. */
const PLAIN_HEADERS = new Set(
  ['{"alg":"HS256","typ":"JWT"}', '{"alg":"HS256"}', '{"typ":"JWT","alg":"HS256"}'].map((header) =>
    Buffer.from(header).toString('base64url'),
  ),
)
const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]{43})$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export interface Expectations {
  readonly audience: string | undefined
  readonly issuer: string | undefined
}

export class Hs256 {
  private readonly key: KeyObject
  private readonly expected: Expectations

  constructor(secret: Uint8Array, expected: Expectations) {
    this.key = createSecretKey(secret)
    this.expected = expected
  }

  /** @returns the claims of a token that is good at `nowMs`, or undefined when that needs a closer look */
  accept(token: string, nowMs: number): Claims | undefined {
    const [, header, payload, signature] = COMPACT.exec(token) ?? []
    if (header === undefined || payload === undefined || signature === undefined) return undefined
    if (!PLAIN_HEADERS.has(header)) return undefined
    const expected = createHmac('sha256', this.key).update(`${header}.${payload}`).digest('base64url')
    // Compared as text: one way of writing the signature, not also those that decode to the same bytes.
    if (!timingSafeEqual(Buffer.from(signature, 'latin1'), Buffer.from(expected, 'latin1'))) return undefined
    const claims = readClaims(payload)
    return claims && this.isInOrder(claims, Math.floor(nowMs / 1000)) ? claims : undefined
  }

  private isInOrder({ exp, nbf, iat, aud, iss }: Claims, now: number): boolean {
    const { audience, issuer } = this.expected
    if (exp !== undefined && !(typeof exp === 'number' && exp > now)) return false
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= now)) return false
    if (iat !== undefined && typeof iat !== 'number') return false
    if (issuer !== undefined && iss !== issuer) return false
    return audience === undefined || aud === audience
  }
}

function readClaims(payload: string): Claims | undefined {
  try {
    const claims: unknown = JSON.parse(utf8.decode(Buffer.from(payload, 'base64url')))
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Claims) : undefined
  } catch {
    return undefined // signed, but no claims: jose says what is wrong with it
  }
}
