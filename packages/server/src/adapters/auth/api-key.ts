/**
 * Checks the API key of other backends. The comparison takes constant time, so its duration reveals nothing about the key.
 * Wrong keys are limited per address and reported to the observer, without the key that was sent.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Attempts } from '../../core/ports/accounts.ts'
import type { Observer } from '../../core/ports/observer.ts'

/** Limit of wrong keys from one address. Above it they are not reported either. */
const WRONG_WINDOW_MS = 60_000
const WRONG_MAX = 20
const USER_AGENT_MAX = 256

/** Who sent a key. */
export interface KeyAttempt {
  readonly ip: string
  /** The key under which attempts are counted; undefined for this machine, which may be a proxy for all clients. */
  readonly countedAddress: string | undefined
  readonly userAgent: string
}

/** The API key of this server. */
export class ApiKey {
  private readonly digest: Buffer
  private readonly attempts: Attempts
  private readonly observer: Observer

  constructor(key: string, { attempts, observer }: { attempts: Attempts; observer: Observer }) {
    this.digest = digestOf(key)
    this.attempts = attempts
    this.observer = observer
  }

  /** Whether this is the key; counts nothing. */
  matches(given: string): boolean {
    return timingSafeEqual(digestOf(given), this.digest)
  }

  /**
   * Checks a key. An address with too many wrong keys is refused even with the right one until its window is over. This
   * machine is not, because it may be a proxy for all clients.
   * @throws RoomfulError (rejects) TOKEN_INVALID, RATE_LIMITED
   */
  async check(given: string, { ip, countedAddress, userAgent }: KeyAttempt): Promise<void> {
    const isRight = this.matches(given)
    if (isRight && countedAddress === undefined) return
    const limit = [`key ${countedAddress ?? 'this machine'}`, WRONG_MAX, WRONG_WINDOW_MS] as const
    const waitMs = isRight ? await this.attempts.wait(limit) : await this.attempts.take([limit])
    if (waitMs > 0) throw new RoomfulError('RATE_LIMITED', 'Too many wrong API keys', { retryAfterMs: waitMs })
    if (isRight) return
    const about = { ip, userAgent: userAgent.slice(0, USER_AGENT_MAX), connectionId: '' }
    this.observer.observe({ type: 'auth:failed', code: 'TOKEN_INVALID', ...about })
    throw new RoomfulError('TOKEN_INVALID', 'Authentication failed: this is not the API key')
  }
}

/** Digests have one length, which a comparison in constant time needs. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
