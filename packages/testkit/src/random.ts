/** Randomness that can be repeated: the same seed gives the same numbers on every machine (sfc32, Chris Doty-Humphrey). */
import type { Random } from '@roomful/server/ports'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
/** Rounds after which the state no longer resembles the seed. */
const WARM_UP = 15

export class SeededRandom implements Random {
  private a: number
  private b: number
  private c: number
  private counter = 1

  /** @param seed an integer, or a text such as the name of a test */
  constructor(seed: number | string) {
    const number = typeof seed === 'number' ? seed : hash(seed)
    this.a = number | 0
    this.b = Math.floor(number / 2 ** 32) | 0
    this.c = 0x9e3779b9 | 0
    for (let i = 0; i < WARM_UP; i++) this.next()
  }

  fraction(): number {
    return this.next() / 2 ** 32
  }

  id(length: number): string {
    let text = ''
    for (let i = 0; i < length; i++) text += ALPHABET.charAt(this.integer(ALPHABET.length))
    return text
  }

  /** A whole number from 0 (included) to `limit` (excluded). */
  integer(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  /** @returns the same bytes, each a random one now */
  fill(bytes: Uint8Array): Uint8Array {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.integer(256)
    return bytes
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('There is nothing to pick from')
    return items[this.integer(items.length)] as T
  }

  /** A stream of its own, so that one part drawing more does not shift what another part draws. */
  fork(label: string): SeededRandom {
    return new SeededRandom(hash(label) + this.next())
  }

  /** 32 bits, as a number from 0. */
  private next(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum
    this.c |= 0
    return sum >>> 0
  }
}

/** FNV-1a over UTF-16 code units. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
