/** Presence data, the state of a room and unread counts in the SDK, on the server's real core. */
import '@roomful/client/eager'
import { connect, type RoomfulError } from '@roomful/client'
import { stateOf, unreadOf } from '@roomful/client/state'
import type { TestServer } from '@roomful/testkit'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createServer, join } from './support/real-core.ts'

const contract = {
  client: {},
  server: {},
  presence: z.object({ cursor: z.object({ x: z.number(), y: z.number() }).optional(), mood: z.string().optional() }),
  state: { title: z.string(), votes: z.number(), 'cell:*': z.object({ text: z.string() }) },
} as const

/** The state of one room for two users, once both have it. */
async function loaded(server: TestServer) {
  const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
  const [mine, theirs] = [stateOf(ann.client, 'x'), stateOf(bob.client, 'x')]
  for (const store of [mine, theirs]) store.subscribe(() => undefined)
  await server.clock.advance(100)
  return { ann, bob, mine, theirs }
}

describe('presence data', () => {
  it('[D17] is there from the join on, changes, and is said again after a cut', async () => {
    await using server = await createServer()
    const { clock } = server
    const ann = join(server, 'ann')
    const bob = join(server, 'bob')
    const room = ann.client.room('x')
    await clock.until(room.ready)
    const states = (): unknown => Object.fromEntries(room.members.map(({ userId, state }) => [userId, state]))
    const other = bob.client.room('x', { state: { mood: 'fine' } })
    await clock.until(other.ready)
    await clock.advance(10)
    expect(states()).toEqual({ ann: undefined, bob: { mood: 'fine' } })
    other.setPresence({ mood: 'great' })
    await clock.advance(200)
    expect(states()).toEqual({ ann: undefined, bob: { mood: 'great' } })
    bob.network.cut()
    await clock.advance(20_000)
    expect(other.getSnapshot().status).toBe('joined')
    expect(states()).toEqual({ ann: undefined, bob: { mood: 'great' } })
    expect([...ann.errors, ...bob.errors].filter(({ code }) => code !== 'NOT_CONNECTED')).toEqual([])
  })

  it('[D17] of a thousand changes in a second only so many are sent as the server takes, the last one among them', async () => {
    await using server = await createServer({ settings: { presencePerSecond: 10 } })
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const watching = ann.client.room('x')
    const room = bob.client.room('x')
    await clock.until(Promise.all([watching.ready, room.ready]))
    let diffs = 0
    watching.on('presence:diff', () => diffs++)
    for (let x = 1; x <= 1_000; x++) {
      room.setPresence({ x })
      await clock.advance(1)
    }
    await clock.advance(1_000)
    expect(watching.members.find(({ userId }) => userId === 'bob')?.state).toEqual({ x: 1_000 })
    expect(diffs).toBeLessThan(15)
    expect(bob.errors).toEqual([])
  })

  it('[D17] that is refused goes to onError, and the next join repeats what was taken', async () => {
    await using server = await createServer()
    const { clock } = server
    const ann = join(server, 'ann')
    const room = ann.client.room('x', { state: { mood: 'fine' } })
    await clock.until(room.ready)
    room.setPresence({ text: 'x'.repeat(2_000) })
    await clock.advance(1_000)
    expect(ann.errors.map(({ code }) => code)).toEqual(['TOO_LARGE'])
    ann.network.cut()
    await clock.advance(20_000)
    expect(room.getSnapshot()).toMatchObject({ status: 'joined', members: [{ state: { mood: 'fine' } }] })
  })
})

