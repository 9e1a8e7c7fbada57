import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findSecret } from '../../src/adapters/auth/secret.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'roomful-secret-'))

describe('the secret', () => {
  it('is the one that was set; a short one is warned about', () => {
    expect(findSecret('x'.repeat(32), '/nowhere')).toEqual({ bytes: Buffer.from('x'.repeat(32)) })
    const short = findSecret('secret', '/nowhere')
    expect(short).toMatchObject({ isRisky: true, notice: expect.stringMatching(/JWT_SECRET has 6 bytes/) })
    expect(short.notice).not.toContain('secret,')
  })

  it('else is random, readable by its owner only, and the same over restarts', () => {
    const data = join(folder(), 'new', 'data')
    const first = findSecret(undefined, data)
    expect(first.bytes.length).toBeGreaterThanOrEqual(32)
    expect(first.notice).toContain(join(data, 'jwt-secret'))
    expect(findSecret(undefined, data).bytes).toEqual(first.bytes)
    expect(statSync(join(data, 'jwt-secret')).mode & 0o777).toBe(0o600)
    expect(readdirSync(data)).toEqual(['jwt-secret'])
    expect(findSecret(undefined, folder()).bytes).not.toEqual(first.bytes)
  })

  it('closes a file that others could read', () => {
    const data = folder()
    const path = join(data, 'jwt-secret')
    writeFileSync(path, `${'y'.repeat(40)}\n`)
    chmodSync(path, 0o644)
    expect(findSecret(undefined, data).bytes).toEqual(Buffer.from('y'.repeat(40)))
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('keeps nothing for :memory:', () => {
    const one = findSecret(undefined, ':memory:')
    expect(one.bytes).not.toEqual(findSecret(undefined, ':memory:').bytes)
  })

  it('says what is wrong with a file that is no secret, and with a folder that cannot be one', () => {
    const data = folder()
    writeFileSync(join(data, 'jwt-secret'), '')
    expect(() => findSecret(undefined, data)).toThrow(/jwt-secret is too short; delete the file/)
    writeFileSync(join(data, 'file'), '')
    expect(() => findSecret(undefined, join(data, 'file', 'sub'))).toThrow(
      /set JWT_SECRET or ROOMFUL_DATA|cannot be read/,
    )
    expect(readFileSync(join(data, 'file'), 'utf8')).toBe('')
  })
})
