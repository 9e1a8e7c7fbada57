/** The state of rooms and how far users have read: in the answer to a join, as numbered changes, and never quietly wrong. */
import { createTestServer, type Message, type TestClient } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0 }

/** What a client makes of the answer to its join and of the changes after it. @throws Error where one is missing */
function stateOf({ received }: TestClient, joined: Message): Record<string, unknown> {
  const values = Object.fromEntries(
    Object.entries(joined.facts.state).map(([name, each]) => [name, (each as Message).value]),
  )
  let { fv } = joined.facts
  for (const message of received) {
    const data: Message = { ...message, ...message.data }
    if ((message.type ?? message.event) !== 'state:changed' || data.fv <= fv) continue
    if (data.since > fv) throw new Error(`A change ${data.fv} after ${data.since}, and ${fv} is known`)
    fv = data.fv
    if (data.deleted) delete values[data.name]
    else values[data.name] = data.value
  }
  return values
}

describe('the state of a room', () => {
  it('[D18] [N14] is in the answer to a join, then comes as numbered changes', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann } = await audience(server, { ann: ['x'] })
    const { data } = await ann.request('state:set', { roomId: 'x', name: 'topic', value: { text: 'tea' } })
    expect(data).toEqual({ status: 'ok', fv: 1, version: 1, value: { text: 'tea' } })
    expect(ann.messages('state:changed')).toEqual([
      {
        type: 'state:changed',
        roomId: 'x',
        since: 0,
        fv: 1,
        name: 'topic',
        value: { text: 'tea' },
        version: 1,
        userId: 'ann',
      },
    ])
    const bob = await server.connect({ user: 'bob', dialect: 'v1' })
    const joined = (await bob.request('room:join', 'x')).data
    expect(joined.facts).toEqual({ fv: 1, state: { topic: { value: { text: 'tea' }, version: 1 } }, more: false })
    expect((await ann.request('state:add', { roomId: 'x', name: 'count', by: 2 })).data).toMatchObject({
      fv: 2,
      value: 2,
    })
    expect((await ann.request('state:delete', { roomId: 'x', name: 'topic' })).data).toEqual({
      status: 'ok',
      fv: 3,
      version: 3,
    })
    await server.settle()
    expect(stateOf(bob, joined)).toEqual({ count: 2 })
    expect((await bob.request('state:get', { roomId: 'x' })).data).toEqual({
      ...{ status: 'ok', fv: 3, state: { count: { value: 2, version: 2 } }, more: false },
    })
    expect((await bob.request('history:get', { roomId: 'x' })).data.events).toEqual([])
  })

  it('[D18] [N15] of many who compare and set one version exactly one wins, the others get what there is', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const ids = Array.from({ length: 100 }, (_, i) =>
      (i % 2 ? ann : bob).post('state:set', { roomId: 'x', name: 'lock', value: i, version: 0 }, { id: `r${i}` }),
    )
    await server.settle()
    const answers = ids.map((id, i) => (i % 2 ? ann : bob).answer(id))
    expect(answers.filter((answer) => answer?.error === undefined)).toHaveLength(1)
    expect(answers[1]?.error).toMatchObject({ code: 'CONFLICT', value: 0, version: 1 })
    expect(answers[1]?.data).toMatchObject({ status: 'error', value: 0, version: 1 })
    expect(ann.messages('state:changed')).toHaveLength(1)
    const { error } = await ann.request('state:set', { roomId: 'x', name: 'none', value: 1, version: 4 })
    expect(error).toMatchObject({ code: 'CONFLICT', version: 0 })
  })

  it('[D18] [N16] changes with the events of its handler, or not at all', async () => {
    await using server = await createTestServer({
      settings: UNLIMITED,
      setUp: (kit) => {
        kit.namespace('/').on('move', (context, { turn, version }: { turn: string; version: number }) => {
          context.append('board', 'moved', { turn })
          context.state('board').set('turn', turn, { version })
          return { status: 'ok' }
        })
      },
    })
    const { ann } = await audience(server, { ann: ['board'] })
    expect((await ann.request('move', { turn: 'white', version: 0 })).error).toBeUndefined()
    expect((await ann.request('move', { turn: 'black', version: 0 })).error?.code).toBe('CONFLICT')
    await server.settle()
    expect(ann.messages('moved')).toHaveLength(1)
    expect(ann.messages('state:changed')).toMatchObject([{ value: 'white' }])
  })

  it('[D18] [N17] a slow link gets the latest of each name, and no version is missing', async () => {
    await using server = await createTestServer({ settings: { ...UNLIMITED, outboxBytes: 10_000 } })
    const { slow, quick } = await audience(server, { slow: ['x'], quick: ['x'] })
    const joined = (await slow.request('room:join', 'x')).data
    slow.wire.stall()
    for (let i = 0; i < 200; i++) {
      await quick.request('state:set', { roomId: 'x', name: `n${i % 3}`, value: `${i} ${'x'.repeat(500)}` })
    }
    await quick.request('state:delete', { roomId: 'x', name: 'n1' })
    expect(slow.wire.queuedBytes).toBeLessThan(13_000)
    slow.wire.drain()
    await server.settle()
    const now = (await quick.request('state:get', { roomId: 'x' })).data.state as Record<string, Message>
    expect(stateOf(slow, joined)).toEqual(
      Object.fromEntries(Object.entries(now).map(([name, { value }]) => [name, value])),
    )
    expect(slow.messages('state:changed').length).toBeLessThan(40)
  })

  it('[D18] [N18] outlives its members, and comes in pages of 200 names', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann } = await audience(server, { ann: ['x'] })
    for (let i = 0; i < 450; i++) await ann.request('state:set', { roomId: 'x', name: `n${1000 + i}`, value: i })
    await ann.request('room:leave', 'x')
    await server.advance(3_600_000)
    const bob = await server.connect({ user: 'bob' })
    const { facts } = (await bob.request('room:join', 'x')).data
    expect([facts.fv, facts.more, Object.keys(facts.state).length]).toEqual([450, true, 200])
    const names = Object.keys(facts.state)
    for (let more = true; more; ) {
      const page = (await bob.request('state:get', { roomId: 'x', after: names.at(-1) })).data
      names.push(...Object.keys(page.state))
      more = page.more
    }
    expect(names).toEqual(Array.from({ length: 450 }, (_, i) => `n${1000 + i}`))
  })

  it('[D18] [N19] has rules of its own', async () => {
    await using server = await createTestServer({
      settings: UNLIMITED,
      setUp: (kit) => void kit.chat(kit.namespace('/').room('*', { allow: { state: ({ sub }) => sub === 'ann' } })),
    })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    for (const [event, more] of [
      ['state:set', { value: 1 }],
      ['state:delete', {}],
      ['state:add', { by: 1 }],
    ] as const) {
      expect((await bob.request(event, { roomId: 'x', name: 'n', ...more })).error?.code).toBe('FORBIDDEN')
      expect((await ann.request(event, { roomId: 'x', name: 'n', ...more })).error).toBeUndefined()
    }
  })

  it.each([
    ['state:set', { roomId: 'x', name: '', value: 1 }, 'INVALID_MESSAGE'],
    ['state:set', { roomId: 'x', name: 'n'.repeat(129), value: 1 }, 'INVALID_MESSAGE'],
    ['state:set', { roomId: 'x', name: 'n' }, 'INVALID_MESSAGE'],
    ['state:set', { roomId: 'x', name: 'n', value: 1, version: -1 }, 'INVALID_MESSAGE'],
    ['state:set', { roomId: 'x', name: 'n', value: 'v'.repeat(8_192) }, 'TOO_LARGE'],
    ['state:set', { roomId: '', name: 'n', value: 1 }, 'ROOM_NAME_INVALID'],
    ['state:add', { roomId: 'x', name: 'n', by: 0.5 }, 'INVALID_MESSAGE'],
    ['state:add', { roomId: 'x', name: 'n', by: 'one' }, 'INVALID_MESSAGE'],
    ['room:read', { roomId: 'x', seq: -1 }, 'INVALID_MESSAGE'],
    ['room:read', { roomId: 'nowhere', seq: 1 }, 'NOT_FOUND'],
    ['room:unread', { roomIds: Array.from({ length: 101 }, (_, i) => `r${i}`) }, 'INVALID_MESSAGE'],
  ])('[D18] refuses %s %j with %s', async (event, data, code) => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann } = await audience(server, { ann: ['x'] })
    const { error } = await ann.request(event, data)
    expect(error).toMatchObject({ code })
    expect((await ann.request('room:list')).error).toBeUndefined()
  })
})

