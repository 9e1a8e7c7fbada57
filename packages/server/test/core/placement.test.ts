/** Rooms that the server chooses for a client: in a check at connect, after a refresh, and from outside a handler. */
import { appending, createTestServer, type TestServer, type TestServerOptions } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { RoomfulError } from '../../src/core/base/errors.ts'
import type { Context } from '../../src/core/requests/context.ts'

type Check = (context: Context) => void | Promise<void>

const serving = (check: Check | undefined, more: TestServerOptions = {}): Promise<TestServer> =>
  createTestServer({
    ...more,
    setUp: (kit) => {
      const namespace = kit.namespace('/', undefined, { open: true, guests: true, classic: true })
      kit.chat(namespace)
      namespace.room('game:*', { capacity: 1 })
      namespace.room('staff', { allow: { join: ({ role }) => role === 'admin' } })
      namespace.on('fine', () => ({ status: 'ok' }))
      namespace.on('enter-unawaited', (context) => {
        context.join('game:9') // waits for a seat
        return { status: 'ok' }
      })
      if (check) namespace.use(check)
    },
  })

const atConnect =
  (run: Check): Check =>
  (context) =>
    context.event === undefined ? run(context) : undefined

const room = (server: TestServer, id: string) => server.get('/').state.rooms.get(id)

describe('[M14] what a check at connect records', () => {
  it.each(['plain', 'v1'] as const)('is done in order once it passed, after the answer (%s)', async (dialect) => {
    await using server = await serving(
      atConnect(async (context) => {
        context.emit('hello', { first: true })
        await context.join('news')
        context.append('news', 'came', { userId: context.user.sub })
        context.emit('hello', { first: false })
      }),
    )
    const ann = await server.connect({ user: 'ann', dialect })
    const names = ann.received.map(({ type, event }) => type ?? event)
    const opened = dialect === 'v1' ? 'opened' : 'auth_ok'
    expect(names.filter((name) => [opened, 'hello', 'room:joined', 'came'].includes(name))).toEqual([
      opened,
      'hello',
      'room:joined',
      'came',
      'hello',
    ])
    const [told] = ann.messages('room:joined')
    expect(told?.data ?? told).toMatchObject({ roomId: 'news', seq: 0, count: 1, users: [{ userId: 'ann' }] })
    expect(server.get('/').hasUser('news', 'ann')).toBe(true)
  })

  it('tells the other members, and those already there see who came', async () => {
    await using server = await serving(atConnect((context) => context.join('news')))
    const ann = await server.connect({ user: 'ann' })
    await server.connect({ user: 'bob' })
    expect(await ann.next('user:joined')).toMatchObject({ roomId: 'news', userId: 'bob' })
  })

  it('is discarded when it refuses, with its seat and its room', async () => {
    let refuses = true
    await using server = await serving(
      atConnect(async (context) => {
        await context.join('game:1')
        if (refuses) throw new RoomfulError('FORBIDDEN', 'Not today')
      }),
    )
    const ann = await server.connect({ user: 'ann' })
    expect(ann.closed).toMatchObject({ code: 4003 })
    expect(room(server, 'game:1')).toBeUndefined()
    refuses = false
    const bob = await server.connect({ user: 'bob' })
    expect(await bob.next('room:joined')).toMatchObject({ roomId: 'game:1' })
    // The one seat is taken now: a check whose join is refused refuses.
    expect((await server.connect({ user: 'cleo' })).closed).toMatchObject({
      reason: 'The room is full: it has 1 seats',
    })
    bob.close()
    await server.settle()
    expect(room(server, 'game:1')).toBeUndefined()
  })

  it('is done although the check did not wait for its join, and refuses with what that is refused with', async () => {
    await using server = await serving(
      atConnect((context) => {
        context.join('game:1')
      }),
    )
    const ann = await server.connect({ user: 'ann' })
    expect(await ann.next('room:joined')).toMatchObject({ roomId: 'game:1' })
    const bob = await server.connect({ user: 'bob' })
    expect(bob.closed?.reason).toContain('The room is full')
    expect((await ann.request('enter-unawaited')).data).toEqual({ status: 'ok' })
    expect(server.get('/').hasUser('game:9', 'ann')).toBe(true)
  })

  it('is discarded when the client goes meanwhile', async () => {
    await using server = await serving(
      atConnect(async (context) => {
        await context.join('game:1')
        await new Promise<void>((resolve) => void server.clock.after(1_000, resolve))
      }),
    )
    const ann = server.open({ user: 'ann' })
    await server.settle()
    expect(room(server, 'game:1')?.claims.size).toBe(1)
    ann.cut()
    await server.advance(2_000)
    expect(room(server, 'game:1')).toBeUndefined()
    expect(server.get('/').connections.size).toBe(0)
  })

  it('closes the connection when it cannot be stored, so that it comes again', async () => {
    await using server = await serving(
      atConnect(async (context) => {
        await context.join('news')
        context.append('news', 'came', {})
      }),
      {
        broker: (broker) => appending(broker, () => Promise.reject(new Error('the disk is gone'))),
      },
    )
    const ann = await server.connect({ user: 'ann' })
    expect(ann.closed?.code).toBe(1013)
    expect(room(server, 'news')).toBeUndefined()
  })

  it('does not get in the way of the answer to a join of the client’s own', async () => {
    await using server = await serving((context) => context.join('news'))
    const ann = await server.connect({ user: 'ann' })
    expect((await ann.request('room:join', 'lobby')).data).toMatchObject({ status: 'ok', roomId: 'lobby' })
    expect(ann.messages('room:joined')).toHaveLength(1)
  })
})

