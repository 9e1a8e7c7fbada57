/**
 * The key of other backends. Comparing takes the same time whatever is given, so that nothing can be learnt from how long
 * a refusal takes; wrong ones are counted per address, told to the observer without what was given, and bounded.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Limiter } from '../../core/ports/limiter.ts'
import type { Observer } from '../../core/ports/observer.ts'

/** Wrong keys from one address. Beyond it nothing is logged either. */
const WRONG_WINDOW_MS = 60_000
const WRONG_MAX = 20
const USER_AGENT_MAX = 256

export interface KeyAttempt {
  readonly ip: string
  /** Whose attempts count together; undefined for this machine, which may be a proxy that hides everyone. */
  readonly countedAddress: string | undefined
  readonly userAgent: string
}

export class ApiKey {
  private readonly digest: Buffer
  private readonly limiter: Limiter
  private readonly observer: Observer

  constructor(key: string, { limiter, observer }: { limiter: Limiter; observer: Observer }) {
    this.digest = digestOf(key)
    this.limiter = limiter
    this.observer = observer
  }

  matches(given: string): boolean {
    return timingSafeEqual(digestOf(given), this.digest)
  }

  /**
   * An address that keeps guessing is not listened to any more, right or wrong, until its window is over. This machine is:
   * a proxy on it brings everyone.
   * @throws RoomfulError TOKEN_INVALID, RATE_LIMITED
   */
  check(given: string, { ip, countedAddress, userAgent }: KeyAttempt): void {
    const isRight = this.matches(given)
    if (isRight && countedAddress === undefined) return
    const counted = `key ${countedAddress ?? 'this machine'}`
    const waitMs = this.limiter.take(counted, WRONG_MAX, WRONG_WINDOW_MS)
    if (isRight && waitMs === 0) return this.limiter.giveBack(counted)
    if (waitMs > 0) throw new RoomfulError('RATE_LIMITED', 'Too many wrong API keys', { retryAfterMs: waitMs })
    const about = { ip, userAgent: userAgent.slice(0, USER_AGENT_MAX), connectionId: '' }
    this.observer.observe({ type: 'auth:failed', code: 'TOKEN_INVALID', ...about })
    throw new RoomfulError('TOKEN_INVALID', 'Authentication failed: this is not the API key')
  }
}

/** Of one length, which comparing in constant time needs. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
