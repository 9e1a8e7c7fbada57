/** The life of links: heartbeat, goodbyes, several connections on one, and the end of the server. */
import { createTestServer, type TestClient } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

describe('heartbeat', () => {
  it('[A2.2] [C4] pings every 30 s whatever the traffic, each link in its own phase', async () => {
    await using server = await createTestServer()
    const clients: TestClient[] = []
    for (let i = 0; i < 40; i++) clients.push(await server.connect({ user: `u${i}` }))
    const firstAt = new Map<TestClient, number>()
    for (let second = 0; second < 31; second++) {
      await server.advance(1_000)
      for (const client of clients) if (client.wire.pings > 0 && !firstAt.has(client)) firstAt.set(client, second)
    }
    expect(firstAt.size).toBe(40)
    expect(new Set(firstAt.values()).size).toBeGreaterThan(5)
    await server.advance(300_000 - 31_000)
    for (const { wire, closed } of clients) {
      expect(closed).toBeUndefined()
      expect(wire.pings).toBeGreaterThanOrEqual(9)
      expect(wire.pings).toBeLessThanOrEqual(11)
    }
  })

  it('[A2.2] a peer that stops answering is cut within 30 to 36 s, and everyone hears of it', async () => {
    await using server = await createTestServer()
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    await server.advance(60_000)
    ann.wire.answersPings = false
    const stoppedAt = server.clock.monotonic()
    await bob.next('user:left', 60_000)
    const elapsedMs = server.clock.monotonic() - stoppedAt
    expect(elapsedMs).toBeLessThanOrEqual(36_000)
    expect(ann.wire.isTerminated).toBe(true)
    expect(ann.closed?.code).toBe(1006)
    expect(server.observed('connection:closed')[0]?.reason).toContain('heartbeat timeout')
  })

  it('[A2.2] pings on time also where an answer may take longer than it is until the next ping', async () => {
    await using server = await createTestServer({ settings: { pingIntervalMs: 5_000, pongTimeoutMs: 20_000 } })
    const ann = await server.connect({ user: 'ann' })
    await server.advance(61_000)
    expect(ann.wire.pings).toBeGreaterThanOrEqual(11)
    ann.wire.answersPings = false
    const before = ann.wire.pings
    await server.advance(19_000)
    expect(ann.closed, 'an answer may still come').toBeUndefined()
    expect(ann.wire.pings).toBeGreaterThanOrEqual(before + 3)
    await server.advance(6_500)
    expect(server.observed('connection:closed')[0]?.reason).toContain('heartbeat timeout')
  })

  it('[A2.2] anything that arrives is a sign of life', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    ann.wire.answersPings = false
    for (let second = 0; second < 120; second += 2) {
      ann.send({ type: 'ping' })
      await server.advance(2_000)
    }
    expect(ann.closed).toBeUndefined()
  })
})

