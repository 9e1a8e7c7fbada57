/** Who may come in, what happens while nobody knows who it is, and what a changed identity changes. */
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { RoomfulError } from '../../src/core/errors.ts'
import { requireRole } from '../../src/standard.ts'
import { audience } from './audience.ts'

const types = (client: TestClient): string[] => client.received.map(({ type, event }) => type ?? event)

describe('a connection with a token', () => {
  it('[C3] is welcomed with the limits, then told who it is', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: { sub: 'u1', name: 'Ann', role: 'seller', team: 'blue' } })
    const [welcome, ok] = ann.received
    expect(welcome).toMatchObject({
      type: 'welcome',
      id: expect.stringMatching(/^c_[a-z0-9]{20}$/),
      now: server.clock.now(),
      protocol: 1,
      limits: { maxMessageBytes: 65_536, ratePerSecond: 10, ratePerMinute: 30, maxRooms: 200 },
      heartbeat: { pingIntervalMs: 30_000, pongTimeoutMs: 5_000 },
    })
    expect(ok).toEqual({ type: 'auth_ok', user: { sub: 'u1', name: 'Ann', role: 'seller', team: 'blue' } })
  })

  it.each([
    ['rubbish', 4001, 'Authentication failed'],
    ['', 4001, 'Authentication failed'],
  ])('[A2.3] %j is closed with %i before any welcome', async (token, code, reason) => {
    await using server = await createTestServer()
    const client = await server.connect({ token })
    expect(client.closed).toEqual({ code, reason })
    expect(client.received).toEqual([])
    expect(server.observed('auth:failed')).toHaveLength(1)
    expect(server.hub.links.size).toBe(0)
  })

  it('[A2.3] expired says so; banned is 4003', async () => {
    await using server = await createTestServer()
    const token = server.token('ann', { expiresInMs: 1_000 })
    await server.advance(1_000)
    expect((await server.connect({ token })).closed).toEqual({
      code: 4001,
      reason: 'Authentication failed: token expired',
    })
    server.authenticator.ban('eve')
    expect((await server.connect({ user: 'eve' })).closed).toMatchObject({ code: 4003 })
    const late = await server.connect()
    late.send({ type: 'auth', token: server.token('eve') })
    await server.settle()
    expect(late.closed?.code).toBe(4003)
  })
})

describe('a connection without a token', () => {
  it('[C6] may send it first', async () => {
    await using server = await createTestServer()
    const client = await server.connect()
    expect(types(client)).toEqual(['welcome'])
    client.send({ type: 'ping' })
    client.send({ type: 'auth', token: server.token('ann') })
    expect(await client.next('auth_ok')).toMatchObject({ user: { sub: 'ann' } })
    expect(types(client).slice(0, 3)).toEqual(['welcome', 'pong', 'auth_ok'])
    expect((await client.request('room:list')).data).toMatchObject({ status: 'ok' })
  })

  it.each([
    ['a bad token', { type: 'auth', token: 'rubbish' }, 'Authentication failed'],
    ['a token that is no text', { type: 'auth', token: 7 }, 'Authentication failed'],
    ['no token at all', { type: 'auth' }, 'Authentication failed'],
    ['anything else', { type: 'room:join', roomId: 'x' }, 'Not authenticated'],
    ['rubbish', '{oops', 'Not authenticated'],
  ])('[C6] %s closes with 1008', async (_what, message, reason) => {
    await using server = await createTestServer()
    const client = await server.connect()
    client.send(message)
    await server.settle()
    expect(client.closed).toEqual({ code: 1008, reason })
  })

  it('[C6] silence for 5 s closes with 4001', async () => {
    await using server = await createTestServer()
    const client = await server.connect()
    await server.advance(4_900)
    expect(client.closed).toBeUndefined()
    client.send({ type: 'ping' })
    await server.advance(200)
    expect(client.closed).toMatchObject({ code: 4001 })
  })

  it('[C6] what comes behind the token waits for it, and is done in order', async () => {
    await using server = await createTestServer()
    const client = await server.connect()
    client.send({ type: 'auth', token: server.token('ann') })
    client.post('room:join', 'x')
    const id = client.post('message:send', { roomId: 'x', content: 'at once' })
    await server.settle()
    expect(client.answer(id)?.data).toMatchObject({ status: 'ok', seq: 1 })
  })

  it('at most 4 KiB and 5 messages before authentication', async () => {
    await using server = await createTestServer()
    const chatty = await server.connect()
    for (let i = 0; i < 6; i++) chatty.send({ type: 'ping' })
    await server.settle()
    expect(chatty.closed?.code).toBe(1008)
    const big = await server.connect()
    big.send({ type: 'auth', token: 'x'.repeat(5_000) })
    await server.settle()
    expect(big.closed?.code).toBe(1008)
    expect(server.observed('auth:failed')).toEqual([])
  })

  it('[C6] where first messages do not authenticate: 4001 at once', async () => {
    await using server = await createTestServer({ settings: { firstMessageAuth: false } })
    const client = await server.connect()
    expect(client.closed?.code).toBe(4001)
    expect(client.received).toEqual([])
  })

  it('is told nothing of what others do', async () => {
    await using server = await createTestServer()
    const client = await server.connect()
    const { ann } = await audience(server, { ann: ['x'] })
    await ann.request('message:send', { roomId: 'x', content: 'hi' })
    server.get('/').emit('note')
    await server.advance(2_000)
    expect(types(client)).toEqual(['welcome'])
  })
})

