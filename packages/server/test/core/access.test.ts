/** Who may do what: middleware, rules of rooms, and what a changed identity changes. */
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { RoomfulError } from '../../src/core/base/errors.ts'
import { requireRole } from '../../src/standard.ts'

describe('middleware', () => {
  it.each([
    ['/', 'user', undefined],
    ['/public', 'user', undefined],
    ['/support', 'user', 4003],
    ['/support', 'support', undefined],
    ['/support', 'admin', undefined],
    ['/admin', 'support', 4003],
    ['/admin', 'admin', undefined],
  ])('[B35] %s and the role %s: %s', async (namespace, role, code) => {
    await using server = await createTestServer()
    for (const dialect of ['plain', 'v1'] as const) {
      const client = await server.connect({ namespace, user: { sub: 'u1', role }, dialect })
      expect(client.closed?.code).toBe(code)
      if (code) expect(client.messages('auth_ok')).toEqual([])
      if (code && dialect === 'v1')
        expect(client.messages('closed')).toMatchObject([{ code, error: { code: 'FORBIDDEN' } }])
    }
  })

  it('runs at connect and before each event, in order, and a refusal keeps the handler from running', async () => {
    const ran: string[] = []
    await using server = await createTestServer({
      setUp: (kit) => {
        const namespace = kit.namespace('/')
        namespace.use(({ event }) => void ran.push(`first ${event}`))
        namespace.use(async ({ event }) => {
          await Promise.resolve()
          ran.push(`second ${event}`)
          if (event === 'forbidden') throw new RoomfulError('FORBIDDEN', 'Not this one')
        })
        namespace.on('forbidden', () => ran.push('handler'))
        namespace.on('fine', () => ran.push('handler'))
      },
    })
    const ann = await server.connect({ user: 'ann' })
    expect((await ann.request('forbidden')).error).toMatchObject({ code: 'FORBIDDEN', message: 'Not this one' })
    await ann.request('fine')
    const each = (event?: string) => [`first ${event}`, `second ${event}`]
    expect(ran).toEqual([...each(undefined), ...each('forbidden'), ...each('fine'), 'handler'])
  })

  it('[B38] that fails at connect closes with 1011, and leaks nothing', async () => {
    await using server = await createTestServer({
      setUp: (kit) =>
        void kit.namespace('/').use(() => {
          throw new Error('secret detail')
        }),
    })
    const client = await server.connect({ user: 'ann' })
    expect(client.closed?.code).toBeGreaterThanOrEqual(1011)
    expect(JSON.stringify([client.closed, client.received])).not.toContain('secret')
    expect(server.hub.links.open.size).toBe(0)
  })
})

describe('rules of rooms', () => {
  const declared = (): Promise<TestServer> =>
    createTestServer({
      setUp: (kit) => {
        const namespace = kit.namespace('/')
        kit.chat(namespace)
        namespace.room('staff:*', {
          allow: { join: (user) => user.role !== 'user', history: async (user) => user.role === 'admin' },
        })
        namespace.room('news', { allow: { publish: ({ role }) => role === 'admin', presence: () => false } })
        namespace.room('free:*')
      },
    })

  it('[C16] run on every action, and what no pattern matches is FORBIDDEN', async () => {
    await using server = await declared()
    const ann = await server.connect({ user: 'ann' })
    const admin = await server.connect({ user: { sub: 'root', role: 'admin' }, dialect: 'v1' })
    const code = async (client: TestClient, event: string, roomId: string) =>
      (await client.request(event, { roomId, content: 'x' })).error?.code
    expect(await code(ann, 'room:join', 'staff:1')).toBe('FORBIDDEN')
    expect(await code(ann, 'history:get', 'staff:1')).toBe('FORBIDDEN')
    expect(await code(admin, 'room:join', 'staff:1')).toBeUndefined()
    expect(await code(admin, 'history:get', 'staff:1')).toBeUndefined()
    expect(await code(ann, 'room:join', 'news')).toBeUndefined()
    expect(await code(ann, 'message:send', 'news')).toBe('FORBIDDEN')
    expect(await code(ann, 'presence:get', 'news')).toBe('FORBIDDEN')
    expect(await code(admin, 'message:send', 'news')).toBeUndefined()
    expect(await code(ann, 'room:join', 'free:1')).toBeUndefined()
    for (const event of ['room:join', 'message:send', 'history:get', 'presence:get']) {
      expect(await code(ann, event, 'elsewhere')).toBe('FORBIDDEN')
    }
    expect(ann.messages('chat:message')).toHaveLength(1)
    expect([...server.get('/').state.rooms.keys()].sort()).toEqual(['free:1', 'news', 'staff:1'])
  })

  it('[G8] [D11] run again after a refresh: the client is sent the rooms that it lost', async () => {
    await using server = await declared()
    const sam = await server.connect({ user: { sub: 'sam', role: 'support' } })
    const admin = await server.connect({ user: { sub: 'root', role: 'admin' } })
    for (const roomId of ['staff:1', 'staff:2', 'free:1']) await sam.request('room:join', { roomId })
    await admin.request('room:join', { roomId: 'staff:1' })
    sam.send({ type: 'auth', token: server.token({ sub: 'sam', role: 'user' }) })
    await server.settle()
    expect(sam.messages('notice')).toMatchObject([
      { code: 'FORBIDDEN', roomId: 'staff:1' },
      { code: 'FORBIDDEN', roomId: 'staff:2' },
    ])
    expect(admin.messages('user:left')).toMatchObject([{ roomId: 'staff:1', userId: 'sam', reason: 'forbidden' }])
    server.get('/').to(['staff:1', 'free:1']).emit('note')
    server.get('/').to('staff:2').emit('secret')
    await server.settle()
    expect([sam.messages('note').length, sam.messages('secret').length]).toEqual([1, 0])
    sam.send({ type: 'auth', token: server.token({ sub: 'sam', role: 'support' }) })
    await server.settle()
    expect((await sam.request('room:join', { roomId: 'staff:1' })).error).toBeUndefined()
  })

  it('[G8] a connection whose role its namespace no longer takes is closed with 4003', async () => {
    await using server = await createTestServer({
      setUp: (kit) => void kit.namespace('/').use(requireRole('admin')),
    })
    const client = await server.connect({ user: { sub: 'u1', role: 'admin' } })
    client.send({ type: 'auth', token: server.token({ sub: 'u1', role: 'user' }) })
    await server.settle()
    expect(client.closed?.code).toBe(4003)
  })
})

