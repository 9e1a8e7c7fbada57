/** Who is in a room, over two servers on one Redis. */
import type { SharedPresence } from '@roomful/server/ports'
import { hubOf } from '@roomful/server/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { namesOf } from '../../src/adapters/brokers/redis/names.ts'
import { type Client, connect, join, list, type Server, serve, serveApart, signIn, until } from './clients.ts'
import { cutBefore } from './cut.ts'
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

describe('a node that was away for longer than its lease', () => {
  it('[B24] has its user leave a room in which another one has the last seat meanwhile', async () => {
    const prefix = `presence${++prefixes}`
    const way = await cutBefore(redis.port)
    const a = await serve(way.url, prefix, {}, { capacity: 1 })
    const b = await serve(redis.url, prefix, {}, { capacity: 1 })
    const [ann, bob] = [await connect(a, 'ann'), await connect(b, 'bob')]
    for (const roomId of ['lobby', 'game:1']) await join(ann, roomId)
    expect((await join(bob, 'game:1')).error).toMatchObject({ code: 'ROOM_FULL' })
    way.cut()
    await redis.command('ZADD', `${namesOf(prefix, '/public').prefix}nodes`, '1', hubOf(a.roomful).runtime.broker.node)
    await until(async () => (await join(bob, 'game:1')).error === undefined)
    way.mend()
    expect(await ann.next(({ type }) => type === 'room:left')).toMatchObject({ roomId: 'game:1', reason: 'The room is full' }) // biome-ignore format: one line
    expect(await list(bob, 'game:1')).toEqual(['bob'])
    expect((await join(ann, 'game:1')).error).toMatchObject({ code: 'ROOM_FULL' })
    await until(async () => (await list(bob, 'lobby')).join() === 'ann')
  })
})

describe('users of two nodes', () => {
  it('[B23] have their inbox looked up once other nodes send there what is for them', async () => {
    const [a] = (await cluster()) as [Server, Server]
    const { broker } = hubOf(a.roomful).runtime
    const order: string[] = []
    const { heads, presence } = broker
    broker.heads = (namespace, roomIds) => {
      order.push(...roomIds)
      return heads(namespace, roomIds)
    }
    const online = presence?.online as SharedPresence['online']
    Object.assign(presence ?? {}, {
      online: async (...said: Parameters<SharedPresence['online']>) => {
        await online(...said)
        order.push(...said[2].map(({ userId, state }) => `${userId} is ${state}`))
      },
    })
    await signIn(a, 'ann')
    await until(() => order.length === 2)
    expect(order).toEqual(['ann is online', 'user:ann'])
  })

  it('[B23] get a private message on each node, though one of them has confirmed it already', async () => {
    const [a, b] = (await cluster()) as [Server, Server]
    const [ann, here, there] = [await signIn(a, 'ann'), await signIn(a, 'bob'), await signIn(b, 'bob')]
    const { broker } = hubOf(b.roomful).runtime
    const confirmed = async (roomId: string): Promise<number> => {
      for (;;) {
        const mark = await markOf('/', roomId)
        if (mark > 0) return mark
      }
    }
    const markOf = broker.mark.bind(broker)
    broker.mark = async (_, roomId) => confirmed(roomId)
    const { error } = await ann.ask('message:private', { to: 'bob', content: 'psst' })
    expect(error).toBeUndefined()
    for (const client of [here, there]) {
      const { content } = await client.next(({ type }) => type === 'message:private')
      expect(content).toBe('psst')
    }
  })

  it('[C13] [B17] are counted together, and everyone is notified of the first and the last connection of each', async () => {
    const [a, b] = (await cluster()) as [Server, Server]
    const counted = (client: Client, count: number, connections: number) =>
      until(() =>
        JSON.stringify([client.of('users:count').at(-1)]).includes(`"count":${count},"connections":${connections}`),
      )
    const watcher = await signIn(a, 'watcher')
    await counted(watcher, 1, 1)
    const ann = await signIn(b, 'ann')
    await counted(ann, 2, 2)
    await counted(watcher, 2, 2)
    const tab = await signIn(a, 'ann')
    for (const client of [watcher, ann, tab]) await counted(client, 2, 3)
    ann.close()
    await counted(watcher, 2, 2)
    tab.close()
    await counted(watcher, 1, 1)
    const updates = watcher.of('presence:update').map(({ userId, status }) => [userId, status])
    expect(updates).toEqual([
      ['ann', 'online'],
      ['ann', 'offline'],
    ])
  })
})

