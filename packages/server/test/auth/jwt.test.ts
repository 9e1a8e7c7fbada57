import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Hs256 } from '../../src/adapters/auth/hs256.ts'
import { TokenIssuer, TokenVerifier } from '../../src/adapters/auth/jwt.ts'
import { RoomfulError } from '../../src/core/base/errors.ts'
import { badTokens, type Claims, hmacToken, rsaToken } from './bad-tokens.ts'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const NOW_MS = 1_900_000_000_500
const NOW_S = Math.floor(NOW_MS / 1000)
const PARTIES = { audience: 'roomful', issuer: 'https://id.example' }
const GOOD: Claims = { sub: 'alice', name: 'Alice', exp: NOW_S + 60, aud: 'roomful', iss: 'https://id.example' }

const secret = Buffer.from(SECRET)
const now = (): number => NOW_MS
const verifier = new TokenVerifier({ secret, now, ...PARTIES })
const anyParty = new TokenVerifier({ secret, now })
const userOf = async (claims: Claims) => (await anyParty.verify(hmacToken(SECRET, claims))).user

async function refusalOf(work: Promise<unknown>): Promise<RoomfulError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(RoomfulError)
  return thrown as RoomfulError
}

describe('[R5] [A2.3] bad tokens', () => {
  const bad = badTokens(SECRET, GOOD, NOW_S)

  it('the corpus has more than a hundred different ones, and its good one is good', async () => {
    expect(new Set(bad.map(({ token }) => token)).size).toBeGreaterThan(150)
    await expect(verifier.verify(hmacToken(SECRET, GOOD))).resolves.toMatchObject({ user: { sub: 'alice' } })
  })

  it.each(bad)('$name is refused with its class, and nothing is leaked', async ({ token, says }) => {
    const { code, message } = await refusalOf(verifier.verify(token))
    expect(code).toBe(/expired/.test(message) ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID')
    expect(message).toMatch(/^Authentication failed: /)
    expect(message).toMatch(says)
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(123) // it is the reason of a close frame
    expect(message).not.toContain(SECRET)
    if (token.trim().length > 12) expect(message).not.toContain(token.trim().slice(0, 9))
  })

  it('the short way accepts none that jose refuses', async () => {
    const short = new Hs256(secret, PARTIES)
    for (const { name, token } of bad) {
      const accepted = short.accept(token, NOW_MS)
      // Tokens without a proper subject are good tokens of nobody; claims.ts refuses them after either way.
      if (accepted !== undefined) expect(await verifier.judge(token), name).toEqual(accepted)
    }
    expect(short.accept(hmacToken(SECRET, GOOD), NOW_MS)).toEqual(GOOD)
  })

  it('the short way accepts the headers that libraries write for HS256, and leaves all others to jose', async () => {
    const short = new Hs256(secret, PARTIES)
    const usual = [{ alg: 'HS256' }, { typ: 'JWT', alg: 'HS256' }, { alg: 'HS256', typ: 'at+jwt', kid: '2026-11' }]
    for (const header of usual) expect(short.accept(hmacToken(SECRET, GOOD, header), NOW_MS)).toEqual(GOOD)
    const others = [
      { alg: 'HS256', crit: ['exp'] },
      { alg: 'HS256', b64: false },
      { alg: 'HS256', jku: 'https://id.example/keys' },
      { alg: 'HS256', kid: 7 },
      { alg: ['HS256'] },
      '{"alg": "HS256"}',
      '{"alg":"none","alg":"HS256"}',
      '{"alg":"HS256","__proto__":{}}',
    ]
    for (const header of others) {
      expect(short.accept(hmacToken(SECRET, GOOD, header), NOW_MS), JSON.stringify(header)).toBeUndefined()
    }
  })

  it('the short way does not remember headers without end', () => {
    const short = new Hs256(secret, PARTIES)
    for (let kid = 0; kid < 300; kid++) {
      const header = { alg: 'HS256', kid: String(kid) }
      expect(short.accept(hmacToken(SECRET, GOOD, header), NOW_MS)).toEqual(GOOD)
    }
    expect(Reflect.get(short, 'knownHeaders')).toHaveProperty('size', 100)
  })
})

describe('good tokens', () => {
  it.each<[string, Claims, string]>([
    ['userId', { userId: 'u1' }, 'u1'],
    ['id, a number', { id: 42 }, '42'],
    ['username', { username: 'bob' }, 'bob'],
    ['sub before the others', { sub: 's', userId: 'u', id: 'i', username: 'n' }, 's'],
    ['the next one when sub is empty', { sub: '', userId: 'u' }, 'u'],
  ])('the subject is %s', async (_, claims, sub) => {
    expect((await userOf(claims)).sub).toBe(sub)
  })

  it('the name is name, else username, else the subject', async () => {
    expect((await userOf({ sub: 'a', name: 'Alice', username: 'al' })).name).toBe('Alice')
    expect((await userOf({ sub: 'a', name: ' ', username: 'al' })).name).toBe('al')
    expect((await userOf({ sub: 'a', name: 7 })).name).toBe('a')
    expect((await userOf({ sub: 'a', name: `x\n\u202e${'y'.repeat(100)}` })).name).toBe(`x ${'y'.repeat(62)}`)
  })

  it.each(['user', 'support', 'seller', 'admin'])('knows the role %s', async (role) => {
    expect((await userOf({ sub: 'a', role })).role).toBe(role)
  })

  it.each([undefined, 'root', 'ADMIN', ['admin'], { admin: true }, null])('takes role %j for user', async (role) => {
    expect((await userOf({ sub: 'a', role })).role).toBe('user')
  })

  it('keeps other claims, but nobody is a guest by token', async () => {
    const token = hmacToken(SECRET, { sub: 'a', team: ['x'], guest: true, exp: NOW_S + 9 })
    expect(await anyParty.verify(token)).toEqual({
      user: { sub: 'a', name: 'a', role: 'user', team: ['x'] },
      expiresAt: (NOW_S + 9) * 1000,
    })
    expect((await anyParty.verify(hmacToken(SECRET, { sub: 'a' }))).expiresAt).toBeUndefined()
  })

  it('takes what is unusual but right: a kid, a list of audiences, a short secret', async () => {
    await expect(verifier.verify(hmacToken(SECRET, GOOD, { alg: 'HS256', kid: '1' }))).resolves.toBeDefined()
    await expect(verifier.verify(hmacToken(SECRET, { ...GOOD, aud: ['x', 'roomful'] }))).resolves.toBeDefined()
    const weak = new TokenVerifier({ secret: Buffer.from('secret'), now })
    await expect(weak.verify(hmacToken('secret', { sub: 'a' }))).resolves.toBeDefined()
    await expect(weak.verify(hmacToken('secret', { sub: 'a' }, { alg: 'HS256', kid: '1' }))).resolves.toBeDefined()
  })

  it('[A2.3] accepts tokens of a second secret while it is changed, by the same checks', async () => {
    const other = Buffer.from('another secret of thirty-two bytes or more')
    const both = new TokenVerifier({ secret, otherSecret: other, now })
    const issue = (with_: Uint8Array) =>
      new TokenIssuer({ secret: with_, now }).issueToken({ sub: 'ann', name: 'Ann', role: 'user' } as never, 60_000)
    for (const each of [secret, other])
      expect((await both.verify(await issue(each))).user).toMatchObject({ sub: 'ann' })
    await expect(anyParty.verify(await issue(other))).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
    await expect(
      both.verify(await issue(Buffer.from('a third secret of thirty-two bytes or more'))),
    ).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
    const late = new TokenVerifier({ secret, otherSecret: other, now: () => now() + 120_000 })
    await expect(late.verify(await issue(other))).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' })
  })

  it('accepts what it issues itself, for as long as it said', async () => {
    const issuer = new TokenIssuer({ secret, now, ...PARTIES })
    const token = await issuer.issueToken({ sub: 'bob', name: 'Bob', role: 'seller' }, 60_000)
    const { user, expiresAt } = await verifier.verify(token)
    expect(user).toMatchObject({ sub: 'bob', name: 'Bob', role: 'seller' })
    expect(expiresAt).toBe((NOW_S + 60) * 1000)
    const later = new TokenVerifier({ secret, now: () => NOW_MS + 60_000, ...PARTIES })
    expect((await refusalOf(later.verify(token))).code).toBe('TOKEN_EXPIRED')
    const endless = await issuer.issueToken({ sub: 'b', name: 'B', role: 'user' }, undefined)
    expect((await verifier.verify(endless)).expiresAt).toBeUndefined()
  })
})

describe('tokens of an identity provider (JWKS_URL)', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }
  const carol = { sub: 'carol' }
  let requests = 0
  const provider = createServer((_, response) => {
    requests++
    response.end(JSON.stringify({ keys: [jwk] }))
  })
  let jwks: TokenVerifier

  beforeAll(async () => {
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
    const { port } = provider.address() as AddressInfo
    jwks = new TokenVerifier({ secret, now, jwksUrl: `http://127.0.0.1:${port}/jwks.json` })
  })
  afterAll(() => provider.close())

  it('accepts a signature by one of its keys, and our own secret beside it', async () => {
    const token = rsaToken(privateKey, carol, { alg: 'RS256', kid: 'one' })
    await expect(jwks.verify(token)).resolves.toMatchObject({ user: carol })
    await expect(jwks.verify(hmacToken(SECRET, carol))).resolves.toMatchObject({ user: carol })
  })

  it('[R5] refuses a stranger, an unknown key, and the public key used as a secret', async () => {
    const forged = rsaToken(stranger.privateKey, carol, { alg: 'RS256', kid: 'one' })
    expect((await refusalOf(jwks.verify(forged))).message).toMatch(/wrong signature/)
    const before = requests
    for (let i = 0; i < 20; i++) {
      const token = rsaToken(privateKey, carol, { alg: 'RS256', kid: `k${i}` })
      expect((await refusalOf(jwks.verify(token))).message).toMatch(/unknown key/)
    }
    expect(requests - before).toBeLessThanOrEqual(1)
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    for (const key of [pem, JSON.stringify(jwk), jwk.n ?? '']) {
      const token = hmacToken(key, carol, { alg: 'HS256', kid: 'one' })
      expect((await refusalOf(jwks.verify(token))).message).toMatch(/wrong signature/)
    }
  })

  it('says UNAVAILABLE, not that the token is bad, when the keys cannot be read', async () => {
    const token = rsaToken(privateKey, carol, { alg: 'RS256', kid: 'one' })
    const nobody = new TokenVerifier({ secret, now, jwksUrl: 'http://127.0.0.1:9/jwks.json' })
    expect((await refusalOf(nobody.verify(token))).code).toBe('UNAVAILABLE')
  })
})
