/** An identity provider changes its key while clients stay. docs/operations.md, "A key leaked". */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { Client } from './lib/client.ts'
import { Server, UNLIMITED } from './lib/server.ts'

/** A key pair, and the public half as a provider publishes it. */
function makeKey(kid: string) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' } }
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function tokenOf(sub: string, { kid, privateKey }: { readonly kid: string; readonly privateKey: KeyObject }): string {
  const signed = `${part({ alg: 'RS256', kid })}.${part({ sub, name: sub })}`
  return `${signed}.${createSign('sha256').update(signed).sign(privateKey, 'base64url')}`
}

async function openProvider() {
  const provider = { url: '', published: [] as unknown[], reads: 0 }
  const server = createServer((_, response) => {
    provider.reads++
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: provider.published }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  return provider
}

it('[A2.3] a provider changes its key: who is connected stays, new tokens are taken, and those of the old key end', {
  timeout: 90_000,
}, async () => {
  const [first, second, third] = [makeKey('first'), makeKey('second'), makeKey('third')]
  const provider = await openProvider()
  provider.published = [first.jwk]
  const server = await Server.start({ env: { ...UNLIMITED, JWKS_URL: provider.url } })
  onTestFinished(() => server.dispose())
  /** A member of the room, or nothing when the token is refused. */
  const enter = async (token: string): Promise<Client | undefined> => {
    const client = new Client(`${server.ws}/ws?token=${token}`)
    onTestFinished(() => client.socket.terminate())
    const isIn = await Promise.race([client.next('auth_ok').then(() => true, () => false), client.closed.then(() => false)]) // biome-ignore format: one line
    if (!isIn) return undefined
    await client.ok('room:join', { roomId: 'a' })
    return client
  }
  const isTaken = async (sub: string, key: typeof first): Promise<boolean> => {
    const client = await enter(tokenOf(sub, key))
    client?.socket.terminate()
    return client !== undefined
  }
  const ann = await enter(tokenOf('ann', first))
  if (!ann) throw new Error('Ann is let in')
  expect(await isTaken('ben', second)).toBe(false)

  // The provider signs with the second key from now on, and publishes the first one until its tokens have ended.
  provider.published = [second.jwk, first.jwk]
  await expect.poll(() => isTaken('ben', second), { timeout: 30_000, interval: 500 }).toBe(true)
  const cat = await enter(tokenOf('cat', first))
  if (!cat) throw new Error('Tokens of both keys are taken meanwhile')

  // The old key is removed. An unknown key has the keys read again, and then its tokens are refused.
  provider.published = [second.jwk]
  const isRefused = async (): Promise<boolean> => !(await isTaken('eve', third)) && !(await isTaken('dan', first))
  await expect.poll(isRefused, { timeout: 30_000, interval: 500 }).toBe(true)

  // Ann and Cat never left, and go on with tokens of the new key on their open connections.
  for (const [client, sub] of [
    [ann, 'ann'],
    [cat, 'cat'],
  ] as const) {
    // biome-ignore format: one list
    expect(client.socket.readyState).toBe(1)
    client.send({ type: 'auth', token: tokenOf(sub, second) })
    await client.next('auth_ok')
    await client.ok('chat:message', { roomId: 'a', content: `${sub} is still here` })
    for (const each of [ann, cat]) await each.next({ type: 'chat:message', content: `${sub} is still here` })
  }
})
