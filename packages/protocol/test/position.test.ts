/** Cursors and keys: what this server wrote is read back, and nothing else is. */
import { createKey, formatCursor, keyTime, parseCursor } from '@roomful/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const logIds = fc.stringMatching(/^1[a-z0-9]{4,32}$/)
const numbers = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

describe('cursors', () => {
  it('[V6] [C18] what was written is read back', () => {
    fc.assert(
      fc.property(logIds, numbers, (logId, n) => {
        expect(parseCursor(formatCursor(logId, n))).toEqual({ logId, n })
      }),
    )
  })

  it('[V6] [C18] what is read was written so: no number has two forms', () => {
    const rubbish = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[12]?[a-z0-9A-Z]{0,40}\.?-?[0-9.e+]{0,20}$/),
      fc.anything(),
    )
    fc.assert(
      fc.property(rubbish, (text) => {
        const cursor = parseCursor(text)
        if (cursor) expect(formatCursor(cursor.logId, cursor.n)).toBe(text)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    '1abcd.01',
    '1abcd.-1',
    '1abcd.1.5',
    '1abcd.',
    '2abcd.1',
    '1abc.1',
    '1ABCD.1',
    '1abcd.9999999999999999',
    ' 1abcd.1',
  ])('[V6] %j is none', (text) => expect(parseCursor(text)).toBeUndefined())
})

describe('keys', () => {
  const zeros = (bytes: Uint8Array): Uint8Array => bytes.fill(0)

  it('[K3] [C21] a key carries its moment, whatever chance adds', () => {
    const moments = fc.integer({ min: 0, max: 2 ** 48 - 1 })
    fc.assert(
      fc.property(moments, fc.uint8Array({ minLength: 10, maxLength: 10 }), (now, chance) => {
        const key = createKey(now, (bytes) => {
          bytes.set(chance)
          return bytes
        })
        expect(keyTime(key)).toBe(now)
      }),
    )
  })

  it('[K3] a key is a UUID of version 7 and variant 10 (RFC 9562)', () => {
    expect(createKey(0x0123456789ab, zeros)).toBe('01234567-89ab-7000-8000-000000000000')
    expect(createKey(0x0123456789ab, (bytes) => bytes.fill(255))).toBe('01234567-89ab-7fff-bfff-ffffffffffff')
    expect(createKey(1.9, zeros)).toBe(createKey(1, zeros))
  })

  it('[K3] later keys sort behind earlier ones', () => {
    expect(createKey(1_763_712_000_000, (bytes) => bytes.fill(255)) < createKey(1_763_712_000_001, zeros)).toBe(true)
  })

  it.each([
    '',
    'order-42',
    '01234567-89ab-4000-8000-000000000000',
    '01234567-89ab-7000-c000-000000000000',
    '0123456789ab70008000000000000000',
  ])('[K3] %j has no moment', (key) => expect(keyTime(key)).toBeUndefined())
})
