/**
 * A fast path for common valid tokens: HS256 with a header that says only that, and perhaps `typ` and `kid`. It only accepts;
 * every other token is verified by `jose` in jwt.ts, where all refusals come from. Measured on one core: 5 µs here and 25 µs
 * there, of about 100 µs for a connect. The tests verify their bad tokens with both. R5.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Claims } from './claims.ts'

/** What says nothing about how a token is verified. A header with anything else is left to `jose`. */
const FIELDS = new Set(['alg', 'typ', 'kid'])
/** Of tokens that were accepted. An issuer has few headers, so the bound is only there to be one. */
const KNOWN_HEADERS_MAX = 100
const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]{43})$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What a token must contain. */
export interface Expectations {
  readonly audience: string | undefined
  readonly issuer: string | undefined
}

/** Accepts tokens with this server's secret. */
export class Hs256 {
  private readonly secret: Uint8Array
  private readonly expected: Expectations
  private readonly knownHeaders = new Set<string>()
  /** Made for the first token: the secret may be known late. */
  private made: KeyObject | undefined

  constructor(secret: Uint8Array, expected: Expectations) {
    this.secret = secret
    this.expected = expected
  }

  private get key(): KeyObject {
    this.made ??= createSecretKey(this.secret)
    return this.made
  }

  /** @returns the claims of a token that is valid at `nowMs`; undefined when `jose` must decide */
  accept(token: string, nowMs: number): Claims | undefined {
    const [, header, payload, signature] = COMPACT.exec(token) ?? []
    if (header === undefined || payload === undefined || signature === undefined) return undefined
    const isKnown = this.knownHeaders.has(header)
    if (!isKnown && !isPlain(header)) return undefined
    const expected = createHmac('sha256', this.key).update(`${header}.${payload}`).digest('base64url')
    // Compared as text, so that only one encoding of the signature is valid.
    if (!timingSafeEqual(Buffer.from(signature, 'latin1'), Buffer.from(expected, 'latin1'))) return undefined
    if (!isKnown && this.knownHeaders.size < KNOWN_HEADERS_MAX) this.knownHeaders.add(header)
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

/** Whether a header asks for HS256 and nothing else, in the one way in which it is written without spaces and repetitions. */
function isPlain(header: string): boolean {
  const bytes = Buffer.from(header, 'base64url')
  if (bytes.toString('base64url') !== header) return false
  const fields = readClaims(header)
  if (fields?.alg !== 'HS256' || JSON.stringify(fields) !== bytes.toString()) return false
  return Object.entries(fields).every(([name, value]) => FIELDS.has(name) && typeof value === 'string')
}

function readClaims(payload: string): Claims | undefined {
  try {
    const claims: unknown = JSON.parse(utf8.decode(Buffer.from(payload, 'base64url')))
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Claims) : undefined
  } catch {
    return undefined // signed, but not claims: jose finds the reason
  }
}
