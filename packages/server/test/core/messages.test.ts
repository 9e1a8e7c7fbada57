/** What people do in rooms: messages, edits, reactions, private messages and what waits for who is away. */
import { createLocalBroker, createMemoryLog, RoomfulError } from '@roomful/server/testing'
import { createTestServer, SeededRandom, type TestClient, VirtualClock } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0 }
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

async function say(client: TestClient, count: number, roomId = 'x'): Promise<void> {
  for (let i = 1; i <= count; i++) await client.request('message:send', { roomId, content: `${i}` })
}

describe('messages', () => {
  it('[C7] [C10] reach every member, the sender included, under the plain name and the vocabulary’s', async () => {
    await using server = await createTestServer()
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const v1 = await server.connect({ user: 'cy', dialect: 'v1' })
    await v1.request('room:join', 'x')
    const { data } = await ann.request('chat:message', { roomId: 'x', content: 'hi', replyTo: 'x-7' })
    const ts = server.clock.now()
    expect(data).toEqual({ status: 'ok', id: 'x-1', seq: 1, ts })
    const message = { userId: 'ann', name: 'ann', content: 'hi', replyTo: 'x-7' }
    const stored = { roomId: 'x', seq: 1, ts, id: 'x-1' }
    for (const client of [ann, bob]) {
      expect(client.messages('chat:message')).toEqual([{ type: 'chat:message', ...message, ...stored }])
    }
    expect(v1.messages('message:new')).toEqual([{ ch: 1, event: 'message:new', data: message, ...stored, n: 1 }])
  })

  it('may be sent without being a member, unless the room is declared so', async () => {
    await using server = await createTestServer({
      setUp: (kit) => {
        const namespace = kit.namespace('/').room('club:*', { publish: 'members' }).room('*')
        kit.chat(namespace)
      },
    })
    const { ann, bob } = await audience(server, { ann: [], bob: ['x', 'club:1'] })
    expect((await ann.request('message:send', { roomId: 'x', content: 'hi' })).error).toBeUndefined()
    for (const event of ['message:send', 'reaction:send', 'typing:start']) {
      const { error } = await ann.request(event, { roomId: 'club:1', content: 'hi', emoji: '👍' })
      expect(error?.code).toBe('NOT_IN_ROOM')
    }
    expect(bob.received.map(({ type }) => type)).toEqual(['chat:message'])
    // One need not wait for the answer to the join.
    ann.post('room:join', 'club:1')
    expect((await ann.request('message:send', { roomId: 'club:1', content: 'hi' })).error).toBeUndefined()
  })

  it('to a room for members only, whose rule takes a moment and then refuses, are refused by the rule', async () => {
    await using server = await createTestServer({
      setUp: (kit) => {
        const publish = async (): Promise<boolean> => false
        kit.chat(kit.namespace('/').room('club:*', { publish: 'members', allow: { publish } }))
      },
    })
    const ann = await server.connect({ user: 'ann' })
    const { error } = await ann.request('message:send', { roomId: 'club:1', content: 'hi' })
    expect(error?.code).toBe('FORBIDDEN')
  })

  it('[B38] room names that are none are refused by name', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    for (const roomId of ['', 'x'.repeat(129), 'é'.repeat(65), 'a\nb', 'a{b}', 'e\u0301', '\u202eabc', '\ud800']) {
      await server.advance(1_000)
      expect((await ann.request('room:join', { roomId })).error?.code).toBe('ROOM_NAME_INVALID')
      expect((await ann.request('message:send', { roomId, content: 'x' })).error?.code).toBe('ROOM_NAME_INVALID')
      expect((await ann.request('typing:start', { roomId })).error?.code).toBe('ROOM_NAME_INVALID')
    }
    for (const roomId of ['__proto__', 'constructor', 'é'.repeat(64), '部屋', '🙂']) {
      await server.advance(1_000)
      expect((await ann.request('room:join', { roomId })).error).toBeUndefined()
    }
    expect(server.get('/').state.rooms.size).toBe(5)
  })

  it('edits and redactions by the author, support and admins only', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const admin = await server.connect({ user: { sub: 'root', role: 'admin' } })
    await say(ann, 3)
    const edit = { roomId: 'x', seq: 1, content: 'better' }
    expect((await bob.request('message:edit', edit)).error?.code).toBe('FORBIDDEN')
    expect((await bob.request('message:redact', { roomId: 'x', seq: 1 })).error?.code).toBe('FORBIDDEN')
    expect((await ann.request('message:edit', edit)).data).toEqual({ status: 'ok' })
    expect(await bob.next('message:edited')).toMatchObject({ target: 1, content: 'better', userId: 'ann', seq: 4 })
    expect((await admin.request('message:redact', { roomId: 'x', seq: 2 })).data).toEqual({ status: 'ok' })
    expect(await bob.next('message:redacted')).toMatchObject({
      ...{ target: 2, userId: 'root', seq: 5 },
      author: { userId: 'ann', name: 'ann' },
    })
    for (const seq of [2, 4, 99]) {
      expect((await ann.request('message:edit', { ...edit, seq })).error).toMatchObject({
        code: 'NOT_FOUND',
        field: 'seq',
      })
    }
    const { data } = await bob.request('history:get', { roomId: 'x' })
    expect(data.events[1]).toMatchObject({ seq: 2, redacted: true })
    expect(JSON.stringify(data.events[1])).not.toContain('"content"')
  })

  it('[M10] nothing is said anew of what was taken back, also under a key, and a repeat is answered as the first time', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    await say(ann, 1)
    const [edit, redact] = [
      { roomId: 'x', seq: 1, content: 'better' },
      { roomId: 'x', seq: 1 },
    ]
    const asked = async (event: string, data: object, key: string) => {
      const { data: answer, error } = await ann.request(event, data, { key })
      return error?.code ?? answer.status
    }
    expect(await asked('message:edit', edit, 'e1')).toBe('ok')
    expect(await asked('message:redact', redact, 'r1')).toBe('ok')
    expect(await asked('message:redact', redact, 'r1')).toBe('ok')
    expect(await asked('message:edit', edit, 'e1')).toBe('ok')
    expect(await asked('message:edit', edit, 'e2')).toBe('NOT_FOUND')
    expect(await asked('message:redact', redact, 'r2')).toBe('NOT_FOUND')
    const { data } = await bob.request('history:get', 'x')
    expect(data.events).toMatchObject([
      { seq: 1, redacted: true },
      { type: 'message:edited', seq: 2, redacted: true },
      { type: 'message:redacted', seq: 3, target: 1 },
    ])
  })

  it('[M10] a new wording that was allowed before a redaction, and would be stored after it, is refused', async () => {
    const looked = Promise.withResolvers<void>()
    const mayGoOn = Promise.withResolvers<void>()
    let looks = 0
    await using server = await createTestServer({
      settings: UNLIMITED,
      broker: (broker) => ({
        ...broker,
        async history(...call) {
          const page = await broker.history(...call)
          if (++looks > 1) return page
          looked.resolve()
          await mayGoOn.promise
          return page
        },
      }),
    })
    const { ann } = await audience(server, { ann: ['x'] })
    const tab = await server.connect({ user: 'ann' })
    await say(ann, 1)
    const edited = ann.request('message:edit', { roomId: 'x', seq: 1, content: 'better' })
    await looked.promise
    expect((await tab.request('message:redact', { roomId: 'x', seq: 1 })).data).toEqual({ status: 'ok' })
    mayGoOn.resolve()
    expect((await edited).error?.code).toBe('NOT_FOUND')
    expect((await tab.request('history:get', 'x')).data.events.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2])
  })

  it('[B22] reactions to what happens are volatile, reactions to a message are kept', async () => {
    await using server = await createTestServer()
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    await ann.request('reaction:send', { roomId: 'x', emoji: '👍' })
    await ann.request('reaction:send', { roomId: 'x', emoji: '❤️', messageId: 'x-1' })
    const own = { type: 'reaction:new', roomId: 'x', userId: 'ann' }
    for (const client of [ann, bob]) {
      expect(client.messages('reaction:new')).toMatchObject([
        { ...own, emoji: '👍' },
        { ...own, emoji: '❤️', messageId: 'x-1', seq: 1 },
      ])
    }
    expect((await bob.request('history:get', 'x')).data.events).toHaveLength(1)
  })

  it('[B22] reactions are taken back, for clients that are here and for those that come back', async () => {
    await using server = await createTestServer()
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const thumb = { roomId: 'x', emoji: '👍', messageId: 'x-1' }
    await ann.request('reaction:send', thumb)
    expect(await ann.request('reaction:remove', thumb)).toMatchObject({ data: { status: 'ok' } })
    const removed = { type: 'reaction:removed', ...thumb, userId: 'ann', seq: 2, id: 'x-2' }
    for (const client of [ann, bob]) expect(client.messages('reaction:removed')).toMatchObject([removed])
    const late = await server.connect({ user: 'cy' })
    expect(await late.request('room:join', { roomId: 'x', after: 0 })).toMatchObject({ data: { recovered: true } })
    expect(late.messages('reaction:removed')).toMatchObject([removed])
    // Nothing was given: nothing happens to anybody, and it is no error.
    expect(await bob.request('reaction:remove', thumb)).toMatchObject({ data: { status: 'ok' } })
    const { roomId, emoji } = thumb
    expect((await ann.request('reaction:remove', { roomId, emoji })).error).toMatchObject({
      code: 'INVALID_MESSAGE',
      field: 'messageId',
    })
  })
})