describe('guests', () => {
  it('[B35] choose a name, made unique while they are there', async () => {
    await using server = await createTestServer()
    const name = async (wish?: string): Promise<TestClient> =>
      server.connect({ namespace: '/public', ...(wish === undefined ? {} : { name: wish }) })
    const nameOf = (client: TestClient): string => client.heard('auth_ok')[0]?.user.name
    const first = await name('Ann')
    expect(first.heard('auth_ok')[0]?.user).toMatchObject({ name: 'Ann', role: 'guest', guest: true })
    expect(first.heard('auth_ok')[0]?.user.sub).toMatch(/^guest:/)
    expect([nameOf(await name('Ann')), nameOf(await name('Ann'))]).toEqual(['Ann-2', 'Ann-3'])
    expect(nameOf(await name())).toMatch(/^guest-[a-z0-9]{6}$/)
    expect(nameOf(await name(' \u202eA\nnn\u0000 '))).toBe('Ann-4')
    expect(nameOf(await name('x'.repeat(500)))).toHaveLength(64)
    first.close()
    await server.settle()
    expect(nameOf(await name('Ann'))).toBe('Ann')
  })

  it('become users with a token, on the open connection, and keep their rooms', async () => {
    await using server = await createTestServer()
    const pub = { namespace: '/public' }
    const { watcher } = await audience(server, { watcher: ['x'] }, pub)
    const guest = await server.connect({ ...pub, name: 'Ann' })
    await guest.request('room:join', 'x')
    const guestId = guest.heard('auth_ok')[0]?.user.sub
    guest.send({ type: 'auth', token: server.token({ sub: 'u1', name: 'Ann B.' }) })
    expect(await guest.next(({ user }) => user?.sub === 'u1')).toBeDefined()
    await guest.request('message:send', { roomId: 'x', content: 'hi' })
    expect(await watcher.next('chat:message')).toMatchObject({ userId: 'u1', name: 'Ann B.' })
    expect(watcher.heard('user:left')).toMatchObject([{ userId: guestId }])
    expect(watcher.heard('user:joined').at(-1)).toMatchObject({ userId: 'u1' })
    expect(await server.get('/public').roomUsers('x')).toHaveLength(2)
    expect(server.get('/public').guestNames.size).toBe(0)
    await watcher.request('message:private', { to: 'u1', content: 'psst' })
    await server.settle()
    expect(guest.heard('message:private')).toHaveLength(1)
    guest.send({ type: 'auth', name: 'Guest again' })
    expect(await guest.next('error')).toMatchObject({ code: 'FORBIDDEN' })
  })

  it('[B35] are let in only where they are', async () => {
    await using server = await createTestServer()
    for (const namespace of ['/', '/support', '/admin']) {
      const client = await server.connect({ namespace, name: 'Ann' })
      client.send({ type: 'auth', name: 'Ann' })
      await server.settle()
      expect([namespace, client.closed?.code]).toEqual([namespace, 1008])
    }
    await using optional = await createTestServer({ settings: { authRequired: false } })
    expect((await optional.connect({ name: 'Ann' })).heard('auth_ok')).toHaveLength(1)
  })
})

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
      if (code) expect(client.heard('auth_ok')).toEqual([])
      if (code && dialect === 'v1')
        expect(client.heard('closed')).toMatchObject([{ code, error: { code: 'FORBIDDEN' } }])
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
    expect(server.hub.links.size).toBe(0)
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
    expect(ann.heard('chat:message')).toHaveLength(1)
    expect([...server.get('/').rooms.keys()].sort()).toEqual(['free:1', 'news', 'staff:1'])
  })

  it('[G8] [D11] run again after a refresh: the client is told which rooms it lost', async () => {
    await using server = await declared()
    const sam = await server.connect({ user: { sub: 'sam', role: 'support' } })
    const admin = await server.connect({ user: { sub: 'root', role: 'admin' } })
    for (const roomId of ['staff:1', 'staff:2', 'free:1']) await sam.request('room:join', { roomId })
    await admin.request('room:join', { roomId: 'staff:1' })
    sam.send({ type: 'auth', token: server.token({ sub: 'sam', role: 'user' }) })
    await server.settle()
    expect(sam.heard('notice')).toMatchObject([
      { code: 'FORBIDDEN', roomId: 'staff:1' },
      { code: 'FORBIDDEN', roomId: 'staff:2' },
    ])
    expect(admin.heard('user:left')).toMatchObject([{ roomId: 'staff:1', userId: 'sam', reason: 'forbidden' }])
    server.get('/').to(['staff:1', 'free:1']).emit('note')
    server.get('/').to('staff:2').emit('secret')
    await server.settle()
    expect([sam.heard('note').length, sam.heard('secret').length]).toEqual([1, 0])
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
    expect(ann.heard('auth_expiring')).toEqual([])
    await server.advance(200)
    expect(ann.heard('auth_expiring')).toEqual([{ type: 'auth_expiring', ts: expiresAt }])
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
    expect(ann.heard('auth_expiring')).toHaveLength(1)
    await server.advance(10_000)
    expect(ann.heard('auth_expiring')).toHaveLength(2)
  })

  it('a token that is good for weeks does not close at once', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ token: server.token('ann', { expiresInMs: 60 * 86_400_000 }) })
    await server.advance(120_000)
    expect(ann.closed).toBeUndefined()
    expect(ann.heard('auth_expiring')).toEqual([])
  })

  it('[G8] a kick closes all of a user’s connections, or one', async () => {
    await using server = await createTestServer()
    const tabs = [await server.connect({ user: 'ann' }), await server.connect({ user: 'ann', dialect: 'v1' })]
    const bobs = [await server.connect({ user: 'bob' }), await server.connect({ user: 'bob' })]
    expect(server.get('/').disconnect('ann')).toBe(2)
    expect(server.get('/').disconnect(bobs[0]?.id ?? '')).toBe(1)
    expect(server.get('/').disconnect('nobody')).toBe(0)
    await server.settle()
    expect([...tabs, ...bobs].map(({ closed }) => closed?.code)).toEqual([4009, 4009, 4009, undefined])
  })
})

