/** Whole servers on one Redis, with plain WebSocket clients. */
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRoomful } from '../../src/index.ts'
import { openPlain } from './plain-client.ts'
import { startRedis } from './server.ts'

const redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'always'])
afterAll(() => redis.stop())

let prefixes = 0

async function serve(redisPrefix: string): Promise<{ url: string; close(): Promise<void> }> {
  const jwtSecret = 'a secret of at least thirty-two characters'
  const roomful = createRoomful({ data: ':memory:', redisUrl: redis.url, redisPrefix, jwtSecret, hosts: ['127.0.0.1'] })
  roomful.standardNamespaces()
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  const close = () => roomful.close()
  onTestFinished(close)
  return { url, close }
}

async function connect({ url }: { url: string }) {
  const { frames, ask, next } = await openPlain(url, '/ws/public')
  const contents = () => frames.filter(({ type }) => type === 'chat:message').map(({ content }) => content)
  return { frames, ask, next, contents }
}

describe('two servers on one Redis', () => {
  it('[C20] [G1] are one room to their clients: every message once, in one order', async () => {
    const prefix = `servers${++prefixes}`
    const servers = [await serve(prefix), await serve(prefix)]
    const clients = await Promise.all([0, 1, 0, 1].map((i) => connect(servers[i] as { url: string })))
    for (const client of clients) await client.ask('room:join', { roomId: 'lobby' })
    await Promise.all(
      clients.map(async (client, who) => {
        for (let i = 0; i < 5; i++) await client.ask('message:send', { roomId: 'lobby', content: `${who}.${i}` })
      }),
    )
    await Promise.all(clients.map(({ next }) => next(({ seq }) => seq === 20)))
    const [first] = clients.map(({ contents }) => contents())
    expect(new Set(first).size).toBe(20)
    for (const client of clients) expect(client.contents()).toEqual(first)
  })

  it('[C20] pass on what no log keeps', async () => {
    const prefix = `servers${++prefixes}`
    const [a, b] = [await serve(prefix), await serve(prefix)]
    const [ann, bob] = [await connect(a), await connect(b)]
    for (const client of [ann, bob]) await client.ask('room:join', { roomId: 'lobby' })
    await ann.ask('typing:start', { roomId: 'lobby' })
    const typing = await bob.next(({ type }) => type === 'user:typing')
    expect(typing).toEqual({
      type: 'user:typing',
      roomId: 'lobby',
      userId: expect.any(String),
      name: expect.any(String),
    })
  })

  it('[G2] keep what was said when one of them is gone, and number on', async () => {
    const prefix = `servers${++prefixes}`
    const [a, b] = [await serve(prefix), await serve(prefix)]
    const ann = await connect(a)
    await ann.ask('room:join', { roomId: 'lobby' })
    await ann.ask('message:send', { roomId: 'lobby', content: 'before' })
    await a.close()
    const bob = await connect(b)
    const joined = await bob.ask('room:join', { roomId: 'lobby' })
    expect(joined.data).toMatchObject({ status: 'ok', seq: 1 })
    const sent = await bob.ask('message:send', { roomId: 'lobby', content: 'after' })
    expect(sent.data).toMatchObject({ status: 'ok', seq: 2 })
  })
})
