/** Limits that outlive a connection: of an address and of a user, whatever they reconnect with. D21. */
import { appending, createTestServer, type TestClient } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

const ADDRESS = '203.0.113.7'
const limited = (retryAfter: number) => ({
  type: 'error',
  code: 'RATE_LIMITED',
  message: expect.any(String),
  retryAfter,
})

async function said(client: TestClient, roomId = 'x', content = 'hi') {
  const { error } = await client.request('message:send', { roomId, content })
  return error?.code ?? 'ok'
}

describe('connections in a minute', () => {
  it('[L13] one too many of an address is told when to come back, and closed with 1013; the window slides', async () => {
    await using server = await createTestServer({ settings: { connectsPerMinute: 3 } })
    const from = (ip: string, dialect: 'plain' | 'v1' = 'plain') =>
      server.connect({ namespace: '/public', ip, dialect, name: 'g' })
    for (let i = 0; i < 3; i++) {
      const client = await from(ADDRESS)
      expect(client.closed).toBeUndefined()
      client.cut()
      await server.advance(10_000)
    }
    const refused = await from(ADDRESS)
    expect(refused.received).toEqual([limited(30)])
    expect(refused.closed?.code).toBe(1013)
    expect((await from(ADDRESS, 'v1')).closed?.code).toBe(1013)
    expect((await from('203.0.113.8')).closed).toBeUndefined()
    await server.advance(30_000)
    expect((await from(ADDRESS)).closed).toBeUndefined()
    expect((await from(ADDRESS)).closed?.code).toBe(1013)
    expect(server.observed('rate-limited').map(({ scope }) => scope)).toEqual(['connect', 'connect', 'connect'])
    expect(server.observed('link:refused').map(({ code }) => code)).toEqual(new Array(3).fill('RATE_LIMITED'))
  })

  it('[L13] of IPv6 a /64 is one address', async () => {
    await using server = await createTestServer({ settings: { connectsPerMinute: 2 } })
    const from = (ip: string) => server.connect({ namespace: '/public', ip })
    expect((await from('2001:db8:1:2::1')).closed).toBeUndefined()
    expect((await from('2001:db8:1:2:ffff::9')).closed).toBeUndefined()
    expect((await from('2001:db8:1:2::3')).closed?.code).toBe(1013)
    expect((await from('2001:db8:1:3::3')).closed).toBeUndefined()
  })

  it('[L13] a user is counted from whatever address, in every dialect', async () => {
    await using server = await createTestServer({ settings: { connectsPerMinute: 2 } })
    const ann = (ip: string, dialect: 'plain' | 'v1') => server.connect({ user: 'ann', ip, dialect })
    await ann('203.0.113.1', 'plain')
    await ann('203.0.113.2', 'v1')
    const third = await ann('203.0.113.3', 'plain')
    expect(third.received).toEqual([limited(60)])
    expect(third.closed?.code).toBe(1013)
    const fourth = await ann('203.0.113.4', 'v1')
    expect(fourth.received.at(-1)).toMatchObject({
      type: 'closed',
      code: 1013,
      error: { code: 'RATE_LIMITED', retryAfter: 60 },
    })
    expect((await server.connect({ user: 'bob', ip: '203.0.113.3' })).closed).toBeUndefined()
  })

  it('[L13] this machine is exempt unless the limit was set on purpose; 0 is off', async () => {
    const count = async (settings: object, ip?: string) => {
      await using server = await createTestServer({ settings })
      let let_in = 0
      for (let i = 0; i < 5; i++) {
        const client = await server.connect({ user: `u${i}`, ...(ip === undefined ? {} : { ip }) })
        if (!client.closed) let_in++
      }
      return let_in
    }
    expect(await count({ connectsPerMinute: 2 })).toBe(5)
    expect(await count({ connectsPerMinute: 2, loopbackCounted: ['connectsPerMinute'] })).toBe(2)
    expect(await count({ connectsPerMinute: 0 }, ADDRESS)).toBe(5)
  })
})

