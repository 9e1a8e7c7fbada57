/** Which Redis is taken, what is said of it, and what happens when it is full or forbids things. */

import { called } from '@roomful/testkit'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRedisBroker, type RedisBrokerOptions } from '../../src/adapters/brokers/redis/broker.ts'
import { ServerCheck } from '../../src/adapters/brokers/redis/check.ts'
import { parsePlaces, type RedisClient } from '../../src/adapters/brokers/redis/client.ts'
import { namesOf } from '../../src/adapters/brokers/redis/names.ts'
import { systemClock, systemRandom } from '../../src/adapters/system/clock-and-random.ts'
import { entry } from './opening.ts'
import { startRedis } from './server.ts'

const NS = '/chat'
const redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'always'])
afterAll(() => redis.stop())

let prefixes = 0

function open(more: Partial<RedisBrokerOptions> = {}) {
  const reports: string[] = []
  const report = (message: string) => void reports.push(message)
  const prefix = `start${++prefixes}`
  const raw = createRedisBroker({ url: redis.url, prefix, clock: systemClock, random: systemRandom, report, ...more })
  const broker = called(raw)
  onTestFinished(() => broker.close())
  return { broker, raw, reports, prefix }
}

describe('a Redis', () => {
  it('that is set as it should be is taken without a word', async () => {
    const { broker, reports } = open({ mustSync: true })
    await broker.open(NS)
    expect(reports).toEqual([])
  })

  it('that may evict keys is refused', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    onTestFinished(async () => void (await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')))
    await expect(open().broker.open(NS)).rejects.toThrow('maxmemory-policy allkeys-lru')
  })

  it('that writes to disk once a second is taken with a notice, and refused where each event must be safe', async () => {
    await redis.command('CONFIG', 'SET', 'appendfsync', 'everysec')
    onTestFinished(async () => void (await redis.command('CONFIG', 'SET', 'appendfsync', 'always')))
    const { broker, reports } = open()
    await broker.open(NS)
    await broker.open('/other')
    expect(reports).toEqual([expect.stringContaining('up to 2 s')])
    await expect(open({ mustSync: true }).broker.open(NS)).rejects.toThrow('ROOMFUL_SYNC=full')
  })

  it('in which a newer version has written is refused', async () => {
    const { broker, prefix } = open()
    await redis.command('HSET', namesOf(prefix, NS).main, 'log', '1abc', 'form', '99')
    await expect(broker.open(NS)).rejects.toThrow('form 99')
  })

  it('of an old version is refused, and a clock that is off is reported', async () => {
    const said: string[] = []
    const check = new ServerCheck({ report: (message) => said.push(message), now: () => 600_000, mustSync: false })
    const answers: Record<string, unknown> = {
      INFO: 'redis_version:7.2.0\r\nconnected_slaves:1\r\n',
      CONFIG: ['appendonly', 'no', 'min-replicas-to-write', '0'],
      TIME: ['0', '0'],
    }
    const client = { sendCommand: async ([name]: string[]) => answers[name as string] } as unknown as RedisClient
    await check.run(client)
    await check.run(client)
    expect(said).toEqual([
      expect.stringContaining('no append-only file'),
      expect.stringContaining('min-replicas-to-write 1'),
      expect.stringContaining('600 s apart'),
    ])
    answers.INFO = 'redis_version:6.2.7\r\n'
    await expect(check.run(client)).rejects.toThrow('version 6.2.7')
  })

  it('that forbids functions and its settings is used by scripts, with a notice', async () => {
    await redis.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-config', '-function', '-fcall')
    const url = `redis://app:secret@127.0.0.1:${redis.port}`
    const [a, b] = [open({ url, prefix: 'acl' }), open({ url, prefix: 'acl' })]
    await Promise.all([a.broker.open(NS), b.broker.open(NS)])
    await b.broker.subscribe(NS, [{ roomId: 'a', retention: undefined }])
    expect(await a.broker.append(NS, [entry('a', 1)])).toMatchObject([{ status: 'stored', n: 1 }])
    await b.broker.heads(NS, ['a'])
    expect(b.broker.calls).toMatchObject([['onEvents', NS, [{ n: 1 }]]])
    expect(a.reports).toEqual([expect.stringContaining('CONFIG GET')])
  })

  it('that is not there yet is waited for', async () => {
    const late = await startRedis()
    onTestFinished(() => late.stop())
    await late.kill()
    const { broker, reports } = open({ url: late.url })
    const opened = broker.open(NS)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(reports).toHaveLength(1)
    await late.start()
    expect(await opened).toMatchObject({ n: 0 })
    expect(await broker.append(NS, [entry('a', 1)])).toMatchObject([{ status: 'stored' }])
  })

  it('that is full refuses events whole, and goes on with everything else', async () => {
    const { broker } = open()
    await broker.open(NS)
    await broker.append(NS, [entry('a', 1), entry('a', 2)])
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    const giveBack = () => redis.command('CONFIG', 'SET', 'maxmemory', '0')
    onTestFinished(async () => void (await giveBack()))
    await expect(broker.append(NS, [entry('a', 3)])).rejects.toThrow('OOM')
    expect(await broker.heads(NS, ['a'])).toMatchObject([{ seq: 2 }])
    expect(await broker.redact(NS, 'a', 1)).toBe(true)
    await giveBack()
    expect(await broker.append(NS, [entry('a', 4)])).toMatchObject([{ status: 'stored', seq: 3 }])
  })
})

describe('what stands in Redis', () => {
  it('[R4] keeps keys in small hashes, which a key of an event costs least in', async () => {
    const { broker, prefix } = open()
    await broker.open(NS)
    const keyAt = (i: number) => `71a1d0e0-5c00-7000-8000-${i.toString(16).padStart(12, '0')}`
    const key = (i: number) => ({ scope: `user${i}`, key: keyAt(i), fingerprint: '4g-1z141z3-1z141z3' })
    await broker.append(
      NS,
      Array.from({ length: 120 }, (_, i) => entry(`r${i % 9}`, 'x'.repeat(100), { key: key(i) })),
    )
    const bucket = `${namesOf(prefix, NS).prefix}k:${Math.floor(0x71a1d0e05c00 / 1000)}`
    expect(await redis.command('HLEN', bucket)).toBe(120)
    expect(await redis.command('OBJECT', 'ENCODING', bucket)).toBe('listpack')
    expect(await redis.command('PTTL', bucket)).toBeGreaterThan(86_400_000)
  })

  it('has one hash tag for a namespace, whatever its name', () => {
    const tags = ['/chat', 'a}b', '{', '%7d'].map((name) => /^\{([^{}]+)\}:$/.exec(namesOf('p', name).prefix)?.[1])
    expect(new Set(tags).size).toBe(4)
    expect(tags.every(Boolean)).toBe(true)
  })
})

describe('REDIS_URL', () => {
  it('names one server, several, or the Sentinels that know the primary', () => {
    expect(parsePlaces('redis://localhost')).toEqual({ urls: ['redis://localhost'], primary: undefined })
    expect(parsePlaces('rediss://u:p@a:1,b:2/3').urls).toEqual(['rediss://u:p@a:1/3', 'rediss://u:p@b:2/3'])
    expect(parsePlaces('redis-sentinel://:p@a:26379,b/main')).toEqual({ urls: ['redis://:p@a:26379', 'redis://:p@b'], primary: 'main' }) // biome-ignore format: one line
    expect(() => parsePlaces('localhost:6379')).toThrow('redis://host:6379')
    expect(() => parsePlaces('redis-sentinel://a:1')).toThrow('name of the primary')
  })
})
