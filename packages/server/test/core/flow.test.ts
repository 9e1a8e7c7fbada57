/** Members that want the latest of a room, or the latest every so often: how much they get, and what they are told. */
import { createTestServer, type Message, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const settings = { ratePerSecond: 0, ratePerMinute: 0, outboxBytes: 10_000, historySize: 50 }
const contract = {
  client: {},
  server: {
    price: { data: z.object({ symbol: z.string(), price: z.number() }), volatile: { latestBy: 'symbol' } },
    trade: { data: z.object({ text: z.string() }), durable: true },
    note: { data: z.object({ text: z.string() }), durable: true },
  },
} as const

const start = (): Promise<TestServer> =>
  createTestServer({ settings, setUp: (kit) => void kit.chat(kit.namespace('/').extend(contract) as never) })

async function join(
  server: TestServer,
  user: string,
  flow: unknown,
  dialect: 'plain' | 'v1' = 'plain',
): Promise<TestClient> {
  const client = await server.connect({ user, dialect })
  const { data } = await client.request('room:join', { roomId: 'x', flow })
  expect(data.flow).toEqual(flow)
  return client
}

const publish = async (server: TestServer, type: string, from: number, to: number): Promise<void> => {
  for (let i = from; i <= to; i++) await say(server, type, `${i}`)
}
const say = (server: TestServer, type: string, text: string): Promise<unknown> =>
  server.clock.until(server.get('/').publish('x', type, [{ text }]))
const texts = (client: TestClient, type: string): string[] =>
  client.messages(type).map((message: Message) => (message.data ?? message).text)

describe('a member that wants the latest', () => {
  it('[D14] gets all while its link takes them, and after a stall the latest of each type and how many lie behind', async () => {
    await using server = await start()
    const latest = await join(server, 'ann', 'latest')
    const all = await join(server, 'bob', 'all')
    await publish(server, 'trade', 1, 3)
    expect(texts(latest, 'trade')).toEqual(['1', '2', '3'])
    latest.wire.stall()
    all.wire.stall()
    await say(server, 'note', 'x'.repeat(12_000))
    await publish(server, 'note', 1, 5)
    await publish(server, 'trade', 4, 300)
    latest.wire.drain()
    all.wire.drain()
    await server.settle()
    expect(texts(latest, 'trade')).toEqual(['1', '2', '3', '300'])
    const [lag] = latest.messages('room:lag')
    expect(lag).toMatchObject({ roomId: 'x' })
    expect(lag?.behind).toBeGreaterThan(250)
    expect(texts(all, 'trade')).toEqual(Array.from({ length: 300 }, (_, i) => `${i + 1}`))
    expect(all.messages('room:lag')).toEqual([])
    await publish(server, 'trade', 301, 301)
    expect(texts(latest, 'trade').at(-1)).toBe('301')
  })

  it('[D14] [G4] that resumes gets the latest of each type that is in memory, and no promise', async () => {
    await using server = await start()
    await publish(server, 'trade', 1, 10)
    await publish(server, 'note', 1, 2)
    const client = await server.connect({ user: 'ann', dialect: 'v1' })
    const { data } = await client.request('room:join', { roomId: 'x', after: 3, flow: 'latest' })
    expect(data).toMatchObject({ seq: 12, flow: 'latest' })
    expect(data).not.toHaveProperty('recovered')
    await server.settle()
    expect(client.messages('room:lag').map(({ data: lag }) => lag)).toEqual([{ roomId: 'x', behind: 9 }])
    expect([texts(client, 'trade'), texts(client, 'note')]).toEqual([['10'], ['2']])
  })
})

describe('a member with an interval', () => {
  it('[D14] gets the first at once and then the latest of each key, durable ones out of their place', async () => {
    await using server = await start()
    const client = await join(server, 'ann', { everyMs: 1_000 })
    const all = await join(server, 'bob', 'all', 'v1')
    for (let i = 1; i <= 100; i++) {
      await publish(server, 'trade', i, i)
      for (const symbol of ['A', 'B']) server.get('/').to('x').emit('price', { symbol, price: i })
      await server.advance(50)
    }
    await server.advance(1_000)
    expect(texts(client, 'trade').length).toBeLessThanOrEqual(7)
    expect([texts(client, 'trade')[0], texts(client, 'trade').at(-1)]).toEqual(['1', '100'])
    const prices = client.messages('price')
    expect(prices.length).toBeLessThanOrEqual(14)
    expect(prices.slice(-2)).toMatchObject([
      { symbol: 'A', price: 100 },
      { symbol: 'B', price: 100 },
    ])
    expect(client.messages('trade').at(-1)).toMatchObject({ roomId: 'x', seq: 100, id: 'x-100' })
    expect(texts(all, 'trade')).toHaveLength(100)
    expect(all.messages('price')).toHaveLength(200)
  })

  it('[D14] is granted the next interval that there is, and may change its mind', async () => {
    await using server = await start()
    const client = await server.connect({ user: 'ann' })
    const ask = async (flow: unknown) => (await client.request('room:join', { roomId: 'x', flow })).data.flow
    expect(await ask({ everyMs: 70 })).toEqual({ everyMs: 100 })
    expect(await ask({ everyMs: 60_000 })).toEqual({ everyMs: 60_000 })
    await publish(server, 'trade', 1, 1)
    await publish(server, 'trade', 2, 3)
    expect(texts(client, 'trade')).toEqual(['1'])
    expect(await ask('all')).toBe('all')
    await publish(server, 'trade', 4, 5)
    expect(texts(client, 'trade').slice(1)).toEqual(['4', '5'])
    for (const flow of ['some', { everyMs: 0 }, { everyMs: 60_001 }, 5]) {
      const { error } = await client.request('room:join', { roomId: 'x', flow })
      expect(error).toMatchObject({ code: 'INVALID_MESSAGE' })
    }
  })

  it('[D14] loses nothing of who is there, of the state, and of a message that grows', async () => {
    await using server = await start()
    const client = await join(server, 'ann', { everyMs: 10_000 })
    const bob = await join(server, 'bob', 'all')
    const { data } = await bob.request('message:stream', { roomId: 'x' })
    for (let at = 0; at < 5; at++) {
      await bob.request('message:append', { roomId: 'x', seq: data.seq, at, text: `${at}` })
      await bob.request('state:add', { roomId: 'x', name: 'count', by: 1 })
    }
    await bob.request('message:complete', { roomId: 'x', seq: data.seq })
    await server.settle()
    expect(client.messages('user:joined')).toMatchObject([{ userId: 'bob' }])
    expect(
      client
        .messages('message:piece')
        .map(({ text }) => text)
        .join(''),
    ).toBe('01234')
    expect(client.messages('message:ended')).toMatchObject([{ state: 'complete', length: 5 }])
    expect(client.messages('state:changed').at(-1)).toMatchObject({ fv: 5, value: 5 })
  })
})

it('[D14] [A3.2] a hundred samplers and a hundred others cost one encode each', async () => {
  await using server = await createTestServer({ settings })
  for (let i = 0; i < 50; i++) {
    await join(server, `a${i}`, { everyMs: 1_000 })
    await join(server, `b${i}`, 'latest')
  }
  server.facts.length = 0
  await say(server, 'message', 'hi')
  await server.settle()
  const sent = server.facts.flatMap((fact) => (fact.type === 'fan-out' ? [[fact.deliveries, fact.encoded]] : []))
  expect(sent).toEqual([
    [50, 2],
    [50, 1],
  ])
})