describe('messages of guests', () => {
  const settings = { ratePerSecond: 0, ratePerMinute: 3 }
  it('[L14] a guest that reconnects goes on with the count that it left', async () => {
    await using server = await createTestServer({ settings })
    const codes: string[] = []
    for (let i = 0; i < 5; i++) {
      const dialect = i % 2 === 0 ? 'plain' : 'v1'
      const guest = await server.connect({ namespace: '/public', ip: ADDRESS, name: `g${i}`, dialect })
      codes.push(await said(guest))
      guest.close()
      await server.settle()
    }
    expect(codes).toEqual(['ok', 'ok', 'ok', 'RATE_LIMITED', 'RATE_LIMITED'])
    expect(await said(await server.connect({ namespace: '/public', ip: '203.0.113.8' }))).toBe('ok')
    await server.advance(60_000)
    expect(await said(await server.connect({ namespace: '/public', ip: ADDRESS }))).toBe('ok')
  })

  it('[L14] guests who are here together have a count each, and a bound for all', async () => {
    await using server = await createTestServer({ settings: { ...settings, maxConnectionsPerIp: 0 } })
    const guests = await Promise.all(
      Array.from({ length: 25 }, () => server.connect({ namespace: '/public', ip: ADDRESS })),
    )
    let stored = 0
    for (let i = 0; i < 3; i++) for (const guest of guests) if ((await said(guest)) === 'ok') stored++
    expect(stored).toBe(60) // twenty times three
    expect(server.hub.sharedLimits.size).toBe(1)
    for (const guest of guests) guest.cut()
    await server.settle()
    expect(server.hub.sharedLimits.size).toBe(0)
  })

  it('[L14] a guest of this machine starts anew, unless the rate was set on purpose', async () => {
    const flood = async (more: object) => {
      await using server = await createTestServer({ settings: { ...settings, ...more } })
      let stored = 0
      for (let i = 0; i < 5; i++) {
        const guest = await server.connect({ namespace: '/public' })
        for (let k = 0; k < 4; k++) if ((await said(guest)) === 'ok') stored++
        guest.close()
        await server.settle()
      }
      return stored
    }
    expect(await flood({})).toBe(15)
    expect(await flood({ loopbackCounted: ['ratePerMinute'] })).toBe(3)
  })
})

describe('new rooms in a minute', () => {
  const settings = { newRoomsPerMinute: 3, ratePerSecond: 0, ratePerMinute: 0 }

  it('[L15] joins and messages count together, over reconnects; rooms that exist are free', async () => {
    await using server = await createTestServer({ settings })
    const join = async (client: TestClient, roomId: string) => (await client.request('room:join', { roomId })).error
    const bob = await server.connect({ user: 'bob' })
    await bob.request('message:send', { roomId: 'known', content: 'x' })
    await bob.request('room:join', { roomId: 'open' })
    let ann = await server.connect({ user: 'ann', ip: ADDRESS })
    expect(await join(ann, 'a')).toBeUndefined()
    expect(await said(ann, 'b')).toBe('ok')
    ann.close()
    ann = await server.connect({ user: 'ann', ip: '203.0.113.9', dialect: 'v1' })
    expect(await join(ann, 'c')).toBeUndefined()
    expect(await join(ann, 'd')).toMatchObject({
      code: 'RATE_LIMITED',
      retryAfter: 60,
      message: expect.stringContaining('3'),
    })
    const { error } = await ann.request('message:send', { roomId: 'e', content: 'x' })
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 60 })
    expect(await server.broker.heads('/', ['d', 'e'])).toEqual([])
    for (const roomId of ['a', 'b', 'known', 'open']) expect(await join(ann, roomId)).toBeUndefined()
    for (const roomId of ['known', 'b', 'b', 'a']) expect(await said(ann, roomId)).toBe('ok')
    expect(server.observed('rate-limited').map(({ scope }) => scope)).toEqual(['new-room', 'new-room'])
    await server.advance(60_000)
    expect(await said(ann, 'e')).toBe('ok')
  })

  it('[L15] guests of an address count together', async () => {
    await using server = await createTestServer({ settings })
    const codes: string[] = []
    for (let i = 0; i < 5; i++) {
      codes.push(await said(await server.connect({ namespace: '/public', ip: ADDRESS }), `r${i}`))
    }
    expect(codes).toEqual(['ok', 'ok', 'ok', 'RATE_LIMITED', 'RATE_LIMITED'])
  })

  it('[L15] what storage refused, or has under the key already, is given back', async () => {
    let isDown = true
    await using server = await createTestServer({
      settings: { ...settings, newRoomsPerMinute: 1 },
      broker: (broker) =>
        appending(broker, (appends, store) => (isDown ? Promise.reject(new Error('disk full')) : store(appends))),
    })
    const ann = await server.connect({ user: 'ann', ip: ADDRESS })
    for (let i = 0; i < 3; i++) expect(await said(ann, 'a')).toBe('UNAVAILABLE')
    isDown = false
    expect(await said(ann, 'a')).toBe('ok')
    expect(await said(ann, 'b')).toBe('RATE_LIMITED')
  })
})

it('[L17] a guest’s stored bytes are those of its address, whose name is not told', async () => {
  const writers: (string | undefined)[] = []
  await using server = await createTestServer({
    broker: (broker) => ({
      ...broker,
      append: (namespace, batch) => {
        writers.push(...batch.appends.map(({ writer }) => writer))
        broker.append(namespace, batch)
      },
    }),
  })
  for (const ip of [ADDRESS, ADDRESS, '203.0.113.8']) await said(await server.connect({ namespace: '/public', ip }))
  await said(await server.connect({ user: 'ann', ip: ADDRESS }))
  const [first, second, third, ann] = writers
  expect(first).toBe(second)
  expect(first).not.toBe(third)
  expect(first).not.toContain(ADDRESS)
  expect(ann).toBe('ann')
})