describe('[M14] what checks record later', () => {
  it('after a refresh is done once it passed, after the answer; a refusal frees it', async () => {
    let mode: 'none' | 'join' | 'refuse' = 'none'
    await using server = await serving(
      atConnect(async (context) => {
        if (mode !== 'none') await context.join('game:1')
        if (mode === 'refuse') throw new RoomfulError('FORBIDDEN')
      }),
    )
    const ann = await server.connect({ user: 'ann' })
    const bob = await server.connect({ user: 'bob' })
    mode = 'refuse'
    bob.send({ type: 'auth', token: server.token('bob') })
    await server.settle()
    expect(bob.closed?.code).toBe(4003)
    expect(room(server, 'game:1')).toBeUndefined()
    mode = 'join'
    ann.forget()
    ann.send({ type: 'auth', token: server.token('ann') })
    await server.settle()
    const names = ann.received.map(({ type }) => type).filter((type) => ['auth_ok', 'room:joined'].includes(type))
    expect(names).toEqual(['auth_ok', 'room:joined'])
    expect(room(server, 'game:1')?.claims.size).toBe(0)
  })

  it('after a rename of a guest is done with the new name', async () => {
    await using server = await serving(
      atConnect((context) => (context.user.name === 'Renamed' ? context.join('news') : undefined)),
    )
    const guest = await server.connect({ name: 'Guest' })
    guest.send({ type: 'auth', name: 'Renamed' })
    expect(await guest.next('auth_ok', 10)).toMatchObject({ user: { name: 'Guest' } })
    expect(await guest.next('room:joined', 10)).toMatchObject({ users: [{ name: 'Renamed' }] })
  })
})

