/**
 * Recognises most new keys without reading the file, which would cost more than the rest of the request. Keys of clients
 * grow with time (UUIDv7), so a key beyond the greatest stored one is new, unless it was stored since. A Bloom filter
 * remembers those: it may take a new key for a known one, but never a known one for new. When the filter is full, it is
 * emptied and starts behind the key that is the greatest by then.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { AppendKey } from '../../../../core/ports/broker.ts'
import { type Query, query } from './connection.ts'

/** A power of two: 1 MiB. With {@link KEYS_MAX} keys in it, one of a thousand new keys is looked up in vain. */
const BITS = 2 ** 23
const KEYS_MAX = 400_000
const PROBES = 4
/** A key far in the future must not make all others old. */
const FUTURE_MS = 3_600_000

const PRINTABLE = /^[\x20-\x7e]*$/

export class NewKeys {
  private readonly now: () => number
  private readonly keysMax: number
  private readonly selectGreatest: Query<{ key: string }>
  private readonly bits = new Uint32Array(BITS / 32)
  private count = 0
  /** Nothing that was stored before the filter began lies between these two. */
  private above = ''
  private below = ''

  /**
   * @param now ms since 1970
   * @param keysMax after so many the filter is emptied
   */
  constructor(db: DatabaseSync, now: () => number, keysMax = KEYS_MAX) {
    this.now = now
    this.keysMax = keysMax
    this.selectGreatest = query(db, 'SELECT key FROM keys WHERE key < ? ORDER BY key DESC LIMIT 1')
    this.begin()
  }

  /** @returns false when the file must be asked */
  isNew(ns: number, { key, scope }: AppendKey): boolean {
    // The order of text is that of the file for these characters only.
    if (key <= this.above || key >= this.below || !PRINTABLE.test(key)) return false
    return !this.probe(ns, key, scope, false)
  }

  /** It is about to be stored. */
  add(ns: number, { key, scope }: AppendKey): void {
    if (this.count >= this.keysMax) this.begin()
    this.probe(ns, key, scope, true)
    this.count++
  }

  private begin(): void {
    this.bits.fill(0)
    this.count = 0
    this.below = prefixAt(this.now() + FUTURE_MS)
    this.above = this.selectGreatest.get(this.below)?.key ?? ''
  }

  /** @returns whether all bits of the key were set; sets them if asked to */
  private probe(ns: number, key: string, scope: string, sets: boolean): boolean {
    const step = hash(scope, ns) | 1
    let at = hash(key, step)
    let isKnown = true
    for (let i = 0; i < PROBES; i++) {
      const bit = at & (BITS - 1)
      const mask = 1 << (bit & 31)
      const word = this.bits[bit >>> 5] as number
      if ((word & mask) === 0) isKnown = false
      if (sets) this.bits[bit >>> 5] = word | mask
      at = Math.imul(at ^ (at >>> 15), 0x2c1b3c6d) + step
    }
    return isKnown
  }
}

/** How a UUIDv7 of this moment begins. RFC 9562 section 5.7. */
function prefixAt(ms: number): string {
  const hex = Math.floor(ms).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

/** FNV-1a, 32 bits, with its ends mixed. */
function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  return value ^ (value >>> 13)
}
