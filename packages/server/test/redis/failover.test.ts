/** Where a namespace is served by another Redis than before: its slot moves in a Cluster, or Sentinel promotes a replica. */
import type { Append } from '@roomful/server/ports'
import { type CalledBroker, called } from '@roomful/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRedisBroker } from '../../src/adapters/brokers/redis/broker.ts'
import { namesOf } from '../../src/adapters/brokers/redis/names.ts'
import { systemClock, systemRandom } from '../../src/adapters/system/clock-and-random.ts'
import { connectTo, serveNode, type TestSocket, tokenFor } from './nodes-of-one-log.ts'
import { type RedisServer, startRedis } from './server.ts'

const NS = '/chat'

function open(url: string): CalledBroker {
  const report = () => undefined
  const broker = called(createRedisBroker({ url, prefix: 'p', clock: systemClock, random: systemRandom, report }))
  onTestFinished(() => broker.close())
  return broker
}

async function start(...settings: (readonly [string, string])[]): Promise<RedisServer> {
  const redis = await startRedis(...settings)
  onTestFinished(() => redis.stop())
  return redis
}

const entry = (content: number): Append => ({
  roomId: 'a',
  type: 'message:new',
  argsJson: `[${content}]`,
  userId: 'ann',
  key: undefined,
  atomicGroup: undefined,
})

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('It did not come to that')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Appends one event after another until the act is over. @returns how many were stored */
async function storeDuring(broker: CalledBroker, act: () => Promise<void>): Promise<number> {
  let isRunning = true
  const writing = (async () => {
    let count = 0
    while (isRunning) {
      const [result] = await broker.append(NS, [entry(++count)])
      expect(result).toMatchObject({ status: 'stored' })
    }
    return count
  })()
  await act()
  isRunning = false
  return writing
}

async function expectAll(broker: CalledBroker, count: number): Promise<void> {
  const { events } = await broker.history(NS, 'a', { limit: 10_000 })
  expect(events.map(({ argsJson }) => argsJson)).toEqual(Array.from({ length: count }, (_, i) => `[${i + 1}]`))
}

describe('a Cluster', () => {
  it('[C20] [G2] is asked where the namespace is, and followed when its slot moves', async () => {
    const [one, two] = [await start(['cluster-enabled', 'yes']), await start(['cluster-enabled', 'yes'])]
    await one.command('CLUSTER', 'ADDSLOTSRANGE', '0', '8191')
    await two.command('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383')
    await two.command('CLUSTER', 'SET-CONFIG-EPOCH', '2')
    await one.command('CLUSTER', 'MEET', '127.0.0.1', String(two.port))
    const isWhole = async (redis: RedisServer) => {
      const info = String(await redis.command('CLUSTER', 'INFO'))
      return info.includes('cluster_state:ok') && info.includes('cluster_slots_assigned:16384')
    }
    await until(async () => (await isWhole(one)) && (await isWhole(two)))
    const slot = String(await one.command('CLUSTER', 'KEYSLOT', namesOf('p', NS).main))
    const [from, to] = Number(slot) < 8192 ? [one, two] : [two, one]
    // By the wrong one, with one that is not there before it.
    const [a, b] = [open(to.url), open(`redis://127.0.0.1:1,127.0.0.1:${to.port}`)]
    await Promise.all([a.open(NS), b.open(NS)])
    await b.subscribe(NS, [{ roomId: 'a', retention: undefined }])
    const [fromId, toId] = [String(await from.command('CLUSTER', 'MYID')), String(await to.command('CLUSTER', 'MYID'))]
    const stored = await storeDuring(a, async () => {
      await until(() => b.calls.length > 0)
      await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId)
      await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId)
      for (;;) {
        const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, '100')) as string[]
        if (keys.length === 0) break
        await from.command('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys)
      }
      for (const redis of [to, from]) await redis.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId)
      await until(() => b.calls.some(([name]) => name === 'onBreak'))
    })
    await expectAll(b, stored)
    await a.append(NS, [entry(stored + 1)])
    await until(() => JSON.stringify(b.calls.at(-1)).includes(`[${stored + 1}]`))
  }, 60_000)
})