describe('several connections on one link', () => {
  const guests = { guests: true } as const
  const withNamespaces = () =>
    createTestServer({
      setUp: (given) => {
        given.namespace('/users')
        given.namespace('/broken', undefined, guests).use(() => {
          throw new Error('a mistake')
        })
        given.namespace('/slow', undefined, guests).use(() => new Promise(() => undefined))
        given.namespace('/fine', undefined, guests)
      },
    })

  it.each([
    ['/broken', 1011, 'INTERNAL'],
    ['/users', 4001, 'UNAUTHENTICATED'],
  ])(
    '[J20] one that is refused, %s, takes no other along that was asked for together with it',
    async (ns, code, why) => {
      await using server = await withNamespaces()
      const client = server.open({ namespace: ns, dialect: 'v1' })
      client.send({ type: 'open', ch: 2, ns: '/fine' })
      await server.settle()
      expect(client.messages('closed')).toMatchObject([{ ch: 1, code, error: { code: why } }])
      expect(client.messages('opened')).toMatchObject([{ ch: 2 }])
      expect(client.closed).toBeUndefined()
      expect(server.observed('connection:refused')).toMatchObject([{ namespace: ns, code: why }])
      const alone = await server.connect({ namespace: ns, dialect: 'v1' })
      expect(alone.closed?.code).toBe(code)
    },
  )

  it('[J21] one that is left before it was let in is free at once', async () => {
    await using server = await withNamespaces()
    const client = server.open({ namespace: '/slow', dialect: 'v1' })
    client.send({ type: 'close' })
    client.send({ type: 'open', ns: '/fine' })
    await server.settle()
    expect(client.messages('closed')).toMatchObject([{ ch: 1, code: 1000 }])
    expect(client.messages('opened')).toMatchObject([{ ch: 1 }])
    expect(client.messages('error')).toEqual([])
  })

  it('share it by channel, each with its own namespace, rooms and end', async () => {
    await using server = await createTestServer()
    const client = await server.connect({ user: { sub: 'root', role: 'admin' }, dialect: 'v1' })
    client.send({ type: 'open', ch: 2, ns: '/admin', token: server.token({ sub: 'root', role: 'admin' }) })
    client.send({ type: 'open', ch: 3, ns: '/nowhere' })
    client.send({ type: 'open', ch: 1, ns: '/' })
    await server.settle()
    expect(client.messages('opened').map(({ ch }) => ch)).toEqual([1, 2])
    expect(client.messages('closed')).toMatchObject([{ ch: 3, code: 4003 }])
    expect(client.messages('error')).toMatchObject([{ ch: 1, code: 'INVALID_MESSAGE' }])
    client.send({ ch: 2, event: 'room:join', data: 'x', id: 'in-admin' })
    client.send({ ch: 1, event: 'room:join', data: 'x', id: 'in-root' })
    await server.settle()
    server.get('/admin').to('x').emit('note', 'admin')
    server.get('/').to('x').emit('note', 'root')
    await server.settle()
    expect(client.messages('note').map(({ ch, data }) => [ch, data])).toEqual([
      [2, 'admin'],
      [1, 'root'],
    ])
    client.send({ type: 'close', ch: 2 })
    await server.settle()
    expect(server.get('/admin').connections.size).toBe(0)
    expect((await client.request('room:list')).data).toMatchObject({ status: 'ok' })
    client.send({ ch: 2, event: 'room:list', id: 'late' })
    expect(await client.next(({ ack }) => ack === 'late')).toMatchObject({ error: { code: 'INVALID_MESSAGE' } })
  })

  it('[D13] one is left and its session kept: a later one resumes it on the same link, and no member saw it leave', async () => {
    await using server = await createTestServer()
    const watcher = await server.connect({ user: 'watcher' })
    await watcher.request('room:join', 'x')
    const client = await server.connect({ user: 'ann', dialect: 'v1' })
    client.send({ type: 'open', ch: 2, ns: '/', token: server.token('ben') })
    await server.settle()
    const [, opened] = client.messages('opened')
    client.send({ ch: 2, event: 'room:join', data: 'x', id: 'join' })
    await server.settle()
    client.send({ type: 'close', ch: 2, keep: true })
    await server.settle()
    expect(client.messages('closed')).toMatchObject([{ ch: 2, code: 1005 }])
    expect(client.closed).toBeUndefined()
    client.send({ type: 'open', ch: 5, ns: '/', token: server.token('ben'), session: opened?.session })
    await server.settle()
    expect(client.messages('opened').at(-1)).toMatchObject({ ch: 5, recovered: true, id: opened?.id })
    client.send({ ch: 5, event: 'room:join', data: { roomId: 'x', after: 0 }, id: 'again' })
    await server.advance(10_000)
    expect(watcher.messages('user:left')).toEqual([])
  })

  it.each([
    [true, true],
    [false, false],
  ])('[D13] the end of the page that has a link is a cut for those that share it (%s)', async (shared, recovered) => {
    await using server = await createTestServer()
    const client = server.open({ namespace: '/', dialect: 'v1' })
    client.send({ type: 'open', ch: 1, ns: '/', token: server.token('ann'), shared })
    await server.settle()
    const [opened] = client.messages('opened')
    client.close(1001)
    await server.settle()
    const again = await server.connect({ user: 'ann', dialect: 'v1', session: opened?.session })
    expect(again.messages('opened')).toMatchObject([{ recovered }])
  })

  it('[D13] the last one may be left too: the link stays for the next', async () => {
    await using server = await createTestServer()
    const client = await server.connect({ user: 'ann', dialect: 'v1' })
    client.send({ type: 'close', ch: 1, keep: true })
    await server.settle()
    expect(client.closed).toBeUndefined()
    client.send({ type: 'open', ch: 1, ns: '/', token: server.token('ann'), session: client.session })
    await server.settle()
    expect(client.messages('opened').at(-1)).toMatchObject({ recovered: true })
  })

  it('are at most 16', async () => {
    await using server = await createTestServer()
    const client = await server.connect({ user: 'ann', dialect: 'v1' })
    for (let ch = 2; ch <= 17; ch++) client.send({ type: 'open', ch, ns: '/public', name: 'ann' })
    await server.settle()
    expect(server.get('/public').connections.size).toBe(15)
    expect(client.messages('error')).toHaveLength(1)
    client.cut()
    await server.advance(6_000)
    expect(server.get('/public').connections.size).toBe(0)
  })
})

