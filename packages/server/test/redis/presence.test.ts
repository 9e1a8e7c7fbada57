/** Who is in a room, over two servers on one Redis. */
import { afterAll, describe, expect, it } from 'vitest'
import { type Client, connect, join, list, type Server, serve, until } from './clients.ts'
import { startRedis } from './server.ts'

const redis = await startRedis()
afterAll(() => redis.stop())

let prefixes = 0
const cluster = async (count = 2, rooms?: { capacity: number }) => {
  const prefix = `presence${++prefixes}`
  return Promise.all(Array.from({ length: count }, () => serve(redis.url, prefix, {}, rooms)))
}

/** The list that a client has, from its snapshot and the changes after it, and the first number that it missed. */
function follow(client: Client, { users, pv }: { users: { userId: string; name: string }[]; pv: number }) {
  const known = new Map(users.map(({ userId, name }) => [userId, name]))
  let last = pv
  let missed: number | undefined
  for (const { type, ...frame } of client.of('user:joined', 'user:left', 'presence:diff')) {
    const next = frame.pv as number
    if (next <= last) continue
    if (((frame.since as number | undefined) ?? next - 1) > last) missed ??= last + 1
    last = next
    if (type === 'user:left') known.delete(frame.userId as string)
    if (type === 'user:joined') known.set(frame.userId as string, frame.name as string)
    if (type !== 'presence:diff') continue
    for (const userId of frame.left as string[]) known.delete(userId)
    for (const { userId, name } of frame.joined as { userId: string; name: string }[]) known.set(userId, name)
  }
  return { names: [...known.values()].toSorted(), missed }
}

describe('a room on two nodes', () => {
  it('[C20] [D10] is the same room to the members on both: who is in it, who comes and who goes', async () => {
    const [a, b] = (await cluster()) as [Server, Server]
    const ann = await connect(a, 'ann')
    const first = await join(ann, 'lobby')
    expect(first.users).toMatchObject([{ name: 'ann', status: 'online' }])
    const bob = await connect(b, 'bob')
    const second = await join(bob, 'lobby')
    expect(second.users.map(({ name }) => name).toSorted()).toEqual(['ann', 'bob'])
    expect(second.count).toBe(2)
    const heard = await ann.next(({ type }) => type === 'user:joined')
    expect(heard).toMatchObject({ name: 'bob', pv: first.pv + 1 })
    expect(second.pv).toBe(heard.pv)
    const cy = await connect(a, 'cy')
    await join(cy, 'lobby')
    await bob.next(({ type, name }) => type === 'user:joined' && name === 'cy')
    await cy.ask('room:leave', { roomId: 'lobby' })
    await bob.next(({ type, userId }) => type === 'user:left' && userId === cy.user.sub)
    bob.close()
    await ann.next(({ type, userId }) => type === 'user:left' && userId === bob.user.sub)
    expect(await list(ann, 'lobby')).toEqual(['ann'])
    expect(follow(ann, first)).toEqual({ names: ['ann'], missed: undefined })
  })

  it('[G6] [D10] gives every member the same list while many come and go, and no number is missing', async () => {
    const servers = await cluster(3)
    const watchers = await Promise.all(servers.map((server, i) => connect(server, `watcher${i}`)))
    const joined = await Promise.all(watchers.map((watcher) => join(watcher, 'lobby')))
    const clients = await Promise.all(
      Array.from({ length: 45 }, (_, i) => connect(servers[i % 3] as Server, `user${i}`)),
    )
    await Promise.all(
      clients.map(async (client, i) => {
        await join(client, 'lobby')
        if (i % 5 < 3) await client.ask('room:leave', { roomId: 'lobby' })
        if (i % 5 === 2) await join(client, 'lobby')
      }),
    )
    const staying = clients.filter((_, i) => i % 5 >= 2).map(({ user }) => user.name)
    const expected = [...watchers.map(({ user }) => user.name), ...staying].toSorted()
    for (const [i, watcher] of watchers.entries()) {
      const followed = () => follow(watcher, joined[i] as (typeof joined)[0])
      await until(() => followed().names.join() === expected.join())
      expect(followed().missed).toBeUndefined()
      expect(await list(watcher, 'lobby')).toEqual(expected)
    }
  })

  it('[B24] gives the seats of a room with a capacity once, whichever node is asked', async () => {
    const servers = await cluster(2, { capacity: 4 })
    const clients = await Promise.all(
      Array.from({ length: 24 }, (_, i) => connect(servers[i % 2] as Server, `player${i}`)),
    )
    const answers = await Promise.all(clients.map((client) => join(client, 'game:1')))
    const isIn = answers.map(({ error }) => error === undefined)
    expect(isIn.filter(Boolean)).toHaveLength(4)
    for (const { error } of answers.filter((_, i) => !isIn[i])) expect(error).toMatchObject({ code: 'ROOM_FULL' })
    const first = clients[isIn.indexOf(true)] as Client
    const refused = clients[isIn.indexOf(false)] as Client
    await first.ask('room:leave', { roomId: 'game:1' })
    await until(async () => (await join(refused, 'game:1')).error === undefined)
  })
})
