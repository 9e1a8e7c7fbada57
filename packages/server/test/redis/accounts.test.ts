/** Accounts, bans, roles and counted attempts over several nodes. */
import { VirtualClock } from '@roomful/testkit'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { LocalAttempts } from '../../src/adapters/auth/local-attempts.ts'
import { RedisAccounts } from '../../src/adapters/brokers/redis/accounts.ts'
import { RedisAttempts } from '../../src/adapters/brokers/redis/attempts.ts'
import { systemClock } from '../../src/adapters/system/clock-and-random.ts'
import { accountBehaviour } from '../auth/account-behaviour.ts'
import { serveApart, signIn } from './clients.ts'
import { cutBefore } from './cut.ts'
import { connectTo, serveNode, tokenFor } from './nodes-of-one-log.ts'
import { type RedisServer, startRedis } from './server.ts'

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const secret = Buffer.from('a secret of at least thirty-two bytes')
let prefixes = 0

describe('accounts of several nodes', () => {
  accountBehaviour(async (clock) => {
    const common = { url: redis.url, prefix: `accounts${++prefixes}`, clock }
    const store = new RedisAccounts(common)
    const alone = new LocalAttempts(new VirtualClock())
    const attempts = new RedisAttempts({ ...common, secret, alone, time: () => clock.now() })
    onTestFinished(() => {
      store.close()
      attempts.close()
    })
    return { store, attempts }
  })
})

