/**
 * The keys of an identity provider, from `JWKS_URL`. When they are read again is measured by a clock that does not jump, which
 * jose's own caching is not: after the wall clock went back, it would take a removed key, and no new one, for that much longer.
 */
import {
  createRemoteJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type JWTVerifyGetKey,
} from 'jose'

/** A key that was removed is accepted for so long at most. */
export const KEYS_KEPT_MS = 600_000
/** Tokens that name an unknown key have the keys read again, but not more often: anyone can make such tokens. */
export const KEYS_READ_AGAIN_MS = 5_000
export const KEYS_TIMEOUT_MS = 3_000

/** @param monotonic milliseconds, of a clock that does not jump */
export function remoteKeys(url: URL, monotonic: () => number): JWTVerifyGetKey {
  const never = { cooldownDuration: Number.POSITIVE_INFINITY, cacheMaxAge: Number.POSITIVE_INFINITY }
  const keys = createRemoteJWKSet(url, { timeoutDuration: KEYS_TIMEOUT_MS, ...never })
  let readAt = Number.NEGATIVE_INFINITY
  const read = async (): Promise<void> => {
    await keys.reload()
    readAt = monotonic()
  }
  return async (header?: JWSHeaderParameters, token?: FlattenedJWSInput) => {
    if (monotonic() - readAt >= KEYS_KEPT_MS) await read()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || monotonic() - readAt < KEYS_READ_AGAIN_MS) throw error
      await read()
      return keys(header, token)
    }
  }
}