describe('history', () => {
  it('[C21] pages backwards and forwards without overlap or hole', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const ann = await server.connect({ user: 'ann' })
    await say(ann, 250)
    const page = async (more: Record<string, unknown>) => {
      const { data } = await ann.request('history:get', { roomId: 'x', ...more })
      return [data.events.map(({ seq }: { seq: number }) => seq), data.more]
    }
    expect(await page({})).toEqual([range(151, 250), true])
    expect(await page({ before: 151 })).toEqual([range(51, 150), true])
    expect(await page({ before: 51 })).toEqual([range(1, 50), false])
    expect(await page({ after: 0, limit: 10 })).toEqual([range(1, 10), true])
    expect(await page({ after: 245 })).toEqual([range(246, 250), false])
    expect(await page({ after: 250 })).toEqual([[], false])
    expect(await page({ before: 1 })).toEqual([[], false])
    expect((await ann.request('history:get', { roomId: 'x', before: 5, after: 1 })).error?.code).toBe('INVALID_MESSAGE')
    expect((await ann.request('history:get', { roomId: 'x', limit: 101 })).error).toMatchObject({ field: 'limit' })
    expect((await ann.request('history:get', { roomId: 'empty' })).data).toEqual({
      status: 'ok',
      events: [],
      more: false,
    })
  })
})

