/** Limits: per connection and second, per user and minute, rooms, queue, and what abuse comes to. */
import { appending, createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

async function said(client: TestClient, content: string, more: { key?: string } = {}) {
  return client.request('message:send', { roomId: 'x', content }, more)
}

async function sayTimes(client: TestClient, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const { error } = await said(client, `${i}`)
    if (error) throw new Error(`message ${i} was refused: ${error.code}`)
  }
}

const perMinute = (ratePerMinute: number): Promise<TestServer> =>
  createTestServer({ settings: { ratePerSecond: 0, ratePerMinute } })

describe('messages of a user in a minute', () => {
  it('[B34] the window slides, and the answer says how many seconds until the next is allowed', async () => {
    await using server = await createTestServer({ settings: { ratePerSecond: 0 } })
    const ann = await server.connect({ user: 'ann' })
    await sayTimes(ann, 15)
    await server.advance(20_000)
    await sayTimes(ann, 15)
    const { error } = await said(ann, 'one too many')
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 40, message: expect.stringContaining('30') })
    await server.advance(39_000)
    expect((await said(ann, 'still')).error).toMatchObject({ retryAfter: 1 })
    await server.advance(1_000)
    await sayTimes(ann, 15)
    expect((await said(ann, 'full again')).error).toMatchObject({ retryAfter: 20 })
  })

  it('[B34] counts over all connections of the user, and each user alone', async () => {
    await using server = await perMinute(4)
    const [first, second] = [
      await server.connect({ user: 'ann' }),
      await server.connect({ user: 'ann', dialect: 'v1' }),
    ]
    const bob = await server.connect({ user: 'bob' })
    await sayTimes(first, 2)
    await sayTimes(second, 2)
    expect((await said(first, 'x')).error?.code).toBe('RATE_LIMITED')
    expect((await said(second, 'x')).error?.code).toBe('RATE_LIMITED')
    await sayTimes(bob, 4)
    first.close()
    expect((await said(await server.connect({ user: 'ann' }), 'x')).error?.code).toBe('RATE_LIMITED')
  })

  it('[B34] what is refused does not extend the wait', async () => {
    await using server = await perMinute(2)
    const ann = await server.connect({ user: 'ann' })
    await sayTimes(ann, 2)
    for (let i = 0; i < 59; i++) {
      await server.advance(1_000)
      expect((await said(ann, 'again?')).error).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 59 - i })
    }
    await server.advance(1_000)
    await sayTimes(ann, 2)
  })

  it('[B34] [G3] repeats by key do not count, and are answered even over the limit', async () => {
    await using server = await perMinute(2)
    const ann = await server.connect({ user: 'ann' })
    const first = await said(ann, 'hi', { key: 'key-1' })
    for (let i = 0; i < 5; i++) expect(await said(ann, 'hi', { key: 'key-1' })).toEqual(first)
    expect((await said(ann, 'second')).error).toBeUndefined()
    expect((await said(ann, 'third')).error?.code).toBe('RATE_LIMITED')
    expect(await said(ann, 'hi', { key: 'key-1' })).toEqual(first)
    expect((await said(ann, 'other words', { key: 'key-1' })).error?.code).toBe('CONFLICT')
    expect((await said(ann, 'new', { key: 'key-2' })).error?.code).toBe('RATE_LIMITED')
    expect(server.get('/').state.rooms.has('x')).toBe(false)
  })

  it('[B34] what storage refused does not count', async () => {
    let isDown = true
    await using server = await createTestServer({
      settings: { ratePerMinute: 2 },
      broker: (broker) =>
        appending(broker, (appends, store) => (isDown ? Promise.reject(new Error('disk full')) : store(appends))),
    })
    const ann = await server.connect({ user: 'ann' })
    for (let i = 0; i < 4; i++) expect((await said(ann, 'x')).error?.code).toBe('UNAVAILABLE')
    isDown = false
    await sayTimes(ann, 2)
  })

  it('[B34] joins, typing and history do not count', async () => {
    await using server = await perMinute(1)
    const ann = await server.connect({ user: 'ann' })
    await sayTimes(ann, 1)
    expect((await ann.request('room:join', 'x')).error).toBeUndefined()
    expect((await ann.request('typing:start', 'x')).error).toBeUndefined()
    expect((await ann.request('history:get', { roomId: 'x' })).data.events).toHaveLength(1)
  })
})

