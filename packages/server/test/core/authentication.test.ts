/** Who is it? Tokens on the way in and in the first message, silence, and names of guests. */
import { createTestServer, type TestClient } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

const types = (client: TestClient): string[] => client.received.map(({ type, event }) => type ?? event)

describe('a connection with a token', () => {
  it('[C3] is welcomed with the limits, then gets its user', async () => {
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
    expect(server.hub.links.open.size).toBe(0)
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

  it('receives nothing of what others do', async () => {
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
    const nameOf = (client: TestClient): string => client.messages('auth_ok')[0]?.user.name
    const first = await name('Ann')
    expect(first.messages('auth_ok')[0]?.user).toMatchObject({ name: 'Ann', role: 'guest', guest: true })
    expect(first.messages('auth_ok')[0]?.user.sub).toMatch(/^guest:/)
    expect([nameOf(await name('Ann')), nameOf(await name('Ann'))]).toEqual(['Ann-2', 'Ann-3'])
    expect(nameOf(await name())).toMatch(/^guest-[a-z0-9]{6}$/)
    expect(nameOf(await name(' \u202eaNn\u0000 '))).toBe('aNn-4')
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
    const guestId = guest.messages('auth_ok')[0]?.user.sub
    guest.send({ type: 'auth', token: server.token({ sub: 'u1', name: 'Ann B.' }) })
    expect(await guest.next(({ user }) => user?.sub === 'u1')).toBeDefined()
    await guest.request('message:send', { roomId: 'x', content: 'hi' })
    expect(await watcher.next('chat:message')).toMatchObject({ userId: 'u1', name: 'Ann B.' })
    expect(watcher.messages('user:left')).toMatchObject([{ userId: guestId }])
    expect(watcher.messages('user:joined').at(-1)).toMatchObject({ userId: 'u1' })
    expect(await server.get('/public').roomUsers('x')).toHaveLength(2)
    expect(server.get('/public').state.guestNames.size).toBe(0)
    await watcher.request('message:private', { to: 'u1', content: 'psst' })
    await server.settle()
    expect(guest.messages('message:private')).toHaveLength(1)
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
    expect((await optional.connect({ name: 'Ann' })).messages('auth_ok')).toHaveLength(1)
  })
})