describe('goodbyes', () => {
  it('[A3.5] what was queued goes out before the close, nothing after it', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'] })
    server.get('/').to('x').emit('note', 'last words')
    await Promise.resolve()
    server.get('/').disconnect('ann', 4009, 'bye')
    server.get('/').to('x').emit('note', 'too late')
    await server.settle()
    expect(ann.closed).toEqual({ code: 4009, reason: 'bye' })
    expect(
      ann
        .messages('note')
        .map(({ data }) => data)
        .at(-1),
    ).not.toBe('too late')
  })

  it('[A3.5] a peer that does not answer the close is cut after the transport’s deadline, and is gone for others at once', async () => {
    await using server = await createTestServer()
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    ann.wire.stall()
    server.get('/').disconnect('ann')
    await server.settle()
    expect(bob.messages('user:left')).toHaveLength(1)
    expect(server.hub.links.open.size).toBe(2)
    await server.advance(5_000)
    expect(server.hub.links.open.size).toBe(1)
  })

  it('[B32] the end is a fact with reason and duration', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann', ip: '10.1.2.3', userAgent: 'agent/1' })
    await server.advance(12_345)
    ann.close(1001, 'tab closed')
    await server.settle()
    const [fact] = server.observed('connection:closed')
    expect(fact).toMatchObject({ durationMs: 12_345, reason: '1001 tab closed' })
    expect(fact?.connection).toMatchObject({ ip: '10.1.2.3', userAgent: 'agent/1', auth: 'authenticated' })
  })
})

describe('the end of the server', () => {
  it('[A2.4] [C15] [G7] every client is sent a time to return, then closed with 1012; requests are answered first', async () => {
    await using server = await createTestServer()
    const clients = Object.values(await audience(server, { a: ['x'], b: ['x'], c: ['x'] }))
    const id = clients[0]?.post('message:send', { roomId: 'x', content: 'just in time' }) as number
    const drained = server.hub.drain()
    await server.clock.until(drained)
    await server.settle()
    expect(clients[0]?.answer(id)?.data).toMatchObject({ status: 'ok' })
    for (const client of clients) {
      expect(client.messages('server:draining')).toMatchObject([{ reconnectAfterMs: expect.any(Number) }])
      expect(client.messages('chat:message')).toHaveLength(1)
      expect(client.closed).toEqual({ code: 1012, reason: 'Server shutting down' })
    }
    expect(server.hub.isReady).toBe(false)
    expect(server.hub.links.open.size).toBe(0)
    expect((await server.connect({ user: 'late' })).closed?.code).toBe(1012)
  })

  it('[G7] above 100 links the closes are spread over drainMs, each client with a moment of its own', {
    timeout: 20_000,
  }, async () => {
    await using server = await createTestServer({ settings: { drainMs: 8_000 } })
    const clients: TestClient[] = []
    for (let i = 0; i < 200; i++) clients.push(await server.connect({ user: `u${i}` }))
    const drained = server.hub.drain()
    const open = () => clients.filter(({ closed }) => !closed).length
    await server.settle()
    expect(open()).toBeGreaterThan(180)
    await server.advance(4_000)
    expect(open()).toBeGreaterThan(80)
    expect(open()).toBeLessThan(120)
    await server.clock.until(drained)
    await server.settle()
    expect(open()).toBe(0)
    expect(new Set(clients.map((each) => each.messages('server:draining')[0]?.reconnectAfterMs)).size).toBeGreaterThan(
      150,
    )
  })

  it('[G7] a stalled link does not hold the others up', async () => {
    await using server = await createTestServer()
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    a.wire.stall()
    await server.clock.until(server.hub.drain())
    await server.settle()
    expect(b.closed?.code).toBe(1012)
    await server.advance(5_000)
    expect(server.hub.links.open.size).toBe(0)
  })
})