describe('the state of a room', () => {
  it('[D18] is in the snapshot, with own writes at once', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const [mine, theirs] = [stateOf(ann.client, 'x'), stateOf(bob.client, 'x')]
    const offs = [mine.subscribe(() => undefined), theirs.subscribe(() => undefined)]
    expect(mine.getSnapshot()).toMatchObject({ state: {}, isLoaded: false })
    await clock.advance(100)
    expect(mine.getSnapshot()).toMatchObject({ state: {}, isLoaded: true, status: 'joined' })
    const setting = mine.set('title', 'Plans')
    expect(mine.getSnapshot().state).toEqual({ title: 'Plans' })
    expect([...mine.getSnapshot().pending]).toEqual(['title'])
    await clock.until(setting)
    await clock.advance(10)
    expect([...mine.getSnapshot().pending]).toEqual([])
    expect(theirs.getSnapshot().state).toEqual({ title: 'Plans' })
    await clock.until(Promise.all([mine.add('votes', 2), theirs.add('votes', 3)]))
    await clock.advance(10)
    for (const store of [mine, theirs]) expect(store.getSnapshot().state).toEqual({ title: 'Plans', votes: 5 })
    await clock.until(theirs.remove('title'))
    await clock.advance(10)
    for (const store of [mine, theirs]) expect(store.getSnapshot().state).toEqual({ votes: 5 })
    for (const off of offs) off()
  })

  it('[D18] a write that is refused is taken back, and a conflict brings what there is', async () => {
    await using server = await createServer()
    const { clock } = server
    const { mine, theirs } = await loaded(server)
    const settled = Promise.allSettled([
      mine.set('lock', 'ann', { version: 0 }),
      theirs.set('lock', 'bob', { version: 0 }),
      mine.set('long', 'x'.repeat(10_000)),
    ])
    expect(theirs.getSnapshot().state).toEqual({ lock: 'bob' })
    const [first, second, third] = await clock.until(settled)
    expect(first).toMatchObject({ status: 'fulfilled', value: { version: 1 } })
    expect(second).toMatchObject({
      reason: { code: 'CONFLICT', details: { value: 'ann', version: 1 } },
    })
    expect(third).toMatchObject({ reason: { code: 'TOO_LARGE' } })
    for (const store of [mine, theirs]) expect(store.getSnapshot().state).toEqual({ lock: 'ann' })
    const both = [mine, theirs].map((store) => store.update('list', (list = []) => [...(list as string[]), 'x']))
    await clock.until(Promise.all(both))
    await clock.advance(10)
    expect(mine.getSnapshot().state).toEqual({ lock: 'ann', list: ['x', 'x'] })
  })

  it('[D18] writes wait through a cut, count once, and what others did meanwhile is there', async () => {
    await using server = await createServer()
    const { clock } = server
    const { ann, mine, theirs } = await loaded(server)
    const adding = mine.add('votes')
    ann.network.cut() // the request has left, and its answer is lost
    const more = mine.add('votes')
    expect(mine.getSnapshot().state).toEqual({ votes: 2 })
    await clock.until(theirs.set('title', 'Plans'))
    await clock.until(Promise.all([adding, more]))
    await clock.advance(10_000)
    for (const store of [mine, theirs]) expect(store.getSnapshot().state).toEqual({ title: 'Plans', votes: 2 })
  })

  it('[D18] of many names all pages are read, with the changes that come meanwhile', async () => {
    await using server = await createServer()
    const { clock } = server
    const ann = join(server, 'ann')
    for (let i = 0; i < 450; i++)
      await clock.until(ann.client.request('state:set', { roomId: 'x', name: `n${i}`, value: i }))
    const bob = join(server, 'bob')
    const store = stateOf(bob.client, 'x')
    store.subscribe(() => undefined)
    await clock.advance(4)
    const changes = [
      ann.client.request('state:delete', { roomId: 'x', name: 'n1' }),
      ann.client.request('state:set', { roomId: 'x', name: 'n440', value: 'new' }),
      ann.client.request('state:set', { roomId: 'x', name: 'n450', value: 450 }),
    ]
    await clock.until(Promise.all(changes))
    await clock.advance(100)
    const expected: Record<string, unknown> = Object.fromEntries(Array.from({ length: 451 }, (_, i) => [`n${i}`, i]))
    delete expected.n1
    expected.n440 = 'new'
    expect(store.getSnapshot().state).toEqual(expected)
  })

  it('[D5] [D18] is what a contract says, on both sides', async () => {
    await using server = await createServer({
      setUp: (kit) => void kit.namespace('/').extend(contract),
    })
    const { clock } = server
    const ann = join(server, 'ann')
    const refused = async (sent: Promise<unknown>): Promise<unknown> =>
      clock.until(
        sent.then(
          () => 'taken',
          ({ code, field }: RoomfulError) => `${code} ${field}`,
        ),
      )
    const set = (name: string, value: unknown) => ann.client.request('state:set', { roomId: 'x', name, value })
    expect(await refused(set('title', 5))).toBe('INVALID_MESSAGE value')
    expect(await refused(set('cell:1', { text: 5 }))).toBe('INVALID_MESSAGE value.text')
    expect(await refused(set('other', 5))).toBe('INVALID_MESSAGE name')
    expect(await refused(ann.client.request('state:add', { roomId: 'x', name: 'other', by: 1 }))).toBe(
      'INVALID_MESSAGE name',
    )
    expect(await refused(set('cell:1', { text: 'a' }))).toBe('taken')
    const room = ann.client.room('x', { state: { mood: 5 } })
    await expect(clock.until(room.ready)).rejects.toMatchObject({ code: 'INVALID_MESSAGE', field: 'state.mood' })
    expect(await refused(ann.client.request('room:join', { roomId: 'x', state: { mood: 'fine' } }))).toBe('taken')
    expect(await refused(ann.client.request('presence:set', { roomId: 'x', state: { cursor: 1 } }))).toBe(
      'INVALID_MESSAGE state.cursor',
    )
  })

  it('[D5] types of a contract', () => {
    const client = connect<typeof contract>('http://localhost', { autoConnect: false, WebSocket: class {} as never })
    const onlyTypes = (_fn: () => void): void => undefined
    onlyTypes(() => {
      const store = stateOf(client, 'x')
      expectTypeOf(store.getSnapshot().state.title).toEqualTypeOf<string | undefined>()
      expectTypeOf(store.getSnapshot().state['cell:7']).toEqualTypeOf<{ text: string } | undefined>()
      store.set('votes', 1)
      store.set('cell:1', { text: 'a' })
      // @ts-expect-error votes are a number
      store.set('votes', 'many')
      // @ts-expect-error no such name
      store.set('other', 1)
      const room = client.room('x', { state: { mood: 'fine' } })
      room.setPresence({ cursor: { x: 1, y: 2 } })
      // @ts-expect-error a mood is a string
      room.setPresence({ mood: 5 })
      expectTypeOf(room.members[0]?.state?.mood).toEqualTypeOf<string | undefined>()
    })
    expect(stateOf(client, 'x')).toBe(stateOf(client, 'x'))
  })

  it('[D18] is what the server says where the first answer to a write was lost and another client wrote since', async () => {
    await using server = await createServer()
    const { ann, mine, theirs } = await loaded(server)
    const { request } = ann.client
    ann.client.request = (async (...call: Parameters<typeof request>) => {
      await request.apply(ann.client, call)
      // What a server that was killed answers to the repeat.
      return theirs.set('title', 'of bob')
    }) as typeof request
    await server.clock.until(mine.set('title', 'of ann'))
    await server.clock.advance(100)
    expect(mine.getSnapshot().state).toEqual({ title: 'of bob' })
    expect(mine.versionOf('title')).toBe(2)
  })
})

