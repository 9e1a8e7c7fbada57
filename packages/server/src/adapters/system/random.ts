/** The machine's own chance; ids come from the operating system's generator, a pool at a time. */
import { randomFillSync } from 'node:crypto'
import type { Random } from '../../core/ports/random.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
/** Bytes from here on would favour the first letters. */
const UNBIASED = 256 - (256 % ALPHABET.length)

const pool = new Uint8Array(4096)
let used = pool.length

function nextByte(): number {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool[used++] as number
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  id(length) {
    let id = ''
    while (id.length < length) {
      const byte = nextByte()
      if (byte < UNBIASED) id += ALPHABET[byte % ALPHABET.length]
    }
    return id
  },
}