describe('Sentinel', () => {
  it('[C20] names the primary, also the next one', async () => {
    const [one, two] = [await start(), await start()]
    await two.command('REPLICAOF', '127.0.0.1', String(one.port))
    await until(async () => String(await two.command('INFO', 'replication')).includes('master_link_status:up'))
    const sentinel = await start(['sentinel monitor', `main 127.0.0.1 ${one.port} 1`])
    const a = open(`redis-sentinel://127.0.0.1:${sentinel.port}/main`)
    await a.open(NS)
    const stored = await storeDuring(a, async () => {
      await until(() => a.calls.length > 10)
      // What a failover does, without the ten seconds in which Sentinel looks around.
      await two.command('REPLICAOF', 'NO', 'ONE')
      await sentinel.command('SENTINEL', 'REMOVE', 'main')
      await sentinel.command('SENTINEL', 'MONITOR', 'main', '127.0.0.1', String(two.port), '1')
      await one.command('REPLICAOF', '127.0.0.1', String(two.port))
      const before = a.calls.length
      await until(() => a.calls.length > before + 10)
    })
    // What the old primary took after the replica was promoted is lost, but not what came before or after.
    const { events } = await a.history(NS, 'a', { limit: 10_000 })
    const contents = events.map(({ argsJson }) => Number(argsJson.slice(1, -1)))
    expect(contents).toEqual(contents.toSorted((x, y) => x - y))
    expect([contents[0], contents.at(-1), new Set(contents).size]).toEqual([1, stored, contents.length])
    expect(await two.command('HGET', namesOf('p', NS).main, 'n')).toBe(String(events.at(-1)?.n))
  }, 60_000)

  it('[C20] [G1] [G2] fails over by itself, and the clients of two nodes stay and go on', async () => {
    const [one, two] = [await start(), await start()]
    await two.command('REPLICAOF', '127.0.0.1', String(one.port))
    await until(async () => String(await two.command('INFO', 'replication')).includes('master_link_status:up'))
    const sentinel = await start(
      ['sentinel monitor', `main 127.0.0.1 ${one.port} 1`],
      ['sentinel down-after-milliseconds', 'main 500'],
      ['sentinel failover-timeout', 'main 2000'],
    )
    const seen = async () => JSON.stringify(await sentinel.command('SENTINEL', 'REPLICAS', 'main'))
    await until(async () => /master-link-status\W+ok/.test(await seen()))
    const named = { ...one, url: `redis-sentinel://127.0.0.1:${sentinel.port}/main` }
    const nodes = [await serveNode(named, 'sentinel'), await serveNode(named, 'sentinel')]
    const clients = await Promise.all(nodes.map(async (node, i) => connectTo(node, await tokenFor(`user${i}`))))
    const [ann, bob] = clients as [TestSocket, TestSocket]
    for (const client of clients) await client.ask('room:join', { roomId: 'lobby' })
    const say = async (client: TestSocket, content: string) =>
      (await client.ask('message:send', { roomId: 'lobby', content, key: content })).data as { status: string }
    expect(await say(ann, 'before')).toMatchObject({ status: 'ok', seq: 1 })
    await bob.next(({ content }) => content === 'before')
    await until(async () => (await two.command('DBSIZE')) === (await one.command('DBSIZE')))
    await one.kill()
    await until(async () => (await say(bob, 'after')).status === 'ok')
    for (const client of clients) {
      await client.next(({ content }) => content === 'after')
      const contents = client.frames.filter(({ type }) => type === 'chat:message').map(({ content }) => content)
      expect(contents).toEqual(['before', 'after'])
    }
    expect(String(await two.command('ROLE'))).toMatch(/^master/)
  }, 60_000)
})