describe('a node that ends', () => {
  it('[G6] [N8] is cleared up after within 11 s of a kill -9, and who came back meanwhile was never gone', {
    timeout: 30_000,
  }, async () => {
    const prefix = `presence${++prefixes}`
    const killed = await serveApart(redis.url, prefix)
    const other = await serve(redis.url, prefix)
    const watcher = await signIn(other, 'watcher')
    await join(watcher, 'lobby')
    for (const name of ['ann', 'bob', 'cy']) await join(await signIn(killed, name), 'lobby')
    expect(await list(watcher, 'lobby')).toEqual(['ann', 'bob', 'cy', 'watcher'])
    const killedAt = Date.now()
    killed.kill()
    const back = await signIn(other, 'ann')
    await join(back, 'lobby')
    const gone = ({ userId }: { userId?: unknown }) => watcher.of('user:left').some((frame) => frame.userId === userId)
    await until(() => gone({ userId: 'bob' }) && gone({ userId: 'cy' }), 12_000)
    expect(Date.now() - killedAt).toBeLessThan(11_000)
    expect(await list(watcher, 'lobby')).toEqual(['ann', 'watcher'])
    expect(gone({ userId: 'ann' })).toBe(false)
    const offline = () => watcher.of('presence:update').filter(({ status }) => status === 'offline')
    await until(() => offline().length === 2)
    expect(
      offline()
        .map(({ userId }) => userId)
        .toSorted(),
    ).toEqual(['bob', 'cy'])
    await until(() => JSON.stringify([watcher.of('users:count').at(-1)]).includes('"count":2,"connections":2'))
  })

  it('[G6] [D9] in good order keeps a place for those that it sent a time to come back, on whatever node', {
    timeout: 30_000,
  }, async () => {
    const [a, b] = (await cluster()) as [Server, Server]
    const watcher = await signIn(b, 'watcher')
    await join(watcher, 'lobby')
    const ann = await signIn(a, 'ann')
    await join(ann, 'lobby')
    const bob = await signIn(a, 'bob')
    await join(bob, 'lobby')
    const closing = a.close()
    const { reconnectAfterMs } = (await ann.next(({ type }) => type === 'server:draining')) as unknown as {
      reconnectAfterMs: number
    }
    await closing
    await until(async () => (await list(watcher, 'lobby')).join() === 'ann (reconnecting),bob (reconnecting),watcher')
    await new Promise((resolve) => setTimeout(resolve, reconnectAfterMs))
    await join(await signIn(b, 'ann'), 'lobby')
    expect(await list(watcher, 'lobby')).toEqual(['ann', 'bob (reconnecting)', 'watcher'])
    await until(() => watcher.of('user:left').length > 0, 12_000)
    expect(watcher.of('user:left').map(({ userId, reason }) => [userId, reason])).toEqual([['bob', 'timeout']])
  })
})

describe('a Redis', () => {
  it('[G6] that cuts its connections off costs no change of presence that did not happen', async () => {
    const [a, b] = (await cluster()) as [Server, Server]
    const ann = await connect(a, 'ann')
    const first = await join(ann, 'lobby')
    const bob = await connect(b, 'bob')
    await join(bob, 'lobby')
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await bob.ask('room:leave', { roomId: 'lobby' })
    const cy = await connect(b, 'cy')
    await until(async () => (await join(cy, 'lobby')).error === undefined)
    await until(() => follow(ann, first).names.join() === 'ann,cy')
    expect(follow(ann, first).missed).toBeUndefined()
    expect(await list(ann, 'lobby')).toEqual(['ann', 'cy'])
    const told = JSON.stringify(ann.of('user:left', 'presence:diff'))
    expect(told).not.toContain(`"left":["${ann.user.sub}`)
  })

  it('[G6] that goes back to an earlier state keeps no user who has left since', async () => {
    const own = await startRedis()
    const [a, b] = [await serve(own.url, 'earlier'), await serve(own.url, 'earlier')]
    const ann = await connect(b, 'ann')
    await join(ann, 'lobby')
    const [bob, cy] = [await connect(a, 'bob'), await connect(a, 'cy')]
    for (const roomId of ['lobby', 'attic']) await join(bob, roomId)
    await join(cy, 'lobby')
    const dump = await own.dump()
    bob.close()
    await ann.next(({ type, userId }) => type === 'user:left' && userId === bob.user.sub)
    await own.restore(dump)
    await until(async () => (await list(ann, 'lobby')).join() === 'ann,cy')
    const dan = await connect(b, 'dan')
    await join(dan, 'attic')
    await until(async () => (await list(dan, 'attic')).join() === 'dan') // the node that Bob was on corrects one room after another
    await until(() => ann.of('users:count').at(-1)?.count === 3)
    await Promise.all([a.close(), b.close()])
    await own.stop()
  })

  it('[G6] that goes back to an earlier state gives no number of a change to another one', async () => {
    const own = await startRedis()
    const [before, beside] = [await cutBefore(own.port), await cutBefore(own.port)]
    const [a, b] = [await serve(before.url, 'numbers'), await serve(beside.url, 'numbers')]
    const [ann, cy] = [await connect(a, 'ann'), await connect(b, 'cy')]
    await join(cy, 'lobby')
    const first = await join(ann, 'lobby')
    const bob = await connect(a, 'bob')
    const dump = await own.dump()
    beside.hold()
    await join(bob, 'lobby')
    await until(() => follow(ann, first).names.join() === 'ann,bob,cy')
    for (const gate of [before, beside]) gate.cut()
    await own.restore(dump)
    beside.release()
    beside.mend()
    // The number under which Bob came is that of Cy's leaving now, for everyone but Ann.
    const dan = await connect(b, 'dan')
    await cy.ask('room:leave', { roomId: 'lobby' })
    await until(async () => (await list(dan, 'lobby')).join() === 'ann')
    before.mend()
    await until(() => follow(ann, first).names.join() === 'ann,bob')
    expect(await list(dan, 'lobby')).toEqual(['ann', 'bob'])
    await Promise.all([a.close(), b.close()])
    await own.stop()
  })

  it('[G6] that forgets everything is given the users again', async () => {
    const own = await startRedis()
    const [a, b] = [await serve(own.url, 'wiped'), await serve(own.url, 'wiped')]
    const ann = await connect(a, 'ann')
    const bob = await connect(b, 'bob')
    const first = await join(ann, 'lobby')
    await join(bob, 'lobby')
    await own.kill()
    await own.start()
    await until(async () => (await list(ann, 'lobby')).join() === 'ann,bob')
    await until(async () => (await join(await connect(b, 'cy'), 'lobby')).error === undefined)
    await until(() => follow(ann, first).names.join() === 'ann,bob,cy')
    await Promise.all([a.close(), b.close()])
    await own.stop()
  })
})
