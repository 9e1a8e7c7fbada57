/**
 * Hashes passwords with scrypt and a salt each, in the thread pool. Hashing is expensive on purpose, so only a few hashes
 * run at once, some wait, and more are refused: many sign-ins must not block the server.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { RoomfulError } from '../../core/base/errors.ts'

/** 16 MiB and about 100 ms for one guess; one of the settings that the OWASP cheat sheet recommends. */
const COST: ScryptCost = { N: 16_384, r: 8, p: 5 }
const HASH_BYTES = 32
/** Four times as much as the cost needs. */
const MEMORY_MAX_BYTES = 64 * 1024 ** 2
const SALT_BYTES = 16
/** Half of Node's four pool threads; files and DNS lookups need the others. */
const RUNNING_MAX = 2
/** About two seconds of work. More are refused with UNAVAILABLE. */
const WAITING_MAX = 32

/** Parameters of scrypt. */
export interface ScryptCost {
  readonly N: number
  readonly r: number
  readonly p: number
}

/** Hashes and verifies passwords. */
export class Passwords {
  private readonly cost: ScryptCost
  private running = 0
  private readonly waiting: (() => void)[] = []

  /** @param cost for new hashes; tests use less */
  constructor(cost: ScryptCost = COST) {
    this.cost = cost
  }

  /** @returns the hash with its salt and cost, to store. @throws RoomfulError (rejects) UNAVAILABLE */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    return this.encode(salt, await this.derive(password, salt, this.cost))
  }

  /**
   * Checks a password.
   * @param stored what `hash` returned; undefined for an unknown account, which takes as long and is always wrong
   * @throws RoomfulError (rejects) UNAVAILABLE
   */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const [, N, r, p, salt = '', hash = ''] = (
      stored ?? this.encode(randomBytes(SALT_BYTES), randomBytes(HASH_BYTES))
    ).split('$')
    const expected = Buffer.from(hash, 'base64url')
    const cost = { N: Number(N), r: Number(r), p: Number(p) }
    const actual = await this.derive(password, Buffer.from(salt, 'base64url'), cost)
    return expected.length === actual.length && timingSafeEqual(expected, actual) && stored !== undefined
  }

  private encode(salt: Buffer, hash: Buffer): string {
    const { N, r, p } = this.cost
    return ['scrypt', N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$')
  }

  private async derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
    await this.waitForSlot()
    try {
      return await scryptAsync(password.normalize('NFKC'), salt, { ...cost, maxmem: MEMORY_MAX_BYTES })
    } finally {
      this.running--
      this.waiting.shift()?.()
    }
  }

  private waitForSlot(): Promise<void> | void {
    if (this.running < RUNNING_MAX) {
      this.running++
      return
    }
    if (this.waiting.length >= WAITING_MAX) {
      throw new RoomfulError('UNAVAILABLE', 'Too many people are signing in; try again later', { retryAfterMs: 3_000 })
    }
    return new Promise((resolve) => {
      this.waiting.push(() => {
        this.running++
        resolve()
      })
    })
  }
}

function scryptAsync(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, hash) => (error ? reject(error) : resolve(hash)))
  })
}
