/** Bytes inside JSON, and JSON that is too deep to be built. */
import {
  fromJson,
  holdsBinary,
  isRecord,
  isTooDeep,
  MAX_ATTACHMENTS,
  MAX_JSON_DEPTH,
  readObject,
  toJson,
} from '@roomful/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('$binary', () => {
  it('[W10] [C1] bytes come back as they went, wherever they stand', () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(fromJson(toJson({ a, list: [b, { b }], text: '$binary' }))).toEqual({
          a,
          list: [b, { b }],
          text: '$binary',
        })
      }),
    )
  })

  it('[W10] a large array and an ArrayBuffer are carried too', () => {
    const large = Uint8Array.from({ length: 100_000 }, (_, at) => at % 251)
    expect(fromJson(toJson(large))).toEqual(large)
    expect(fromJson(toJson({ x: Uint8Array.of(1, 2).buffer }))).toEqual({ x: Uint8Array.of(1, 2) })
  })

  it('[W10] every view of a buffer is the bytes that it shows', () => {
    const kinds = [Int8Array, Uint8ClampedArray, Int16Array, Uint32Array, Float32Array, Float64Array, BigInt64Array]
    const memory = Uint8Array.from({ length: 64 }, (_, at) => at)
    for (const View of kinds) {
      const view = new View(memory.buffer, 8, 16 / View.BYTES_PER_ELEMENT)
      expect(fromJson(toJson({ deep: [view] }))).toEqual({ deep: [memory.slice(8, 24)] })
      expect(isRecord(view)).toBe(false)
    }
    expect(fromJson(toJson(new DataView(memory.buffer, 3, 4)))).toEqual(memory.slice(3, 7))
    expect(fromJson(toJson(new SharedArrayBuffer(2)))).toEqual(new Uint8Array(2))
    expect(fromJson(toJson(new Float64Array(0)))).toEqual(new Uint8Array(0))
  })

  it('[W10] a Blob, which cannot be read at once, is refused with what to do instead of sent as {}', () => {
    expect(() => toJson({ file: new Blob(['x']) })).toThrow(/await blob\.arrayBuffer\(\)/)
  })

  it('[W10] what only looks like bytes is left alone', () => {
    for (const value of [{ $binary: 1 }, { $binary: '*' }, { $binary: 'AA==', more: 1 }]) {
      expect(fromJson(JSON.stringify(value))).toEqual(value)
    }
  })

  it('[W10] finds bytes at any depth, and nothing where there is none', () => {
    expect(holdsBinary({ a: [{ b: new Uint8Array(1) }] })).toBe(true)
    expect(holdsBinary({ a: [{ b: 'x' }], c: null })).toBe(false)
  })

  it(`[L11] [W10] a message holds ${MAX_ATTACHMENTS} pieces, not one more`, () => {
    const pieces = (count: number): string => toJson({ type: 'a', list: new Array(count).fill(Uint8Array.of(1)) })
    expect(readObject(pieces(MAX_ATTACHMENTS))).toMatchObject({ type: 'a' })
    expect(readObject(pieces(MAX_ATTACHMENTS + 1))).toMatchObject({
      kind: 'invalid',
      error: { code: 'INVALID_MESSAGE', message: expect.stringContaining(String(MAX_ATTACHMENTS)) },
    })
  })

  it('[W10] a date beside bytes is written as JSON writes it', () => {
    const date = new Date(0)
    expect(fromJson(toJson({ date, bytes: Uint8Array.of(1) }))).toEqual({
      date: date.toJSON(),
      bytes: Uint8Array.of(1),
    })
  })

  it('[W3] __proto__ beside bytes stays a field', () => {
    const value = fromJson('{"__proto__":{"polluted":1},"b":{"$binary":"AA=="}}') as object
    expect(Object.getOwnPropertyNames(value)).toEqual(['__proto__', 'b'])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})

describe('depth', () => {
  const nested = (depth: number, inner = '') => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`

  it(`[W2] [C16] ${MAX_JSON_DEPTH} levels are read, one more is not`, () => {
    expect(isTooDeep(nested(MAX_JSON_DEPTH, '"a long enough text to be looked at"'))).toBe(false)
    expect(isTooDeep(nested(MAX_JSON_DEPTH + 1, '1'))).toBe(true)
    expect(readObject(`{"type":${nested(MAX_JSON_DEPTH)}}`)).toMatchObject({ error: { code: 'INVALID_MESSAGE' } })
  })

  it('[W2] [C16] brackets inside strings do not count, and neither do escaped quotes end one', () => {
    expect(isTooDeep(JSON.stringify({ a: '[{'.repeat(200) }))).toBe(false)
    expect(isTooDeep(JSON.stringify({ a: `\\"${'['.repeat(200)}` }))).toBe(false)
  })

  it('[W2] says of any JSON what a walk through it says', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 70 }), (value) => {
        expect(isTooDeep(JSON.stringify(value))).toBe(depthOf(value) > MAX_JSON_DEPTH)
      }),
    )
  })
})

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}
