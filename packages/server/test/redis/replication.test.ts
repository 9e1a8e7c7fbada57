/** What survives of the primary, with real replicas: with ROOMFUL_REDIS_REPLICAS, and without. G2 */
import type { Append, Appended } from '@roomful/server/ports'
import { type CalledBroker, called } from '@roomful/testkit'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createRedisBroker } from '../../src/adapters/brokers/redis/broker.ts'
import { systemClock, systemRandom } from '../../src/adapters/system/clock-and-random.ts'
import { connectTo, serveNode } from './nodes-of-one-log.ts'
import { entry } from './opening.ts'
import { type RedisServer, startRedis } from './server.ts'

const NS = '/chat'

async function start(): Promise<RedisServer> {
  const redis = await startRedis(['repl-diskless-sync-delay', '0'])
  onTestFinished(() => redis.stop())
  return redis
}

async function replicate(from: RedisServer, to: RedisServer): Promise<void> {
  await to.command('REPLICAOF', '127.0.0.1', String(from.port))
  await vi.waitFor(async () => {
    expect(String(await to.command('INFO', 'replication'))).toContain('master_link_status:up')
    expect(String(await from.command('INFO', 'replication'))).toContain('state=online')
  }, 10_000)
}

/** Each is asked for when the one before it is gone. */
const urlOf = (...servers: RedisServer[]) => `redis://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`

function open(url: string, replicas: number) {
  const reports: string[] = []
  const report = (message: string) => void reports.push(message)
  const broker = called(createRedisBroker({ url, replicas, clock: systemClock, random: systemRandom, report }))
  onTestFinished(() => broker.close())
  return { broker, reports }
}

const keyed = (content: number): Append =>
  entry('a', content, { key: { scope: 'ann', key: `k${content}`, fingerprint: 'f' } })

async function contents(broker: CalledBroker): Promise<number[]> {
  const { events } = await broker.history(NS, 'a', { limit: 10_000 })
  return events.map(({ argsJson }) => Number(argsJson.slice(1, -1)))
}

describe('with ROOMFUL_REDIS_REPLICAS', () => {
  it('[G2] an event is acknowledged once a replica has it, and shown before; a repeat is no way round', async () => {
    const [one, two] = [await start(), await start()]
    await replicate(one, two)
    const { broker, reports } = open(one.url, 1)
    await broker.open(NS)
    await broker.subscribe(NS, [{ roomId: 'a', retention: undefined }])
    expect(await broker.append(NS, [keyed(1)])).toMatchObject([{ status: 'stored', seq: 1 }])
    expect(reports).not.toContainEqual(expect.stringContaining('ROOMFUL_REDIS_REPLICAS'))
    two.pause()
    const late = broker.append(NS, [keyed(2)])
    const behind = broker.append(NS, [entry('b', 1)])
    expect(await late).toEqual([{ status: 'unknown' }])
    expect(await behind).toEqual([{ status: 'unknown' }])
    expect(broker.calls.filter(([name]) => name !== 'onCommitted')).toMatchObject([
      ['onEvents', NS, [{ roomId: 'a', seq: 2, argsJson: '[2]' }]],
      ['onEvents', NS, [{ roomId: 'b', seq: 1 }]],
    ])
    expect(reports).toContainEqual(expect.stringContaining('fewer than 1 replicas confirm'))
    const { key } = keyed(2)
    if (!key) throw new Error('It has a key')
    await expect(broker.claim(NS, key)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await broker.heads(NS, ['a'])).toMatchObject([{ seq: 2 }])
    two.resume()
    await vi.waitFor(async () => expect(await broker.append(NS, [keyed(2)])).toMatchObject([{ status: 'duplicate', seq: 2 }]), 10_000) // biome-ignore format: one line
    expect(await broker.claim(NS, key)).toMatchObject({ status: 'duplicate', seq: 2 })
    expect(await broker.append(NS, [keyed(3)])).toMatchObject([{ status: 'stored', seq: 3 }])
  }, 30_000)

  it('[G2] [G3] nothing that was acknowledged is lost when the primary is killed, and nothing is there twice', async () => {
    const [one, two, three] = [await start(), await start(), await start()]
    await replicate(one, two)
    await replicate(one, three)
    const { broker } = open(urlOf(one, two, three), 1)
    await broker.open(NS)
    const acknowledged: number[] = []
    let isRunning = true
    const write = async (of: number) => {
      for (let i = 0; isRunning; i++) {
        const content = of * 1_000_000 + i
        // As a client does that gets no answer: again, under the same key.
        let result: Appended | undefined
        do result = (await broker.append(NS, [keyed(content)]).catch(() => []))[0]
        while (isRunning && result?.status !== 'stored' && result?.status !== 'duplicate')
        if (result?.status === 'stored' || result?.status === 'duplicate') acknowledged.push(content)
      }
    }
    const writing = [1, 2, 3, 4].map(write)
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(100), 10_000)
    await one.kill()
    const before = acknowledged.length
    // As Sentinel does: the one that is furthest, since the other may lack what one has confirmed.
    const offsetOf = async (redis: RedisServer) =>
      Number(/slave_repl_offset:(\d+)/.exec(String(await redis.command('INFO', 'replication')))?.[1])
    const [next, other] = (await offsetOf(two)) >= (await offsetOf(three)) ? [two, three] : [three, two]
    await next.command('REPLICAOF', 'NO', 'ONE')
    await replicate(next, other)
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(before + 100), 20_000)
    isRunning = false
    await Promise.all(writing)
    const stored = await contents(broker)
    expect(new Set(stored).size).toBe(stored.length)
    expect(acknowledged.filter((content) => !stored.includes(content))).toEqual([])
  }, 60_000)
})

describe('without', () => {
  it('[C20] [G4] a replica that is behind is another log: members are told by a reset', async () => {
    const [one, two] = [await start(), await start()]
    await replicate(one, two)
    const node = await serveNode({ ...one, url: urlOf(one, two) }, 'behind')
    const ann = await connectTo(node)
    await ann.ask('room:join', { roomId: 'lobby' })
    const say = async (content: string) => (await ann.ask('message:send', { roomId: 'lobby', content })).data
    expect(await say('1')).toMatchObject({ status: 'ok', seq: 1 })
    await vi.waitFor(async () => expect(await two.command('DBSIZE')).toBe(await one.command('DBSIZE')), 5_000)
    // Cut off from the primary, it is promoted later on.
    await two.command('REPLICAOF', 'NO', 'ONE')
    for (const seq of [2, 3]) expect(await say(String(seq))).toMatchObject({ status: 'ok', seq })
    await one.kill()
    const reset = await ann.next(({ type }) => type === 'reset')
    expect(reset).toMatchObject({ roomId: 'lobby', reason: 'epoch' })
    expect(await say('again')).toMatchObject({ status: 'ok', seq: 2 })
    await ann.next(({ content, seq }) => content === 'again' && seq === 2)
  }, 30_000)
})
