import { describe, expect, it } from 'vitest'
import { errorForLog, forLog, textForLog } from '../../src/adapters/observe/redact.ts'
import { hmacToken } from '../auth/bad-tokens.ts'

const JWT = hmacToken('secret', { sub: 'alice' })

describe('[B38] what may stand in a log', () => {
  it('is without secrets, wherever they are', () => {
    const payload = [
      {
        token: 'a',
        password: 'b',
        Authorization: 'c',
        apiKey: 'd',
        'api-key': 'e',
        ticket: 'f',
        cookie: 'g',
        jwt: 'h',
      },
      { nested: { accessToken: 'i', list: [{ userPassword: 'j' }] }, plain: 'kept' },
      `see ${JWT} and /ws?token=klm&name=alice or Bearer nop`,
      JWT,
    ]
    const text = JSON.stringify(forLog(payload))
    expect(text).toContain('kept')
    expect(text).toContain('name=alice')
    for (const secret of ['"a"', '"b"', '"c"', '"d"', '"e"', '"f"', '"g"', '"h"', '"i"', '"j"', 'klm', 'nop', JWT]) {
      expect(text).not.toContain(secret)
    }
  })

  it.each<[string, unknown]>([
    ['a long text', 'x'.repeat(1_000_000)],
    ['a long list', Array.from({ length: 100_000 }, (_, i) => i)],
    ['a wide object', Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, 'v'.repeat(1000)]))],
    [
      'many lists',
      Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => Array(100).fill('v'.repeat(99)))),
    ],
    ['long keys', { ['k'.repeat(100_000)]: 1 }],
    ['bytes', new Uint8Array(1_000_000)],
  ])('%s is cut', (_, value) => {
    expect(JSON.stringify(forLog(value)).length).toBeLessThan(8_000)
  })

  it('takes anything', () => {
    const circle: Record<string, unknown> = { name: 'circle' }
    circle.self = circle
    expect(JSON.stringify(forLog(circle))).toMatch(/circle/)
    expect(forLog([1n, () => 1, Symbol('s'), undefined, null, true])).toEqual([
      '[bigint]',
      '[function]',
      '[symbol]',
      undefined,
      null,
      true,
    ])
    const proto = forLog(JSON.parse('{"__proto__":{"admin":true}}'))
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
    expect(JSON.stringify(proto)).toContain('admin')
  })

  it('says of an error what it was and what caused it', () => {
    const error = new Error(`no: ${JWT}`, { cause: new TypeError('why', { cause: 'deep' }) })
    expect(errorForLog(error)).toMatchObject({
      name: 'Error',
      message: 'no: [redacted]',
      stack: expect.stringContaining('redact.test.ts'),
      cause: { name: 'TypeError', cause: { thrown: 'deep' } },
    })
    expect(errorForLog('a string')).toEqual({ thrown: 'a string' })
    expect(errorForLog(undefined)).toEqual({ thrown: undefined })
  })

  it('cuts in time: a token at the edge does not survive in half', () => {
    expect(textForLog(`${'x'.repeat(195)} ${JWT}`)).not.toMatch(/eyJ\w{9}/)
  })
})