describe('how far a user has read', () => {
  it('[D18] [N20] never goes back, reaches their other connections at once, and counts what is unread', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const phone = await server.connect({ user: 'ann' })
    for (const client of [bob, ann, bob, bob]) await client.request('message:send', { roomId: 'x', content: 'hi' })
    const unread = async () => (await phone.request('room:unread', { roomIds: ['x', 'y'] })).data.rooms
    expect(await unread()).toEqual([
      { roomId: 'x', seq: 4, read: 0, unread: 3 },
      { roomId: 'y', seq: 0, read: 0, unread: 0 },
    ])
    expect((await ann.request('room:read', { roomId: 'x', seq: 3 })).data).toEqual({ status: 'ok', seq: 3 })
    await server.settle()
    expect(phone.messages('room:read')).toEqual([{ type: 'room:read', roomId: 'x', userId: 'ann', seq: 3 }])
    expect([...ann.messages('room:read'), ...bob.messages('room:read')]).toEqual([])
    expect(await unread()).toMatchObject([{ read: 3, unread: 1 }, { read: 0 }])
    expect((await phone.request('room:read', { roomId: 'x', seq: 1 })).data).toEqual({ status: 'ok', seq: 3 })
    expect((await phone.request('room:read', { roomId: 'x', seq: 99 })).data).toEqual({ status: 'ok', seq: 4 })
    expect(await unread()).toMatchObject([{ read: 4, unread: 0 }, { read: 0 }])
    await server.settle()
    expect(ann.messages('room:read')).toMatchObject([{ seq: 4 }])
    const tablet = await server.connect({ user: 'ann', dialect: 'v1' })
    expect((await tablet.request('room:join', 'x')).data.read).toEqual({ seq: 4 })
    expect((await tablet.request('room:join', 'y')).data.read).toEqual({ seq: 0 })
  })

  it('[D18] counts messages among reactions, and 100 at most', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const { data } = await bob.request('message:send', { roomId: 'x', content: 'first' })
    for (let i = 0; i < 120; i++) {
      await bob.request('reaction:send', { roomId: 'x', emoji: `e${i}`, messageId: data.id })
    }
    await bob.request('message:send', { roomId: 'x', content: 'second' })
    const unread = async () => (await ann.request('room:unread', { roomIds: ['x'] })).data.rooms[0].unread
    expect(await unread()).toBe(2)
    for (let i = 0; i < 150; i++) await bob.request('message:send', { roomId: 'x', content: `${i}` })
    expect(await unread()).toBe(100)
  })

  it('[D18] [N20] reaches all members where the room says so', async () => {
    await using server = await createTestServer({
      settings: UNLIMITED,
      setUp: (kit) => void kit.chat(kit.namespace('/').room('*', { readPositions: 'members' })),
    })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    await bob.request('message:send', { roomId: 'x', content: 'hi' })
    await ann.request('room:read', { roomId: 'x', seq: 1 })
    await server.settle()
    expect(bob.messages('room:read')).toMatchObject([{ userId: 'ann', seq: 1 }])
    expect(ann.messages('room:read')).toEqual([])
  })
})