describe('[M15] from outside a handler', () => {
  it.each(['plain', 'v1'] as const)('a user is put into a room and taken out, and told (%s)', async (dialect) => {
    await using server = await serving(undefined)
    const namespace = server.get('/')
    const tabs = [await server.connect({ user: 'ann', dialect }), await server.connect({ user: 'ann', dialect })]
    const bob = await server.connect({ user: 'bob' })
    await bob.request('room:join', 'news')
    const joining = namespace.join('ann', 'news')
    expect(await server.clock.until(joining)).toBe(2)
    for (const tab of tabs) {
      const told = await tab.next('room:joined')
      expect(told.data ?? told).toMatchObject({ roomId: 'news', seq: 0, count: 2 })
    }
    expect(await bob.next('user:joined')).toMatchObject({ roomId: 'news', userId: 'ann' })
    namespace.to('news').emit('tick')
    for (const tab of tabs) await tab.next('tick')
    // Who is there already is not told again.
    expect(await server.clock.until(namespace.join('ann', 'news'))).toBe(2)
    expect(tabs.map((tab) => tab.messages('room:joined').length)).toEqual([1, 1])
    expect(await server.clock.until(namespace.leave('ann', 'news', 'over'))).toBe(2)
    for (const tab of tabs) {
      const told = await tab.next('room:left')
      expect(told.data ?? told).toMatchObject({ roomId: 'news', reason: 'over' })
    }
    expect(await bob.next('user:left')).toMatchObject({ userId: 'ann', reason: 'over' })
    expect(await server.clock.until(namespace.leave('ann', 'news'))).toBe(0)
    expect(await server.clock.until(namespace.join('zoe', 'news'))).toBe(0)
  })

  it('a connection joins, is told, and leaves, in the order that was asked for', async () => {
    await using server = await serving(undefined)
    const ann = await server.connect({ user: 'ann' })
    const connection = server.get('/').connections.get(ann.id)
    if (!connection) throw new Error('not there')
    const steps = [connection.join('news'), connection.leave('news'), connection.join('game:1')]
    await server.settle()
    expect(await Promise.all(steps)).toEqual([undefined, true, undefined])
    expect(ann.received.flatMap(({ type, roomId }) => (type.startsWith('room:') ? [[type, roomId]] : []))).toEqual([
      ['room:joined', 'news'],
      ['room:left', 'news'],
      ['room:joined', 'game:1'],
    ])
    connection.emit('hello', { from: 'outside' })
    await server.settle()
    expect(await ann.next('hello')).toMatchObject({ from: 'outside' })
    expect(await server.clock.until(server.get('/').join(connection, 'news'))).toBe(1)
  })

  it('rules, capacity and the number of rooms hold; nothing is kept for who is refused', async () => {
    await using server = await serving(undefined, { settings: { maxRooms: 2 } })
    const namespace = server.get('/')
    const ann = await server.connect({ user: 'ann' })
    await server.connect({ user: 'bob' })
    const refusal = (joining: Promise<unknown>) =>
      server.clock.until(
        joining.then(
          () => 'joined',
          ({ code }: RoomfulError) => code,
        ),
      )
    expect(await refusal(namespace.join('ann', 'staff'))).toBe('FORBIDDEN')
    expect(await refusal(namespace.join('ann', 'game:1'))).toBe('joined')
    expect(await refusal(namespace.join('bob', 'game:1'))).toBe('ROOM_FULL')
    expect(await refusal(namespace.join('ann', 'a{b}'))).toBe('ROOM_NAME_INVALID')
    expect(await refusal(namespace.join('ann', 'user:bob'))).toBe('FORBIDDEN')
    expect(await refusal(namespace.leave('ann', 'user:ann'))).toBe('FORBIDDEN')
    await ann.request('room:join', 'x')
    expect(await refusal(namespace.join('ann', 'y'))).toBe('TOO_MANY_ROOMS')
    expect(room(server, 'y')).toBeUndefined()
    expect(room(server, 'staff')).toBeUndefined()
  })

  it('all connections of a user come in, or none', async () => {
    await using server = await serving(undefined, { settings: { maxRooms: 1 } })
    const free = await server.connect({ user: 'ann' })
    const full = await server.connect({ user: 'ann' })
    await full.request('room:join', 'x')
    const joining = server.get('/').join('ann', 'game:1')
    await expect(server.clock.until(joining)).rejects.toMatchObject({ code: 'TOO_MANY_ROOMS' })
    expect(free.messages('room:joined')).toEqual([])
    expect(room(server, 'game:1')).toBeUndefined()
  })

  it('a connection that is not open yet, or no more, says so', async () => {
    const said: unknown[] = []
    await using server = await serving(
      atConnect(async ({ connection }) => {
        await connection.join('news').catch((error: RoomfulError) => said.push(error.code, error.message))
      }),
    )
    const ann = await server.connect({ user: 'ann' })
    expect(said).toEqual(['DISCONNECTED', 'The connection is not open yet: in a check, use context.join'])
    const connection = server.get('/').connections.get(ann.id)
    ann.close()
    await server.settle()
    await expect(connection?.join('news')).rejects.toMatchObject({ code: 'DISCONNECTED' })
    expect(connection && (await server.clock.until(connection.leave('news')))).toBe(false)
    connection?.emit('hello')
    await server.settle()
  })

  it('a classic client changes its current room', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    ann.send({ type: 'join', room: 'old' })
    await ann.next('joined')
    expect(await server.clock.until(server.get('/').join('ann', 'new'))).toBe(1)
    expect(await ann.next('left')).toEqual({ type: 'left', room: 'old' })
    expect(await ann.next('joined')).toMatchObject({ room: 'new', seq: 0, epoch: expect.any(String) })
    ann.send({ type: 'message', text: 'hi' })
    await server.settle()
    expect((await server.get('/').history('new', { limit: 1 })).events).toMatchObject([{ content: 'hi' }])
    await server.clock.until(server.get('/').leave('ann', 'new'))
    expect(await ann.next('left')).toEqual({ type: 'left', room: 'new' })
    ann.send({ type: 'message', text: 'nowhere' })
    expect(await ann.next('error')).toMatchObject({ code: 'NOT_IN_ROOM' })
  })

  it('a refresh takes a room again that the rules no longer allow', async () => {
    await using server = await serving(undefined)
    const root = await server.connect({ user: { sub: 'root', role: 'admin' } })
    expect(await server.clock.until(server.get('/').join('root', 'staff'))).toBe(1)
    root.send({ type: 'auth', token: server.token({ sub: 'root', role: 'user' }) })
    expect(await root.next('notice', 10)).toMatchObject({ code: 'FORBIDDEN', roomId: 'staff' })
    expect(room(server, 'staff')).toBeUndefined()
  })
})
