import { defineContract, event, type Roomful, type TypedNamespace } from '@roomful/server'
import { createTestServer, type TestServer } from '@roomful/testkit'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

describe('createTestServer', () => {
  it('is a server with the standard namespaces, and clients that talk through it', async () => {
    await using server = await createTestServer()
    const alice = await server.connect({ user: 'alice' })
    const bob = await server.connect({ user: { sub: 'u2', name: 'Bob' }, dialect: 'v1' })
    expect(alice.id).toMatch(/^c_/)
    await alice.request('room:join', 'lobby')
    const joined = await bob.request('room:join', { roomId: 'lobby' })
    expect(joined.data).toMatchObject({ status: 'ok', count: 2, seq: 0 })
    const sent = await alice.request('message:send', { roomId: 'lobby', content: 'hi' })
    expect(sent).toMatchObject({ data: { status: 'ok', seq: 1 }, error: undefined })
    expect(await bob.next('message:new')).toMatchObject({ data: { content: 'hi', name: 'alice' }, seq: 1 })
    expect(await alice.next('chat:message')).toMatchObject({ content: 'hi', roomId: 'lobby' })
    expect(server.observed('connection:opened')).toHaveLength(2)
  })

  it('lists what was received when the expected message did not come', async () => {
    await using server = await createTestServer()
    const client = await server.connect({ namespace: '/public', name: 'Ann' })
    await expect(client.next('nothing')).rejects.toThrow(
      'Did not receive "nothing" within 0 ms; received: welcome, auth_ok',
    )
  })

  it('takes namespaces of an application, and moves time for what waits', async () => {
    await using server = await createTestServer({
      setUp: (roomful) => {
        roomful.namespace('/jobs').on('start', async () => {
          await new Promise<void>((resolve) => void roomful.clock.after(3_000, resolve))
          return { status: 'ok' }
        })
      },
    })
    const client = await server.connect({ namespace: '/jobs', user: 'alice' })
    await expect(client.request('start')).rejects.toThrow('Did not receive the answer to start')
    expect(await client.request('start', undefined, { withinMs: 10_000 })).toMatchObject({ data: { status: 'ok' } })
  })

  it('queues behind a stalled wire, pauses what the client says, and lets go when drained', async () => {
    await using server = await createTestServer({ settings: { outboxBytes: 1_000, ratePerMinute: 0 } })
    const slow = await server.connect({ user: 'slow' })
    const other = await server.connect({ user: 'other' })
    await slow.request('room:join', 'r')
    slow.wire.stall()
    for (let i = 0; i < 5; i++) await other.request('message:send', { roomId: 'r', content: 'x'.repeat(400) })
    expect(slow.messages('chat:message')).toEqual([])
    expect(slow.wire.isPaused).toBe(true)
    slow.send({ type: 'ping' })
    slow.wire.drain()
    await slow.next('pong')
    expect(slow.messages('chat:message').map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
  })

  it('ends links politely, by force, and from the other side', async () => {
    await using server = await createTestServer()
    const [polite, cut, kicked] = [
      await server.connect({ user: 'a' }),
      await server.connect({ user: 'b' }),
      await server.connect({ user: 'c' }),
    ]
    polite.close()
    cut.cut()
    server.get('/').disconnect('c')
    await server.settle()
    expect(server.hub.links.open.size).toBe(0)
    expect([polite.closed?.code, cut.closed?.code, kicked.closed?.code]).toEqual([1000, 1006, 4009])
  })
})

describe('an application under test', () => {
  const contract = defineContract({
    client: {
      'save-task': event({
        data: z.object({ title: z.string().min(1) }),
        ack: z.object({ status: z.literal('ok'), seq: z.number().optional() }),
      }),
    },
    server: { 'task:saved': event({ data: z.object({ title: z.string() }), durable: true }) },
  })

  /** What an application would have in a file of its own. */
  function addTasks(tasks: TypedNamespace<typeof contract>): void {
    tasks.room('board:*', { durable: true })
    tasks.on('save-task', (context, { title }) => {
      context.append('board:1', 'task:saved', { title })
      return ([stored]) => ({ status: 'ok', seq: stored?.seq })
    })
  }

  it('[D7] runs as it is, with its contract, clients of two dialects, a slow one and a lost one', async () => {
    await using server = await createTestServer({ setUp: (roomful) => addTasks(roomful.namespace('/tasks', contract)) })
    const ann = await server.connect({ namespace: '/tasks', user: 'ann' })
    const bob = await server.connect({ namespace: '/tasks', user: { sub: 'bob', role: 'admin' }, dialect: 'v1' })
    const { data: joined } = await bob.request('room:join', 'board:1')
    expect((await ann.request('save-task', { title: '' })).error).toMatchObject({
      code: 'INVALID_MESSAGE',
      field: 'title',
    })
    expect((await ann.request('save-task', { title: 'Write' })).data).toEqual({ status: 'ok', seq: 1 })
    expect(await bob.next('task:saved')).toMatchObject({ data: { title: 'Write' }, seq: 1 })
    bob.cut()
    await ann.request('save-task', { title: 'Test' })
    await server.advance(3_000)
    const back = await server.connect({ namespace: '/tasks', user: 'bob', dialect: 'v1', session: bob.session })
    expect(await back.next('opened')).toMatchObject({ recovered: true })
    await back.request('room:join', { roomId: 'board:1', after: { epoch: joined.epoch, seq: 1 } })
    expect(await back.next('task:saved')).toMatchObject({ data: { title: 'Test' }, seq: 2 })
  })

  it('[D7] is the same run for the same seed', async () => {
    const run = async (seed: string): Promise<unknown[]> => {
      await using server = await createTestServer({ seed })
      const clients = [await server.connect({ namespace: '/public' }), await server.connect({ user: 'ann' })]
      await server.advance(60_000)
      return clients.map(({ received, wire }) => [received, wire.pings])
    }
    expect(await run('a')).toEqual(await run('a'))
    expect(await run('a')).not.toEqual(await run('b'))
  })
})

describe('what sets up a Roomful', () => {
  /** As it is written for a server: it does not know the test kit. */
  function addRooms(roomful: Roomful): void {
    roomful.namespace('/rooms').on('hello', () => 'hi')
    roomful.whileOpen(() => () => undefined)
    roomful.observer.observe({ type: 'notice', message: roomful.storage.folder, isRisky: false })
  }

  it('sets up a test server, which has all of its members', async () => {
    expectTypeOf<Exclude<keyof Roomful, keyof TestServer>>().toEqualTypeOf<never>()
    await using server = await createTestServer({ setUp: addRooms })
    expect((await (await server.connect({ namespace: '/rooms', user: 'ann' })).request('hello')).data).toBe('hi')
    expect(server.observed('notice')).toMatchObject([{ message: ':memory:' }])
    expect(await server.safeHandler('twice', (n: number) => n * 2)(2)).toEqual({ status: 'ok', result: 4 })
  })

  it('bans, changes roles and makes accounts as a server does', async () => {
    await using server = await createTestServer()
    const { sub } = await server.createAccount({ username: 'sue', password: 'irrelevant', role: 'support' })
    expect((await server.connect({ namespace: '/support', user: sub })).closed).toBeUndefined()
    const ann = await server.connect({ user: 'ann' })
    expect((await server.connect({ namespace: '/admin', user: 'ann' })).closed?.code).toBe(4003)
    await server.setRole('ann', 'admin')
    await server.settle()
    expect(await ann.next((message) => message.type === 'auth_ok' && message.user.role === 'admin')).toBeDefined()
    expect((await server.connect({ namespace: '/admin', user: 'ann' })).closed).toBeUndefined()
    await server.ban('ann', 'Too loud')
    expect(ann.closed?.code).toBe(4003)
    expect((await server.connect({ user: 'ann' })).closed?.code).toBe(4003)
    await server.unban('ann')
    expect((await server.connect({ user: 'ann' })).closed).toBeUndefined()
    expect(await server.disconnectUser('sue')).toMatchObject({ connections: 1 })
  })

  it('is told that there are no sockets', async () => {
    await using server = await createTestServer()
    const sentence = 'A test server has no sockets'
    expect(() => server.attach({} as never)).toThrow(sentence)
    expect(() => server.server).toThrow(sentence)
    await expect(server.listen()).rejects.toThrow(sentence)
  })
})

describe('a session that comes back', () => {
  it('is in its rooms again, from where it stood, and not in those that it left', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    const bob = await server.connect({ user: 'bob', dialect: 'v1' })
    for (const roomId of ['a', 'b', 'c']) await bob.request('room:join', roomId)
    await bob.request('room:leave', { roomId: 'b' })
    const say = (roomId: string, content: string) => ann.request('message:send', { roomId, content })
    await say('a', 'one')
    bob.cut()
    for (const roomId of ['a', 'b', 'c']) await say(roomId, 'two')
    const back = await server.connect({ user: 'bob', dialect: 'v1', session: bob.session })
    expect(back.messages('message:new').map(({ roomId, data }) => [roomId, data.content])).toEqual([
      ['a', 'two'],
      ['c', 'two'],
    ])
    back.cut()
    await say('c', 'three')
    const again = await server.connect({ user: 'bob', dialect: 'v1', session: back.session })
    expect(again.messages('message:new').map(({ data }) => data.content)).toEqual(['three'])
    expect(server.get('/').hasUser('b', 'bob')).toBe(false)
  })
})
