/** What is done to users on one node holds on all of them. D11, G8. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectTo, serveNode, tokenFor } from './nodes-of-one-log.ts'
import { type RedisServer, startRedis } from './server.ts'

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const CHAT = '/ws/chat'
const ONE_OTHER = { asked: 1, answered: 1 }

describe('administration of two nodes', () => {
  it('[Z7] [G8] a user is disconnected from all of them, by id or by connection', async () => {
    const [a, b] = [await serveNode(redis, 'kick'), await serveNode(redis, 'kick')]
    const ann = await tokenFor('ann')
    const [first, second, third] = [
      await connectTo(a, ann, CHAT),
      await connectTo(b, ann, CHAT),
      await connectTo(b, ann, CHAT),
    ]
    const one = await a.api('disconnect', { connectionId: third.connectionId })
    expect(one).toEqual({ status: 'ok', disconnected: 1, nodes: ONE_OTHER })
    expect(await third.closed).toBe(4009)
    expect(await a.roomful.disconnectUser('ann')).toEqual({ connections: 2, nodes: ONE_OTHER })
    expect(await Promise.all([first.closed, second.closed])).toEqual([4009, 4009])
    const bob = await connectTo(b, await tokenFor('bob'), CHAT)
    expect(await a.roomful.get('/').disconnect('bob')).toEqual({ connections: 1, nodes: ONE_OTHER })
    expect(await bob.closed).toBe(4009)
  })

  it('[Z7] rules are asked again on all of them', async () => {
    const allowed = new Set(['ann'])
    const setUp = {
      setUp: (roomful: Awaited<ReturnType<typeof serveNode>>['roomful']) => {
        roomful.namespace('/team').room('team', { allow: { join: (user) => allowed.has(user.sub) } })
      },
    }
    const [a, b] = [await serveNode(redis, 'rules', setUp), await serveNode(redis, 'rules', setUp)]
    const ann = await connectTo(b, await tokenFor('ann'), '/ws/team')
    await ann.ask('room:join', { roomId: 'team' })
    allowed.clear()
    expect(await a.roomful.recheck('ann')).toEqual({ nodes: ONE_OTHER })
    await ann.next(({ type, code, roomId }) => type === 'notice' && code === 'FORBIDDEN' && roomId === 'team')
    allowed.add('ann')
    await ann.ask('room:join', { roomId: 'team' })
    allowed.clear()
    expect(await a.api('refresh', { userId: 'ann' })).toEqual({
      status: 'ok',
      connections: 1,
      lost: [{ namespace: '/team', connectionId: ann.connectionId, roomId: 'team' }],
      nodes: ONE_OTHER,
    })
  })

  it('[Z7] [D11] a ban shuts a user out of all of them, and lifting it lets the user in', async () => {
    const [a, b] = [await serveNode(redis, 'ban'), await serveNode(redis, 'ban')]
    const token = await tokenFor('ann')
    const ann = await connectTo(b, token, CHAT)
    expect(await a.api('ban', { userId: 'ann', reason: 'Enough' })).toEqual({ status: 'ok', nodes: ONE_OTHER })
    expect(await ann.closed).toBe(4003)
    const refused = await fetch(`${b.url}/api/rooms`, { headers: { authorization: `Bearer ${token}` } })
    expect((await refused.json()) as object).toMatchObject({ error: { code: 'BANNED' } })
    expect(await b.roomful.unban('ann')).toEqual({ nodes: ONE_OTHER })
    await connectTo(a, token, CHAT)
  })

  it('[Z7] [D11] a role that is given on one node holds on the other', async () => {
    const [a, b] = [await serveNode(redis, 'role'), await serveNode(redis, 'role')]
    const ann = await connectTo(b, await tokenFor('ann'), CHAT)
    expect(await a.roomful.setRole('ann', 'support')).toEqual({ nodes: ONE_OTHER })
    await ann.next(({ type, user }) => type === 'auth_ok' && (user as { role: string }).role === 'support')
  })

  it('[Z7] connections of all nodes are in the lists, and have their stories', async () => {
    const [a, b] = [await serveNode(redis, 'list'), await serveNode(redis, 'list')]
    const ann = await tokenFor('ann')
    const ids = [await connectTo(a, ann, CHAT), await connectTo(b, ann, CHAT)].map(({ connectionId }) => connectionId)
    const { connections, more, nodes } = await a.api('connections?userId=ann')
    expect((connections as { connectionId: string }[]).map(({ connectionId }) => connectionId)).toEqual([...ids].sort())
    expect({ more, nodes }).toEqual({ more: false, nodes: ONE_OTHER })
    expect(await a.api('connections?userId=ann&limit=1')).toMatchObject({ connections: [{}], more: true })
    expect(await a.api(`connections/${ids[1]}`)).toMatchObject({ connection: { connectionId: ids[1], userId: 'ann' } })
    expect(await a.api('connections/c_gone')).toMatchObject({ error: { code: 'NOT_FOUND' } })
    expect(await a.api('accounts?search=ann')).toMatchObject({
      accounts: [{ userId: 'ann', connections: 2 }],
      nodes: ONE_OTHER,
    })
  })

  it('[Z7] [D8] a node explains what a client of another node received', async () => {
    const [a, b] = [await serveNode(redis, 'explain'), await serveNode(redis, 'explain')]
    const ann = await connectTo(b, await tokenFor('ann'), '/ws/public')
    await ann.ask('room:join', { roomId: 'lobby' })
    await ann.ask('message:send', { roomId: 'lobby', content: 'hello' })
    const asked = (who: string) =>
      a.api(`explain?${new URLSearchParams({ namespace: '/public', who, roomId: 'lobby', seq: '1' })}`)
    expect(await asked('ann')).toMatchObject({
      answer: { delivered: 'yes', message: 'Yes. It was delivered to ann.' },
      verdicts: [{ connectionId: ann.connectionId, code: 'TOLD' }],
      nodes: ONE_OTHER,
    })
    expect(await asked(ann.connectionId)).toMatchObject({ answer: { delivered: 'yes' }, nodes: ONE_OTHER })
    expect(await asked('bob')).toMatchObject({
      answer: { delivered: 'unknown' },
      verdicts: [{ code: 'UNKNOWN' }],
      nodes: ONE_OTHER,
    })
  })

  it('[Z7] rooms of all nodes are in the list, one that is on both with the users of both', async () => {
    const [a, b] = [await serveNode(redis, 'rooms'), await serveNode(redis, 'rooms')]
    const [ann, bob] = [
      await connectTo(a, await tokenFor('ann'), '/ws/public'),
      await connectTo(b, await tokenFor('bob'), '/ws/public'),
    ]
    await ann.ask('room:join', { roomId: 'both' })
    await bob.ask('room:join', { roomId: 'both' })
    await bob.ask('room:join', { roomId: 'there' })
    await expect
      .poll(() => a.api('rooms?namespace=/public'))
      .toEqual({
        rooms: [
          { roomId: 'both', count: 2, connections: 2, seq: 0 },
          { roomId: 'there', count: 1, connections: 1, seq: 0 },
        ],
        more: false,
        nodes: ONE_OTHER,
      })
  })

  it('[Z7] [A2.5] the status says how each of them is', async () => {
    const [a, b] = [await serveNode(redis, 'status'), await serveNode(redis, 'status')]
    await connectTo(b, await tokenFor('ann'), CHAT)
    const there = { state: 'ready', links: 1, connections: 1, storage: { healthy: true } }
    const status = await a.api('status')
    expect(status).toMatchObject({ links: 0, connections: 0, others: [there], nodes: ONE_OTHER })
    const [other] = status.others as [{ node: string }]
    expect(await b.api('status')).toMatchObject({
      ...there,
      node: other.node,
      others: [{ node: status.node, links: 0 }],
    })
  })

  it('[Z7] a node that does not live any more is counted, and nothing fails', async () => {
    const a = await serveNode(redis, 'dead')
    await redis.command('ZADD', '{dead}:members', String(Date.now() + 60_000), 'killed')
    const silent = { nodes: { asked: 1, answered: 0 } }
    expect(await a.api('status')).toMatchObject({ state: 'ready', others: [], ...silent })
    expect(await a.api('accounts')).toEqual({ accounts: [], more: false, ...silent })
    await a.roomful.get('/public').publish('lobby', 'message:new', [{ content: 'hello' }])
    expect(await a.api('explain?namespace=/public&who=ann&roomId=lobby&seq=1')).toMatchObject(silent)
    expect(await a.roomful.disconnectUser('ann')).toEqual({ connections: 0, nodes: { asked: 1, answered: 0 } })
    expect(await a.api('ban', { userId: 'ann' })).toEqual({ status: 'ok', nodes: { asked: 1, answered: 0 } })
  })
})