describe('what is decided of an account', () => {
  const CHAT = '/ws/chat'

  it('[Z12] a ban and a role reach a node that was cut off from Redis, when it is back', async () => {
    const between = await cutBefore(redis.port)
    const [a, b] = [await serveNode(redis, 'cut'), await serveNode({ ...redis, url: between.url }, 'cut')]
    const [ann, bob] = [
      await connectTo(b, await tokenFor('ann'), CHAT),
      await connectTo(b, await tokenFor('bob'), CHAT),
    ]
    between.cut()
    expect(await a.roomful.ban('ann', 'Enough')).toEqual({ nodes: { asked: 1, answered: 0 } })
    await a.roomful.setRole('bob', 'support')
    between.mend()
    expect(await ann.closed).toBe(4003)
    await bob.next(({ type, user }) => type === 'auth_ok' && (user as { role: string }).role === 'support')
  })

  it('[Z12] a ban reaches a node that stood still, when it goes on', async () => {
    const a = await serveNode(redis, 'still')
    const b = await serveApart(redis.url, 'still')
    const ann = await signIn(b, 'ann')
    b.pause()
    expect(await a.roomful.ban('ann')).toEqual({ nodes: { asked: 1, answered: 0 } })
    b.resume()
    expect(await ann.closed).toBe(4003)
  })

  it('[Z12] a node that missed more changes than are kept asks for everyone who is connected', async () => {
    const common = { url: redis.url, prefix: 'many', clock: systemClock, changesMax: 3 }
    const [here, there] = [new RedisAccounts(common), new RedisAccounts(common)]
    onTestFinished(() => {
      here.close()
      there.close()
    })
    for (const sub of ['a', 'b', 'c', 'd', 'e']) await here.ensure({ sub, name: sub, role: 'user' })
    const seen: (readonly string[] | undefined)[] = []
    there.feed.start(async (subs) => void seen.push(subs))
    await there.feed.read()
    await here.setRole('a', 'support')
    await here.setBanned('b', true)
    await there.feed.read()
    await there.setBanned('c', true) // its own, which it has seen to
    await there.feed.read()
    expect(seen).toEqual([undefined, ['a', 'b']])
    for (const sub of ['a', 'b', 'c', 'd']) await here.setBanned(sub, true)
    await there.feed.read()
    await redis.command('DEL', '{many}:u:changes')
    await there.feed.read()
    await here.setBanned('e', true)
    await there.feed.read()
    expect(seen).toEqual([undefined, ['a', 'b'], undefined, undefined, ['e']])
  })

  it('[Z12] an account of one node signs in on another, and its name is taken on both', async () => {
    const [a, b] = [await serveNode(redis, 'one account'), await serveNode(redis, 'one account')]
    const post = async ({ url }: { url: string }, path: string, body: object) => {
      const response = await fetch(`${url}/api/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: response.status, ...((await response.json()) as { user?: object; error?: object }) }
    }
    const ada = { username: 'Ada', password: 'a long password' }
    const up = await post(a, 'users', ada)
    expect(up).toMatchObject({ status: 201, user: { name: 'Ada' } })
    expect(await post(b, 'session', ada)).toMatchObject({ status: 200, user: up.user })
    expect(await post(b, 'users', { ...ada, username: 'aDA' })).toMatchObject({ error: { code: 'CONFLICT' } })
    const both = await Promise.all([a, b].map((node) => post(node, 'users', { ...ada, username: 'Bob' })))
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409])
  })

  it('[Z12] a search looks at ten thousand accounts, and says where it stopped', async () => {
    const store = new RedisAccounts({ url: redis.url, prefix: 'scan', clock: systemClock })
    onTestFinished(() => store.close())
    const fill = `for i = 1, 10500 do
      local sub = string.format('u%05d', i)
      redis.call('ZADD', KEYS[1] .. 'ids', 0, sub)
      redis.call('HSET', KEYS[1] .. 'of:' .. sub, 'name', i == 10500 and 'Zoe' or 'Ann', 'created', 1)
    end`
    await redis.command('EVAL', fill, '1', '{scan}:u:')
    const question = { search: 'zoe', isBanned: undefined, limit: 2 }
    const first = await store.list({ ...question, after: '' })
    expect(first).toEqual({ accounts: [], stoppedAt: 'u10000' })
    expect(await store.list({ ...question, after: String(first.stoppedAt) })).toMatchObject({
      accounts: [{ sub: 'u10500', name: 'Zoe' }],
      stoppedAt: undefined,
    })
  })
})

describe('attempts', () => {
  it('[Z13] with API keys are counted over both nodes', async () => {
    const trusting = { trustProxy: ['127.0.0.1'] }
    const [a, b] = [await serveNode(redis, 'keys', trusting), await serveNode(redis, 'keys', trusting)]
    const guess = async ({ url }: { url: string }, address = '192.0.2.1', key = 'wrong') => {
      const headers = { authorization: `Bearer ${key}`, 'x-forwarded-for': address }
      return (await fetch(`${url}/api/server/rooms`, { headers })).status
    }
    const guesses = await Promise.all(Array.from({ length: 20 }, (_, i) => guess(i % 2 === 0 ? a : b)))
    expect(new Set(guesses)).toEqual(new Set([401]))
    expect(await Promise.all([guess(a), guess(b)])).toEqual([429, 429])
    expect(await guess(a, '192.0.2.2')).toBe(401)
  })

  it('[Z13] with passwords are counted over both nodes', async () => {
    const trusting = { trustProxy: ['127.0.0.1'] }
    const nodes = [await serveNode(redis, 'passwords', trusting), await serveNode(redis, 'passwords', trusting)]
    const guess = async (i: number, address = '192.0.2.1') => {
      const response = await fetch(`${nodes[i % 2]?.url}/api/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
        body: JSON.stringify({ username: 'ada', password: 'a guess' }),
      })
      return response.status
    }
    const guesses = await Promise.all(Array.from({ length: 14 }, (_, i) => guess(i)))
    expect(guesses.filter((status) => status === 401)).toHaveLength(10)
    expect(guesses.filter((status) => status === 429)).toHaveLength(4)
    expect(await guess(1, '192.0.2.2')).toBe(401)
  })

  it('[Z13] are counted by each node alone while Redis does not answer', async () => {
    const attempts = new RedisAttempts({
      url: 'redis://127.0.0.1:1',
      clock: systemClock,
      secret,
      alone: new LocalAttempts(systemClock),
    })
    const limit = ['ann', 1, 60_000] as const
    expect(await attempts.take([limit])).toBe(0)
    expect(await attempts.wait(limit)).toBeGreaterThan(59_000)
    await attempts.giveBack(['ann'])
    expect(await attempts.take([limit])).toBe(0)
    attempts.close()
  })
})

describe('the secret', () => {
  const other = { jwtSecret: 'another secret of at least thirty-two characters' }

  it('[Z14] of a node that is not the one of the others is refused at start, and stored nowhere', async () => {
    const a = await serveNode(redis, 'secret')
    await expect(serveNode(redis, 'secret', other)).rejects.toThrow(
      /another JWT_SECRET.*Give every node the same one.*ROOMFUL_REDIS_PREFIX/,
    )
    const same = await serveNode(redis, 'secret')
    expect(await same.roomful.recheck()).toEqual({ nodes: { asked: 1, answered: 1 } })
    expect(String(await redis.command('GET', '{secret}:secret'))).toMatch(/^[\w-]{43}$/)
    const elsewhere = await serveNode(redis, 'secret of others', other)
    expect(await elsewhere.roomful.recheck()).toEqual({ nodes: { asked: 0, answered: 0 } })
    await Promise.all([a, same].map(({ roomful }) => roomful.close()))
    const changed = await serveNode(redis, 'secret', other)
    await expect(serveNode(redis, 'secret')).rejects.toThrow('another JWT_SECRET')
    await connectTo(changed)
  })

  it('[Z14] of two that start at once with different ones, one stays', async () => {
    const starting = await Promise.allSettled([serveNode(redis, 'race'), serveNode(redis, 'race', other)])
    expect(starting.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })
})
