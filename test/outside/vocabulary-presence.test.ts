/** Who is there: online and offline, snapshots and changes, counts. PROTOCOL.md 9, G6, B17, C13. */
import { expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

const idsOf = (users: unknown): string[] => (users as { userId: string }[]).map((member) => member.userId).sort()

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
  // In a namespace of their own, so that its counts are exact.
  const admin = (name: string) => user(server, name, { role: 'admin' }, '/ws/admin')
  const watcher = await admin('o-watcher')
  const one = await admin('o-user')
  await watcher.next({ type: 'presence:update', userId: 'o-user', status: 'online' })
  const two = await admin('o-user')
  await watcher.next({ type: 'users:count', connections: 3 })
  await one.terminate()
  await watcher.next({ type: 'users:count', connections: 2 })
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