describe('events of a connection in a second', () => {
  it('[C12] ten, sliding; the connection is kept', async () => {
    await using server = await createTestServer({ settings: { ratePerMinute: 0 } })
    const ann = await server.connect({ user: 'ann' })
    await sayTimes(ann, 5)
    await server.advance(500)
    await sayTimes(ann, 5)
    expect((await said(ann, 'x')).error).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 1 })
    await server.advance(500)
    await sayTimes(ann, 5)
    expect((await said(ann, 'x')).error?.code).toBe('RATE_LIMITED')
    expect(ann.closed).toBeUndefined()
    expect(server.observed('rate-limited').every(({ scope }) => scope === 'connection')).toBe(true)
  })

  it('[C12] rubbish and unknown events count, pings, joins and leaves do not', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    for (let i = 0; i < 20; i++) ann.send({ type: 'ping' })
    for (let i = 0; i < 20; i++) ann.post(i % 2 ? 'room:leave' : 'room:join', { roomId: 'x' })
    for (let i = 0; i < 5; i++) ann.send('rubbish')
    for (let i = 0; i < 5; i++) ann.post('no-such')
    await server.settle()
    expect(ann.messages((m) => (m.error ?? m).code === 'RATE_LIMITED')).toEqual([])
    ann.send('rubbish')
    expect(await ann.next('error')).toBeDefined()
    await server.settle()
    expect(ann.messages('error').at(-1)).toMatchObject({ code: 'RATE_LIMITED' })
  })

  it('[C12] over ten times the rate, kept up, closes with 1008', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    for (let second = 0; second < 5 && !ann.closed; second++) {
      for (let i = 0; i < 101; i++) ann.post('room:list')
      await server.advance(990)
    }
    expect(ann.closed).toEqual({ code: 1008, reason: 'Rate limit exceeded' })
    expect(server.hub.links.open.size).toBe(0)
  })

  it('[C12] a burst alone does not close', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    for (let i = 0; i < 450; i++) ann.post('room:list')
    await server.settle()
    expect(ann.closed).toBeUndefined()
    expect(ann.messages((m) => m.error?.code === 'RATE_LIMITED')).toHaveLength(440)
  })

  it('fifty joins a second', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    for (let i = 0; i < 51; i++) ann.post('room:join', { roomId: `r${i}` })
    await server.settle()
    expect(ann.messages((m) => m.error?.code === 'RATE_LIMITED')).toHaveLength(1)
    await server.advance(1_000)
    expect((await ann.request('room:join', { roomId: 'r50' })).error).toBeUndefined()
  })
})

describe('what a client sends at once after a cut', () => {
  /** How many of so many events, sent at once, were let through. */
  async function passing(client: TestClient, server: TestServer, count: number): Promise<number> {
    const before = client.messages((m) => m.error?.code === 'RATE_LIMITED').length
    for (let i = 0; i < count; i++) client.post('room:list')
    await server.settle()
    expect(client.closed).toBeUndefined()
    return count - (client.messages((m) => m.error?.code === 'RATE_LIMITED').length - before)
  }

  it.each([
    ['plain', { user: 'ann' }],
    ['v1', { user: 'ann' }],
    ['v1', { namespace: '/public', name: 'ann' }],
  ] as const)('[L18] goes through as far as the time away would have let it (%s %j)', async (dialect, who) => {
    await using server = await createTestServer()
    const enter = (session?: string) => server.connect({ ...who, dialect, session })
    const first = await enter()
    expect(await passing(first, server, 12)).toBe(10)
    first.cut()
    await server.advance(2_500)
    const again = await enter(first.session)
    expect(await passing(again, server, 40)).toBe(35)
    await server.advance(1_000)
    expect(await passing(again, server, 12)).toBe(10)
    again.cut()
    await server.advance(60_000)
    expect(await passing(await enter(again.session), server, 150)).toBe(110)
  })

  it('[L18] counts from when the link was last heard, and is one connection’s', async () => {
    await using server = await createTestServer()
    const [one, two] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'ann' })]
    await server.advance(3_000)
    one.cut()
    two.cut()
    for (const expected of [40, 40, 10])
      expect(await passing(await server.connect({ user: 'ann' }), server, 50)).toBe(expected)
    expect(await passing(await server.connect({ user: 'bob' }), server, 50)).toBe(10)
  })

  it('[L18] is over some seconds after the return', async () => {
    await using server = await createTestServer()
    ;(await server.connect({ user: 'ann' })).cut()
    await server.advance(5_000)
    const ann = await server.connect({ user: 'ann' })
    expect(await passing(ann, server, 20)).toBe(20)
    await server.advance(10_000)
    expect(await passing(ann, server, 20)).toBe(10)
  })

  it.each<[string, (client: TestClient, server: TestServer) => unknown]>([
    ['said goodbye', (client) => client.close()],
    ['was sent away', (client, server) => server.get('/').disconnect(client.id)],
    ['was away for longer than a session is kept', (client, server) => [client.cut(), server.advance(120_000)]],
  ])('[L18] is limited as ever for who %s', async (_, end) => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    await Promise.all([end(ann, server)].flat())
    await server.advance(3_000)
    expect(await passing(await server.connect({ user: 'ann' }), server, 20)).toBe(10)
  })

  it('[L18] is limited as ever for guests that no session makes the same, and where others left since', async () => {
    await using server = await createTestServer()
    const guest = () => server.connect({ namespace: '/public', name: 'ann' })
    ;(await guest()).cut()
    await server.advance(3_000)
    expect(await passing(await guest(), server, 20)).toBe(10)
    ;(await server.connect({ user: 'ann' })).cut()
    for (let i = 0; i < 10_000; i++) (await server.connect({ user: `u${i}` })).cut()
    await server.advance(3_000)
    expect(await passing(await server.connect({ user: 'ann' }), server, 20)).toBe(10)
    expect(await passing(await server.connect({ user: 'u0' }), server, 50)).toBe(40)
  })
})

