/** Joining, leaving, listing and presence in rooms of the vocabulary. WIRE 8, B17, B25, B30, C10, C13. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Client, dial, user } from './lib/client.ts'
import { Server, UNLIMITED } from './lib/server.ts'

let server: Server
beforeAll(async () => {
  server = await Server.start({ env: UNLIMITED })
})
afterAll(() => server.dispose())

const idsOf = (users: unknown): string[] => (users as { userId: string }[]).map((member) => member.userId).sort()

it('[C10] a join answers epoch, position and who is there; the others get user:joined', async () => {
  const [ann, ben] = [await user(server, 'j-ann', { name: 'Ann' }), await user(server, 'j-ben')]
  expect(await ann.ok('room:join', { roomId: 'j' })).toEqual({
    status: 'ok',
    roomId: 'j',
    epoch: expect.any(String),
    seq: 0,
    users: [{ userId: 'j-ann', name: 'Ann', status: 'online' }],
    count: 1,
    pv: expect.any(Number),
  })
  const reply = await ben.ok('room:join', { roomId: 'j' })
  expect(reply.count).toBe(2)
  expect(idsOf(reply.users)).toEqual(['j-ann', 'j-ben'])
  expect(await ann.next('user:joined')).toMatchObject({ roomId: 'j', userId: 'j-ben', name: 'j-ben' })
  await ben.settled()
  expect(ben.unread({ type: 'user:joined', userId: 'j-ben' })).toEqual([])
})

it('[C10] a first join replays nothing; seq says where the room stands', async () => {
  const [ann, late] = [await user(server, 'f-ann'), await user(server, 'f-late')]
  for (const content of ['one', 'two']) await ann.ok('chat:message', { roomId: 'f', content })
  expect(await late.ok('room:join', { roomId: 'f' })).toMatchObject({ seq: 2 })
  await late.settled()
  expect(late.unread('chat:message')).toEqual([])
})

it('[C10] leaving is told to those who stay, with a reason, and ends the events', async () => {
  const [ann, ben] = [await user(server, 'l-ann'), await user(server, 'l-ben')]
  for (const client of [ann, ben]) await client.ok('room:join', { roomId: 'l' })
  expect(await ben.ok('room:leave', { roomId: 'l' })).toMatchObject({ status: 'ok' })
  expect(await ann.next('user:left')).toMatchObject({ roomId: 'l', userId: 'l-ben', reason: expect.any(String) })
  await ann.ok('chat:message', { roomId: 'l', content: 'alone' })
  await ben.settled()
  expect(ben.unread('chat:message')).toEqual([])
})

it('[C10] several rooms at once: each hears its own', async () => {
  const [ann, ben] = [await user(server, 's-ann'), await user(server, 's-ben')]
  for (const roomId of ['s1', 's2']) await ann.ok('room:join', { roomId })
  await ben.ok('chat:message', { roomId: 's1', content: 'to one' })
  await ben.ok('chat:message', { roomId: 's2', content: 'to two' })
  await ben.ok('chat:message', { roomId: 's3', content: 'to three' })
  await ann.next({ roomId: 's1', content: 'to one' })
  await ann.next({ roomId: 's2', content: 'to two' })
  await ann.settled()
  expect(ann.unread('chat:message')).toEqual([])
})

it('[C13] joined twice by one connection, or by two of one user, is one member; gone with the last', async () => {
  const watcher = await user(server, 'm-watcher')
  await watcher.ok('room:join', { roomId: 'm' })
  const [one, two] = [await user(server, 'm-twice'), await user(server, 'm-twice')]
  for (const client of [one, one, two]) await client.ok('room:join', { roomId: 'm' })
  await watcher.next({ type: 'user:joined', userId: 'm-twice' })
  expect(await watcher.ok('presence:get', { roomId: 'm' })).toMatchObject({ count: 2 })
  await one.terminate()
  expect(idsOf((await watcher.ok('presence:get', { roomId: 'm' })).users)).toEqual(['m-twice', 'm-watcher'])
  await watcher.settled()
  expect(watcher.unread('user:joined')).toEqual([])
  expect(watcher.unread('user:left')).toEqual([])
  await two.close()
  await watcher.next({ type: 'user:left', userId: 'm-twice' })
})

it('[C13] [C10] presence:update says online with the first connection and offline only with the last', async () => {
  const watcher = await user(server, 'o-watcher')
  const one = await user(server, 'o-user')
  await watcher.next({ type: 'presence:update', userId: 'o-user', status: 'online' })
  const two = await user(server, 'o-user')
  const open = await server.clients()
  await one.terminate()
  await server.untilClients(open - 1)
  await watcher.settled()
  expect(watcher.unread({ type: 'presence:update', userId: 'o-user' })).toEqual([])
  await two.terminate()
  await watcher.next({ type: 'presence:update', userId: 'o-user', status: 'offline' })
})

it('[B17] users:count reaches everyone, at once on the own connect, then as it changes', async () => {
  const watcher = await user(server, 'count-watcher')
  const first = await watcher.next('users:count')
  expect(first).toEqual({ type: 'users:count', count: expect.any(Number), connections: expect.any(Number) })
  const before = first.count as number
  const more = await Promise.all([1, 2, 3].map((i) => user(server, `count-${i}`)))
  await watcher.next((frame) => frame.type === 'users:count' && frame.count === before + 3)
  for (const client of more) await client.close()
  await watcher.next((frame) => frame.type === 'users:count' && frame.count === before)
})

it('[B25] room:list counts users and lists no personal rooms', async () => {
  const [ann, ben] = [await user(server, 'r-ann'), await user(server, 'r-ben')]
  for (const client of [ann, ann, ben]) await client.ok('room:join', { roomId: 'r' })
  await ann.ok('room:join', { roomId: 'user:r-ann' })
  const { rooms } = (await ann.ok('room:list')) as { rooms: { roomId: string; count: number }[] }
  expect(rooms).toContainEqual({ roomId: 'r', count: 2 })
  expect(rooms.filter((room) => /^(user:|c_)/.test(room.roomId))).toEqual([])
})

it('[B30] a message to a room that nobody is in is stored and harms nobody; the last one out frees the room, not its history', async () => {
  const ann = await user(server, 'e-ann')
  expect(await ann.ok('chat:message', { roomId: 'e', content: 'into the void' })).toMatchObject({ seq: 1 })
  await ann.ok('room:join', { roomId: 'e' })
  await ann.ok('room:leave', { roomId: 'e' })
  const { rooms } = (await ann.ok('room:list')) as { rooms: { roomId: string }[] }
  expect(rooms.map((room) => room.roomId)).not.toContain('e')
  expect(await ann.ok('room:join', { roomId: 'e' })).toMatchObject({ seq: 1 })
  expect(((await ann.ok('history:get', { roomId: 'e' })).events as unknown[])[0]).toMatchObject({
    content: 'into the void',
    seq: 1,
  })
  expect(await ann.ok('presence:get', { roomId: 'never-was' })).toMatchObject({ users: [], count: 0 })
})

it('[B25] presence:get answers the snapshot of a join, numbered', async () => {
  const [ann, ben] = [await user(server, 'pv-ann'), await user(server, 'pv-ben')]
  const first = await ann.ok('room:join', { roomId: 'pv' })
  const second = await ben.ok('room:join', { roomId: 'pv' })
  expect(second.pv as number).toBeGreaterThan(first.pv as number)
  expect(await ann.ok('presence:get', { roomId: 'pv' })).toEqual({
    status: 'ok',
    users: second.users,
    count: 2,
    pv: second.pv,
  })
})

it('[C13] above 200 members changes come as presence:diff, numbered, and the reply holds 200', {
  timeout: 30_000,
}, async () => {
  const roomId = 'huge'
  const crowd: Client[] = []
  for (let batch = 0; batch < 5; batch++) {
    const some = await Promise.all(Array.from({ length: 42 }, (_, i) => user(server, `huge-${batch * 42 + i}`)))
    await Promise.all(some.map((client) => client.ok('room:join', { roomId })))
    crowd.push(...some)
  }
  const watcher = await user(server, 'huge-watcher')
  const reply = await watcher.ok('room:join', { roomId })
  expect(reply.count).toBe(211)
  expect(reply.users as unknown[]).toHaveLength(200)
  watcher.forget()

  const late = await user(server, 'huge-late')
  await late.ok('room:join', { roomId })
  const diff = await watcher.next(
    (frame) => frame.type === 'presence:diff' && idsOf(frame.joined).includes('huge-late'),
  )
  expect(diff).toMatchObject({ roomId, count: 212, pv: expect.any(Number), left: expect.any(Array) })
  expect(diff.pv as number).toBeGreaterThan(reply.pv as number)

  await Promise.all(crowd.slice(0, 5).map((client) => client.terminate()))
  const gone = new Set<string>()
  while (gone.size < 5) {
    const { left } = await watcher.next('presence:diff')
    for (const entry of left as (string | { userId: string })[])
      gone.add(typeof entry === 'string' ? entry : entry.userId)
  }
  expect([...gone].sort()).toEqual([0, 1, 2, 3, 4].map((i) => `huge-${i}`))
  await watcher.settled()
  expect(watcher.unread({ type: 'user:joined', roomId })).toEqual([])
})

it('[A3.1] members who vanish during a broadcast harm nobody', async () => {
  const sender = await user(server, 'b-sender')
  const members = await Promise.all(Array.from({ length: 60 }, (_, i) => user(server, `b-${i}`)))
  await Promise.all(members.map((client) => client.ok('room:join', { roomId: 'b' })))
  for (let i = 0; i < 30; i++) {
    sender.send({ type: 'chat:message', roomId: 'b', content: `b${i}` })
    members[i * 2]?.socket.terminate()
  }
  const survivors = members.filter((_member, i) => i % 2 === 1)
  for (const survivor of survivors) {
    await survivor.next({ content: 'b29' })
    expect(survivor.received.filter((frame) => frame.type === 'chat:message').map((frame) => frame.content)).toEqual(
      Array.from({ length: 30 }, (_, i) => `b${i}`),
    )
  }
  await sender.ok('room:list')
})

it('[B35] the inbox and the connection rooms of others are closed', async () => {
  const [ann, eve] = [await user(server, 'own-ann'), dial(server, '/ws/public?name=eve')]
  await eve.next('welcome')
  const eveUser = await user(server, 'own-eve')
  const welcome = ann.received.find((frame) => frame.type === 'welcome')
  for (const roomId of ['user:own-ann', welcome?.id as string]) {
    for (const type of ['room:join', 'history:get', 'presence:get']) {
      expect(await eveUser.refused(type, { roomId }), `${type} ${roomId}`).toMatchObject({ code: 'FORBIDDEN' })
    }
    expect(await eveUser.refused('chat:message', { roomId, content: 'slipped in' })).toMatchObject({
      code: 'FORBIDDEN',
    })
  }
  await ann.ok('room:join', { roomId: 'user:own-ann' })
})