describe('private messages', () => {
  it('[B23] reach all connections of both users, with the connection and the user they are from', async () => {
    await using server = await createTestServer()
    const tabs = await audience(server, { ann: [] })
    const other = await server.connect({ user: 'ann', dialect: 'v1' })
    const bob = await server.connect({ user: { sub: 'u2', name: 'Bob' } })
    const bobs = await server.connect({ user: { sub: 'u2', name: 'Bob' } })
    const eve = await server.connect({ user: 'eve' })
    const annId = tabs.ann.id
    const { data } = await tabs.ann.request('message:private', { to: 'u2', content: 'psst' })
    expect(data).toMatchObject({ status: 'ok', delivery: 'delivered', id: expect.any(String), ts: server.clock.now() })
    await server.settle()
    const expected = { from: annId, fromUser: 'ann', name: 'ann', to: 'u2', content: 'psst' }
    for (const client of [bob, bobs]) {
      expect(client.messages('message:private')).toMatchObject([{ ...expected, roomId: 'user:u2', seq: 1 }])
    }
    expect(tabs.ann.messages('message:private')).toMatchObject([{ ...expected, roomId: 'user:ann', seq: 1 }])
    expect(other.messages('message:private')).toMatchObject([{ data: expected, roomId: 'user:ann', seq: 1 }])
    expect(eve.messages('message:private')).toEqual([])
    await bob.request('message:private', { to: annId, content: 'to a connection' })
    await server.settle()
    expect(other.messages('message:private').at(-1)?.data).toMatchObject({ to: 'ann', fromUser: 'u2' })
  })

  it('[B23] are delivered once the log answers again that was away when their user connected', async () => {
    let isAway = false
    await using server = await createTestServer({
      broker: (broker) => ({
        ...broker,
        heads: async (...asked) => {
          if (isAway) throw new RoomfulError('UNAVAILABLE')
          return broker.heads(...asked)
        },
      }),
    })
    const ann = await server.connect({ user: 'ann' })
    await ann.request('message:private', { to: 'bob', content: 'psst' })
    isAway = true
    const bob = await server.connect({ user: 'bob' })
    await server.advance(5_000)
    expect(bob.messages('message:private')).toEqual([])
    isAway = false
    await server.advance(1_000)
    expect(bob.messages('message:private')).toMatchObject([{ content: 'psst' }])
  })

  it('[B23] wait in the inbox of a user who is away, and are delivered once, in order', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const ann = await server.connect({ user: 'ann' })
    for (const content of ['1', '2', '3']) {
      const { data } = await ann.request('message:private', { to: 'bob', content })
      expect(data).toMatchObject({ delivery: 'queued' })
    }
    const contents = (client: TestClient) => client.messages('message:private').map(({ content }) => content)
    const first = await server.connect({ user: 'bob' })
    expect(contents(first)).toEqual(['1', '2', '3'])
    first.cut()
    const bob = await server.connect({ user: 'bob' })
    expect(contents(bob)).toEqual([])
    await ann.request('message:private', { to: 'bob', content: '4' })
    expect(contents(bob)).toEqual(['4'])
    bob.close()
    const again = await server.connect({ user: 'bob' })
    expect(contents(again)).toEqual([])
    again.close()
    await ann.request('message:private', { to: 'bob', content: '5' })
    expect(contents(await server.connect({ user: 'bob' }))).toEqual(['5'])
  })

  it('[B23] [D2] that were on their way when the process was killed come again, the first one ever as well', async () => {
    const clock = new VirtualClock()
    const log = createMemoryLog({ clock, random: new SeededRandom('killed') })
    const start = () => createTestServer({ clock, broker: () => createLocalBroker({ log }) })
    const killed = await start() // and nothing more is heard of it
    const ann = await killed.connect({ user: 'ann' })
    const bob = await killed.connect({ user: 'bob', dialect: 'v1' })
    for (const content of ['1', '2']) await ann.request('message:private', { to: 'bob', content })
    await using next = await start()
    const returned = await next.connect({ user: 'bob', dialect: 'v1', session: bob.session })
    await next.settle()
    expect(returned.messages(({ event }) => event === 'message:private').map(({ data }) => data.content)).toEqual([
      '1',
      '2',
    ])
  })

  it('[B23] wait for who has a session until a ping behind them is answered, or a goodbye is said', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const ann = await server.connect({ user: 'ann' })
    await ann.request('message:private', { to: 'bob', content: '1' })
    const life = async (end: (bob: TestClient) => unknown): Promise<string[]> => {
      const bob = await server.connect({ user: 'bob', dialect: 'v1' })
      await server.settle()
      await end(bob)
      return bob.messages(({ event }) => event === 'message:private').map(({ data }) => data.content)
    }
    expect(await life((bob) => bob.cut())).toEqual(['1'])
    expect(await life((bob) => bob.close())).toEqual(['1'])
    await ann.request('message:private', { to: 'bob', content: '2' })
    expect(await life((bob) => bob.cut())).toEqual(['2'])
    const spoken = async (bob: TestClient): Promise<void> => {
      await bob.request('room:join', 'x')
      bob.cut()
    }
    expect(await life(spoken), 'what it says shows nothing').toEqual(['2'])
    const silent = async (bob: TestClient): Promise<void> => {
      bob.wire.answersPings = false
      await server.advance(200)
      expect(bob.wire.pings).toBe(1)
      bob.cut()
    }
    expect(await life(silent)).toEqual(['2'])
    const answered = async (bob: TestClient): Promise<void> => {
      await server.advance(200)
      bob.cut()
    }
    expect(await life(answered)).toEqual(['2'])
    expect(await life(answered)).toEqual([])
  })

  it('[B23] that one tab was told are not new to the next, and wait again when neither has confirmed them', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const [ann, first] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'bob', dialect: 'v1' })]
    await first.request('room:join', 'x')
    first.wire.answersPings = false
    await ann.request('message:private', { to: 'bob', content: '1' })
    const told = (tab: TestClient) => tab.messages(({ event }) => event === 'message:private').length
    expect(told(first)).toBe(1)
    const second = await server.connect({ user: 'bob', dialect: 'v1' })
    second.wire.answersPings = false
    await server.settle()
    expect(told(second)).toBe(0)
    for (const tab of [first, second]) tab.cut()
    const third = await server.connect({ user: 'bob', dialect: 'v1' })
    await server.settle()
    expect(told(third)).toBe(1)
  })

  it('[B23] are stored for both or for neither, and once per key', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const ann = await server.connect({ user: 'ann' })
    const bob = await server.connect({ user: 'bob' })
    const first = await ann.request('message:private', { to: 'bob', content: 'once' }, { key: 'k' })
    const again = await ann.request('message:private', { to: 'bob', content: 'once' }, { key: 'k' })
    expect(again.data).toMatchObject({ id: first.data.id, ts: first.data.ts })
    expect((await ann.request('message:private', { to: 'bob', content: 'other' }, { key: 'k' })).error?.code).toBe(
      'CONFLICT',
    )
    await server.settle()
    expect([ann, bob].map((client) => client.messages('message:private').length)).toEqual([1, 1])
    const heads = await server.broker.heads('/', ['user:ann', 'user:bob'])
    expect(heads.map(({ seq }) => seq)).toEqual([1, 1])
  })

  it('[B23] to oneself are one message', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann' })
    await ann.request('message:private', { to: 'ann', content: 'note' })
    await server.settle()
    expect(ann.messages('message:private')).toHaveLength(1)
  })

  it('personal rooms are their owner’s alone', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const ann = await server.connect({ user: 'ann' })
    const bob = await server.connect({ user: 'bob' })
    await ann.request('message:private', { to: 'ann', content: 'secret' })
    await server.settle()
    bob.forget()
    ann.forget()
    for (const roomId of ['user:ann', ann.id]) {
      for (const [event, data] of [
        ['room:join', {}],
        ['history:get', {}],
        ['presence:get', {}],
        ['message:send', { content: 'x' }],
        ['reaction:send', { emoji: 'x' }],
        ['typing:start', {}],
        ['message:edit', { seq: 1, content: 'x' }],
        ['message:redact', { seq: 1 }],
      ] as const) {
        const { error } = await bob.request(event, { roomId, ...data })
        expect([event, error?.code]).toEqual([event, 'FORBIDDEN'])
      }
    }
    expect(ann.received).toEqual([])
    expect((await ann.request('history:get', 'user:ann')).data.events).toHaveLength(1)
  })
})
