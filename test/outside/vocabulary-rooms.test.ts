/** Joining, leaving, listing and presence in rooms of the vocabulary. PROTOCOL.md 8, B17, B25, B30, C10, C13. */
import { expect, it } from 'vitest'
import { dial, user } from './lib/client.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

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
    facts: { fv: 0, state: {}, more: false },
    read: { seq: 0 },
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