describe('the life of a token', () => {
  it('[G8] expiry is told 30 s before, and closes 30 s after with 4002', async () => {
    await using server = await createTestServer()
    const expiresAt = server.clock.now() + 100_000
    const ann = await server.connect({ token: server.token('ann', { expiresInMs: 100_000 }) })
    await server.advance(69_900)
    expect(ann.messages('auth_expiring')).toEqual([])
    await server.advance(200)
    expect(ann.messages('auth_expiring')).toEqual([{ type: 'auth_expiring', ts: expiresAt }])
    await server.advance(59_800)
    expect((await ann.request('room:list')).error).toBeUndefined()
    await server.advance(200)
    expect(ann.closed).toEqual({ code: 4002, reason: 'Token expired' })
  })

  it('[G8] a refresh in time goes on; a failed one takes nothing away', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ token: server.token('ann', { expiresInMs: 100_000 }) })
    await server.advance(80_000)
    ann.send({ type: 'auth', token: 'rubbish' })
    expect(await ann.next('error')).toMatchObject({ code: 'TOKEN_INVALID', event: 'auth' })
    ann.send({ type: 'auth', token: server.token('eve') })
    expect(await ann.next('error')).toMatchObject({ code: 'TOKEN_INVALID' })
    ann.send({ type: 'auth', token: server.token('ann', { expiresInMs: 200_000 }) })
    expect(await ann.next('auth_ok')).toMatchObject({ user: { sub: 'ann' } })
    await server.advance(165_000)
    expect(ann.closed).toBeUndefined()
    expect(ann.messages('auth_expiring')).toHaveLength(1)
    await server.advance(10_000)
    expect(ann.messages('auth_expiring')).toHaveLength(2)
  })

  it('a token that is good for weeks does not close at once', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ token: server.token('ann', { expiresInMs: 60 * 86_400_000 }) })
    await server.advance(120_000)
    expect(ann.closed).toBeUndefined()
    expect(ann.messages('auth_expiring')).toEqual([])
  })

  it('[G8] a kick closes all of a user’s connections, or one', async () => {
    await using server = await createTestServer()
    const tabs = [await server.connect({ user: 'ann' }), await server.connect({ user: 'ann', dialect: 'v1' })]
    const bobs = [await server.connect({ user: 'bob' }), await server.connect({ user: 'bob' })]
    expect(await server.get('/').disconnect('ann')).toEqual({ connections: 2, nodes: { asked: 0, answered: 0 } })
    expect(await server.get('/').disconnect(bobs[0]?.id ?? '')).toMatchObject({ connections: 1 })
    expect(await server.get('/').disconnect('nobody')).toMatchObject({ connections: 0 })
    await server.settle()
    expect([...tabs, ...bobs].map(({ closed }) => closed?.code)).toEqual([4009, 4009, 4009, undefined])
  })
})

describe('a join that waits for the log', () => {
  it('[G8] [H13] is looked at again when the role changed meanwhile, and the loss is told behind the answer', async () => {
    await using server = await createTestServer({
      setUp: (it) => it.chat(it.namespace('/').room('staff', { allow: { join: ({ role }) => role === 'admin' } })),
      broker: (broker, clock) => ({
        ...broker,
        async subscribe(...call) {
          await new Promise<void>((resolve) => void clock.after(10, resolve))
          return broker.subscribe(...call)
        },
      }),
    })
    const ann = await server.connect({ user: { sub: 'ann', role: 'admin' }, dialect: 'v1' })
    const id = ann.post('room:join', 'staff')
    await server.settle()
    const [connection] = server.get('/').connections.values()
    if (connection) await server.hub.identities.become(connection, { ...connection.user, role: 'user' })
    await server.advance(20)
    expect(server.get('/').state.rooms.has('staff')).toBe(false)
    const told = ann.received.filter(({ ack, event }) => ack === id || event === 'notice')
    expect(told).toMatchObject([{ ack: id }, { event: 'notice', data: { code: 'FORBIDDEN', roomId: 'staff' } }])
  })
})