describe('capacity', () => {
  const lobby = (capacity: number): Promise<TestServer> =>
    createTestServer({
      setUp: (kit) => void kit.namespace('/').room('game:*', { capacity }),
      broker: (broker, clock) => ({
        ...broker,
        async takeSeat(...args) {
          await new Promise<void>((resolve) => void clock.after(clock.monotonic() % 7, resolve))
          return broker.takeSeat(...args)
        },
      }),
    })

  it('[B24] a race for the last seat gives exactly one', async () => {
    await using server = await lobby(4)
    const clients = await Promise.all(Array.from({ length: 30 }, (_, i) => server.connect({ user: `u${i}` })))
    const ids = clients.map((client) => client.post('room:join', 'game:1'))
    await server.advance(100)
    const answers = clients.map((client, i) => client.answer(ids[i] as number))
    expect(answers.filter((answer) => answer?.data.status === 'ok' && !answer.error)).toHaveLength(4)
    expect(answers.filter((answer) => answer?.error?.code === 'ROOM_FULL')).toHaveLength(26)
    expect(server.get('/').rooms.get('game:1')?.count).toBe(4)
    expect(server.get('/').rooms.get('game:1')?.pins).toBe(0)
  })

  it('[B24] a seat is a user, kept during the grace, free after leaving of any kind', async () => {
    await using server = await lobby(2)
    const join = async (client: TestClient) =>
      (await client.request('room:join', 'game:1', { withinMs: 50 })).error?.code
    const ann = await server.connect({ user: 'ann' })
    const tab = await server.connect({ user: 'ann' })
    const bob = await server.connect({ user: 'bob', dialect: 'v1' })
    const cy = await server.connect({ user: 'cy' })
    expect([await join(ann), await join(tab), await join(bob), await join(cy)]).toEqual([
      undefined,
      undefined,
      undefined,
      'ROOM_FULL',
    ])
    ann.close()
    expect(await join(cy)).toBe('ROOM_FULL')
    bob.cut()
    expect(await join(cy)).toBe('ROOM_FULL')
    await server.advance(5_100)
    expect(await join(cy)).toBeUndefined()
    await tab.request('room:leave', 'game:1')
    expect(await join(await server.connect({ user: 'dan' }))).toBeUndefined()
  })

  it('[B24] a seat taken for a join that came to nothing is given back', async () => {
    await using server = await lobby(1)
    const ann = await server.connect({ user: 'ann' })
    await server.advance(3)
    ann.post('room:join', 'game:1')
    ann.close()
    await server.advance(50)
    const bob = await server.connect({ user: 'bob' })
    expect((await bob.request('room:join', 'game:1', { withinMs: 50 })).error).toBeUndefined()
    bob.close()
    await server.advance(1_000)
    expect(server.get('/').rooms.size).toBe(0)
  })
})
