/** The system's clock and random source; tests use others. */

import { randomFillSync } from 'node:crypto'
import type { Clock, Random } from '../../core/ports/system.ts'

/** Real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn, mustCome = false) {
    const timer = setTimeout(fn, ms)
    if (!mustCome) timer.unref()
    return () => clearTimeout(timer)
  },
  // Runs after the poll phase, when everything that was readable in this turn has been read.
  turnEnd: (fn) => void setImmediate(fn),
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0))
/** Bytes from here on are not used: they would favour the first letters. */
const UNBIASED = 256 - (256 % ALPHABET.length)
const ID_MAX_LENGTH = 64

const pool = new Uint8Array(4096)
let used = pool.length
/** Ids are built here and copied as one flat string: concatenated characters would cost a kilobyte per connection. */
const scratch = Buffer.alloc(ID_MAX_LENGTH)

function nextByte(): number {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool[used++] as number
}

/** Real randomness. Ids come from the operating system's generator. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  id(length) {
    if (length > ID_MAX_LENGTH) throw new RangeError(`An id has at most ${ID_MAX_LENGTH} characters`)
    for (let at = 0; at < length; ) {
      const byte = nextByte()
      if (byte < UNBIASED) scratch[at++] = CODES[byte % ALPHABET.length] as number
    }
    return scratch.toString('latin1', 0, length)
  },
}