describe('a room of which the latest is enough', () => {
  it('[D14] does not ask for what is missing, until another part of the page needs all', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob] = [join(server, 'ann'), join(server, 'bob')]
    const say = (content: string) => clock.until(bob.client.request('message:send', { roomId: 'x', content }))
    const room = ann.client.room('x', { flow: 'latest' })
    const received: string[] = []
    let lag: number | undefined
    room.on('message:new', ({ content }) => received.push(content))
    room.on('room:lag', ({ behind }) => {
      lag = behind
    })
    await clock.until(room.ready)
    await say('one')
    ann.network.cut()
    for (const content of ['two', 'three', 'four']) await say(content)
    await clock.advance(20_000)
    expect([received, lag]).toEqual([['one', 'four'], 3])
    const whole = ann.client.room('x')
    whole.on('message:new', ({ content }) => received.push(`all ${content}`))
    await clock.advance(100)
    ann.network.cut()
    for (const content of ['five', 'six']) await say(content)
    await clock.advance(20_000)
    expect(received.slice(2)).toEqual(['five', 'all five', 'six', 'all six'])
  })
})

describe('unread counts', () => {
  it('[D18] are counted once, grow with messages of others, and end with reading, here or elsewhere', async () => {
    await using server = await createServer()
    const { clock } = server
    const [ann, bob, phone] = [join(server, 'ann'), join(server, 'bob'), join(server, 'ann')]
    const say = (roomId: string, content: string) =>
      clock.until(bob.client.request('message:send', { roomId, content }))
    for (const text of ['one', 'two', 'three']) await say('x', text)
    const room = ann.client.room('x')
    await clock.until(room.ready)
    const store = unreadOf(ann.client, ['x', 'y'])
    const off = store.subscribe(() => undefined)
    await clock.advance(100)
    expect(Object.fromEntries(store.getSnapshot())).toEqual({
      x: { seq: 3, read: 0, unread: 3 },
      y: { seq: 0, read: 0, unread: 0 },
    })
    await say('x', 'four')
    await clock.until(room.send('my own'))
    await clock.advance(10)
    expect(store.getSnapshot().get('x')).toEqual({ seq: 5, read: 0, unread: 4 })
    await clock.until(phone.client.room('x').read(2))
    await clock.advance(10)
    expect(store.getSnapshot().get('x')).toEqual({ seq: 5, read: 2, unread: 2 })
    await clock.until(store.markRead('x'))
    expect(store.getSnapshot().get('x')).toEqual({ seq: 5, read: 5, unread: 0 })
    await say('y', 'elsewhere')
    store.refresh()
    await clock.advance(10)
    expect(store.getSnapshot().get('y')).toEqual({ seq: 1, read: 0, unread: 1 })
    off()
  })
})
