/** Rooms, users and connections of all nodes, asked on one of them. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { hubOf } from '../../src/roomful.ts'
import { connect, join, serve, signIn, until } from './clients.ts'
import { connectTo, serveNode, tokenFor } from './nodes-of-one-log.ts'
import { openPlain } from './plain-client.ts'
import { type RedisServer, startRedis } from './server.ts'

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const twoNodes = async (prefix: string) => [await serveNode(redis, prefix), await serveNode(redis, prefix)] as const

describe('[Z15] rooms that are open on another node alone', () => {
  it('are in the lists of clients and applications, page by page, until their last user is gone', async () => {
    const [a, b] = await twoNodes('lists')
    const [ann, bob] = [await connectTo(a, await tokenFor('ann')), await connectTo(b, await tokenFor('bob'))]
    for (const roomId of ['both', 'there', 'z']) await bob.ask('room:join', { roomId })
    for (const roomId of ['both', 'here']) await ann.ask('room:join', { roomId })
    const [both, here, there, z] = [
      { roomId: 'both', count: 2 },
      { roomId: 'here', count: 1 },
      { roomId: 'there', count: 1 },
      { roomId: 'z', count: 1 },
    ]
    const asked = async (page: object) => (await ann.ask('room:list', page)).data
    expect(await asked({})).toEqual({ status: 'ok', rooms: [both, here, there, z], more: false })
    expect(await asked({ limit: 2 })).toEqual({ status: 'ok', rooms: [both, here], more: true })
    expect(await asked({ limit: 2, after: 'here' })).toEqual({ status: 'ok', rooms: [there, z], more: false })
    const pub = a.roomful.get('/public')
    expect(await pub.listRooms({ after: 'here' })).toEqual({ rooms: [there, z], more: false })
    expect(pub.openRooms()).toEqual(expect.arrayContaining([both, here]))
    expect(pub.openRooms()).toHaveLength(2)
    await bob.ask('room:leave', { roomId: 'there' })
    bob.close()
    await expect.poll(() => asked({})).toMatchObject({ rooms: [{ ...both, count: 1 }, here] })
  })

  it('[D19] are named only to who has a right in them, also where that leaves a page of the log short', async () => {
    const [a, b] = await twoNodes('named')
    const rooms = { 'c-*': ['join'], e: ['presence'] }
    const [ann, bob] = [
      await connectTo(a, await tokenFor('ann', 'user', { rooms })),
      await connectTo(b, await tokenFor('bob')),
    ]
    for (const roomId of ['a', 'b', 'c-1', 'c-2', 'd', 'e']) await bob.ask('room:join', { roomId })
    const asked = async (page: object) => (await ann.ask('room:list', page)).data
    const [first, second, third] = ['c-1', 'c-2', 'e'].map((roomId) => ({ roomId, count: 1 }))
    expect(await asked({})).toEqual({ status: 'ok', rooms: [first, second, third], more: false })
    expect(await asked({ limit: 1 })).toEqual({ status: 'ok', rooms: [first], more: true })
    expect(await asked({ limit: 1, after: 'c-1' })).toEqual({ status: 'ok', rooms: [second], more: true })
    expect(await asked({ limit: 1, after: 'c-2' })).toEqual({ status: 'ok', rooms: [third], more: false })
  })

  it('are in the list of a classic client, those with the most users first', async () => {
    const [a, b] = await twoNodes('classic')
    const [ann, bob] = [await connectTo(b, await tokenFor('ann')), await connectTo(b, await tokenFor('bob'))]
    await ann.ask('room:join', { roomId: 'few' })
    for (const each of [ann, bob]) await each.ask('room:join', { roomId: 'many' })
    const old = await openPlain(a.url, '/ws/public?name=old')
    old.socket.send(JSON.stringify({ type: 'list' }))
    expect(await old.next(({ type }) => type === 'rooms')).toMatchObject({
      rooms: [
        { room: 'many', members: 2 },
        { room: 'few', members: 1 },
      ],
    })
  })

  it('show who is in them to clients, over HTTP and to applications', async () => {
    const [a, b] = await twoNodes('members')
    const [ann, bob] = [await connectTo(a, await tokenFor('ann')), await connectTo(b, await tokenFor('bob'))]
    await bob.ask('room:join', { roomId: 'there' })
    const users = [{ userId: 'bob', name: 'bob', status: 'online' }]
    const seen = { users, count: 1, pv: expect.any(Number) }
    expect((await ann.ask('presence:get', { roomId: 'there' })).data).toEqual({ status: 'ok', ...seen })
    expect((await ann.ask('presence:get', { roomId: 'nowhere' })).data).toMatchObject({ users: [], count: 0 })
    const headers = { authorization: `Bearer ${await tokenFor('ann')}` }
    const response = await fetch(`${a.url}/api/rooms/there/users?namespace=/public`, { headers })
    expect(await response.json()).toEqual(seen)
    expect(await a.api('rooms/there/users?namespace=/public')).toMatchObject({ users, count: 1 })
    const pub = a.roomful.get('/public')
    expect(await pub.presenceOf('there')).toEqual(seen)
    expect(await pub.roomUsers('there')).toEqual(users)
    expect([pub.userCount('there'), pub.hasUser('there', 'bob'), pub.isOnline('bob')]).toEqual([0, false, false])
    expect(await pub.onlineUsers(['ann', 'bob', 'carol'])).toEqual(new Set(['ann', 'bob']))
  })
})

describe('[Z16] a private message', () => {
  it('reaches a guest, and one connection, on another node', async () => {
    const [a, b] = [await serve(redis.url, 'private'), await serve(redis.url, 'private')]
    const [ann, guest] = [await connect(a, 'Ann'), await connect(b, 'Gus')]
    const connectionId = String(guest.of('welcome')[0]?.id)
    for (const [to, content] of [
      [guest.user.sub, 'to the guest'],
      [connectionId, 'to the connection'],
    ]) {
      const { data } = await ann.ask('message:private', { to, content })
      expect(data).toMatchObject({ status: 'ok', delivery: 'delivered' })
      await guest.next((frame) => frame.type === 'message:private' && frame.content === content)
    }
    guest.close()
    await until(async () => !(await a.roomful.get('/public').onlineUsers([guest.user.sub])).has(guest.user.sub))
    for (const to of [guest.user.sub, connectionId, 'guest:unknown', 'c_unknown'])
      expect((await ann.ask('message:private', { to, content: 'too late' })).error).toMatchObject({ code: 'NOT_FOUND' })
    const bob = await signIn(b, 'bob')
    const asBob = await signIn(a, 'ann')
    const toBob = async () => (await asBob.ask('message:private', { to: 'bob', content: 'hi' })).data
    expect(await toBob()).toMatchObject({ delivery: 'delivered' })
    bob.close()
    await expect.poll(toBob).toMatchObject({ delivery: 'queued' })
  })
})

describe('[Z17] the id of a connection', () => {
  it('names its node, which alone is asked for its story', async () => {
    const [a, b] = await twoNodes('story')
    const [first, second] = [await connectTo(b, await tokenFor('ann')), await connectTo(b, await tokenFor('ann'))]
    expect(first.connectionId).toMatch(/^c_[a-z0-9]{20}$/)
    expect(first.connectionId.slice(0, 10)).toBe(second.connectionId.slice(0, 10))
    await serveNode(redis, 'story')
    const asked = vi.spyOn(hubOf(a.roomful).runtime.broker, 'ask')
    expect(await a.api(`connections/${first.connectionId}`)).toMatchObject({
      connection: { connectionId: first.connectionId },
    })
    expect(asked.mock.calls.map(([, nodes]) => nodes)).toEqual([[first.connectionId.slice(2, 10)]])
  })

  it('of a node that ended: its story has ended with it', async () => {
    const a = await serveNode(redis, 'ended')
    const b = await serve(redis.url, 'ended')
    const ann = await signIn(b, 'ann')
    const connectionId = String(ann.of('welcome')[0]?.id)
    await join(ann, 'lobby')
    await ann.ask('message:send', { roomId: 'lobby', content: 'hello' })
    await b.close()
    const { error } = await a.api(`connections/${connectionId}`)
    expect(error).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('its node ended') })
    const question = new URLSearchParams({ who: connectionId, roomId: 'lobby', seq: '1' })
    expect(await a.api(`explain?${question}`)).toMatchObject({
      answer: { delivered: 'unknown' },
      verdicts: [{ code: 'UNKNOWN', message: expect.stringContaining('its node ended') }],
    })
  })
})
