/** When the keys of an identity provider are read again, by a clock that the test moves. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { VirtualClock } from '@roomful/testkit'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { TokenVerifier } from '../../src/adapters/auth/jwt.ts'
import { KEYS_KEPT_MS, KEYS_READ_AGAIN_MS } from '../../src/adapters/auth/remote-keys.ts'
import { rsaToken } from './bad-tokens.ts'

const HOUR_MS = 3_600_000

function makeKey(kid: string) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const token = rsaToken(privateKey, { sub: 'ann' }, { alg: 'RS256', kid })
  return { token, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' } }
}

const [first, second] = [makeKey('first'), makeKey('second')]

let clock: VirtualClock
let published: unknown[]
let reads: number
let verifier: TokenVerifier
beforeEach(async () => {
  clock = new VirtualClock()
  published = [first.jwk]
  reads = 0
  const provider = createServer((_, response) => {
    reads++
    response.end(JSON.stringify({ keys: published }))
  })
  provider.listen(0, '127.0.0.1')
  await once(provider, 'listening')
  onTestFinished(() => void provider.close())
  verifier = new TokenVerifier({
    secret: Buffer.alloc(32, 1),
    jwksUrl: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/`,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
  })
})

const isTaken = ({ token }: typeof first): Promise<boolean> =>
  verifier.verify(token).then(
    () => true,
    () => false,
  )

it('[A2.3] reads the keys again for an unknown one, but not more often than every few seconds', async () => {
  expect(await isTaken(first)).toBe(true)
  published = [second.jwk, first.jwk]
  expect(await isTaken(second)).toBe(false)
  expect(reads).toBe(1)
  await clock.advance(KEYS_READ_AGAIN_MS)
  expect([await isTaken(second), await isTaken(first)]).toEqual([true, true])
  expect(reads).toBe(2)
})

it('[A2.3] refuses a key that was removed once the keys are read again', async () => {
  expect(await isTaken(first)).toBe(true)
  published = [second.jwk]
  await clock.advance(KEYS_KEPT_MS - 1)
  expect(await isTaken(first)).toBe(true)
  await clock.advance(1)
  expect(await isTaken(first)).toBe(false)
})

it.each([-HOUR_MS, HOUR_MS])('[A2.3] does so too when the clock of the machine jumps by %i ms', async (ms) => {
  expect(await isTaken(first)).toBe(true)
  clock.jump(ms)
  published = [second.jwk]
  await clock.advance(KEYS_READ_AGAIN_MS)
  expect(await isTaken(first)).toBe(true) // kept
  expect(await isTaken(second)).toBe(true)
  expect(await isTaken(first)).toBe(false)
})