describe('other bounds', () => {
  it('a connection may be in 200 rooms', async () => {
    await using server = await createTestServer({ settings: { ratePerSecond: 0 } })
    const ann = await server.connect({ user: 'ann' })
    for (let i = 0; i < 300; i++) ann.post('room:join', { roomId: `r${i}` })
    await server.settle()
    const refused = ann.messages((m) => m.error !== undefined)
    expect(refused).toHaveLength(100)
    expect(refused[0]?.error).toMatchObject({ code: 'TOO_MANY_ROOMS', message: expect.stringContaining('200') })
    expect(server.get('/').state.rooms.size).toBe(200)
    expect((await ann.request('room:join', { roomId: 'r5' })).error).toBeUndefined()
    await ann.request('room:leave', { roomId: 'r5' })
    expect((await ann.request('room:join', { roomId: 'r250' })).error).toBeUndefined()
  })

  it('one byte over the limit is TOO_LARGE, counted as UTF-8 of the arguments', async () => {
    await using server = await createTestServer({ settings: { maxMessageBytes: 1_000 } })
    server.get('/').on('raw', () => ({ status: 'ok' }))
    const ann = await server.connect({ user: 'ann' })
    const text = (bytes: number) => 'é'.repeat((bytes - 2) / 2) // with its quotes
    expect((await ann.request('raw', text(1_000))).error).toBeUndefined()
    expect((await ann.request('raw', `${text(1_000)}a`)).error).toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringContaining('1000'),
    })
    expect(ann.closed).toBeUndefined()
  })

  it('requests behind one that still runs are queued, reading is paused, far too many close', async () => {
    await using server = await createTestServer({ settings: { ratePerSecond: 0, handlerTimeoutMs: 60_000 } })
    server.get('/').on('slow', () => new Promise(() => undefined))
    const ann = await server.connect({ user: 'ann' })
    ann.post('slow')
    for (let i = 0; i < 100; i++) ann.post('room:list')
    await server.settle()
    expect(ann.wire.isPaused).toBe(true)
    // One message may hold many requests, which pausing cannot stop.
    const v1 = await server.connect({ user: 'bob', dialect: 'v1' })
    v1.post('slow')
    const many = Array.from({ length: 250 }, (_, i) =>
      JSON.stringify({ ch: 1, event: 'room:list', id: i + 1000 }),
    ).join('\n')
    const { link } = [...server.get('/').connections.values()].find(({ user }) => user.sub === 'bob') as {
      link: { receive(text: string): void }
    }
    for (let i = 0; i < 17; i++) link.receive(many)
    await server.settle()
    expect(v1.closed).toEqual({ code: 1008, reason: 'Too many requests at once' })
    await server.advance(60_000)
    expect(ann.messages((m) => m.data?.rooms)).toHaveLength(100)
    expect(ann.wire.isPaused).toBe(false)
  })

  it('[B33] links of one address, refused with the limit, freed on every kind of end', async () => {
    await using server = await createTestServer({ settings: { maxConnectionsPerIp: 5, loopbackExempt: false } })
    const from = (ip: string) => server.connect({ user: 'ann', ip })
    const clients: TestClient[] = []
    for (let i = 0; i < 5; i++) clients.push(await from('10.0.0.1'))
    const sixth = await from('10.0.0.1')
    expect(sixth.received).toEqual([
      { type: 'error', code: 'TOO_MANY_CONNECTIONS', message: 'Too many connections from this address: at most 5' },
    ])
    expect(sixth.closed?.code).toBe(1008)
    expect((await from('10.0.0.2')).closed).toBeUndefined()
    const [polite, cut, kicked, silent] = clients as [TestClient, TestClient, TestClient, TestClient]
    const again = async (): Promise<void> => {
      await server.settle() // a link counts until its goodbye is answered
      const client = await from('10.0.0.1')
      expect(client.closed).toBeUndefined()
      expect((await from('10.0.0.1')).closed?.code).toBe(1008)
    }
    polite.close()
    await again()
    cut.cut()
    await again()
    server.get('/').disconnect(kicked.id)
    await again()
    silent.wire.answersPings = false
    await server.advance(36_000)
    await again()
  })
})
