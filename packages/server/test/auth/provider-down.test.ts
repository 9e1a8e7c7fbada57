import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createRoomful, type Roomful } from '../../src/index.ts'
import { rsaToken } from './bad-tokens.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const token = rsaToken(privateKey, { sub: 'carol' }, { alg: 'RS256', kid: 'one' })

let roomful: Roomful
let base: string
beforeEach(async () => {
  const settings = { data: ':memory:', port: 0, jwksUrl: 'http://127.0.0.1:9/jwks.json' }
  roomful = createRoomful(settings).standardNamespaces()
  base = (await roomful.listen()).url
})
afterEach(() => roomful.close())

async function closeOf(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, reason.toString()]
}

it('[A2.3] an identity provider that cannot be reached is 1013, worth another try, and not the fault of the token', async () => {
  const sentence = 'The keys of the identity provider cannot be read; try again later'
  const url = `${base.replace('http', 'ws')}/ws`
  expect(await closeOf(new WebSocket(`${url}?token=${token}`))).toEqual([1013, sentence])
  const later = new WebSocket(url)
  await once(later, 'open')
  later.send(JSON.stringify({ type: 'auth', token }))
  expect(await closeOf(later)).toEqual([1013, sentence])
})

it('over HTTP it is 503, with a time to come back', async () => {
  const response = await fetch(`${base}/api/rooms`, { headers: { authorization: `Bearer ${token}` } })
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3'])
})
