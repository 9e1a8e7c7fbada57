/** The two families of failure: refusals with their HTTP status, closes with what a client does next. */
import { afterClose, CLOSE_CODES, ERROR_CODES } from '@roomful/protocol'
import { describe, expect, it } from 'vitest'

describe('error codes', () => {
  it('[Q4] [C14] every code is upper case, with a sentence and a status that fits', () => {
    for (const [code, { http, message }] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(message).toMatch(/^[A-Z]/)
      expect([400, 401, 403, 404, 409, 413, 429, 500, 503]).toContain(http)
    }
  })

  it('[Q4] [C14] some sentences are required word by word', () => {
    expect(ERROR_CODES.PARSE_ERROR.message).toBe('Invalid JSON')
    expect(ERROR_CODES.INVALID_MESSAGE.message).toBe('Message must have a type field')
    expect(ERROR_CODES.RATE_LIMITED.message).toBe('Rate limit exceeded')
  })
})

describe('close codes', () => {
  it.each([
    [1000, 'stop'],
    [1001, 'reconnect'],
    [1002, 'stop'],
    [1003, 'stop'],
    [1005, 'reconnect'],
    [1006, 'reconnect'],
    [1007, 'stop'],
    [1008, 'stop'],
    [1009, 'stop'],
    [1010, 'reconnect'],
    [1011, 'reconnect'],
    [1012, 'reconnect'],
    [1013, 'reconnect'],
    [4001, 'new-token'],
    [4002, 'new-token'],
    [4003, 'stop'],
    [4005, 'stop'],
    [4008, 'reconnect'],
    [4009, 'stop'],
  ])('[E1] after %i a client does: %s', (code, next) => {
    expect(afterClose(code)).toBe(next)
  })

  it('[E1] a code that is not ours means reconnect', () => {
    expect(afterClose(4999)).toBe('reconnect')
  })

  it('[E1] the table above is complete, and no code has two meanings', () => {
    const codes = Object.values(CLOSE_CODES).map(({ code }) => code)
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes.length).toBe(19)
  })
})
