/** Which Redis is taken, what is said of it, and what happens when it is full or forbids things. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@roomful/server/ports'
import { called } from '@roomful/testkit'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createRedisBroker, type RedisBrokerOptions } from '../../src/adapters/brokers/redis/broker.ts'
import { ServerCheck } from '../../src/adapters/brokers/redis/check.ts'
import { parsePlaces, type RedisClient } from '../../src/adapters/brokers/redis/client.ts'
import { namesOf } from '../../src/adapters/brokers/redis/names.ts'
import { systemClock, systemRandom } from '../../src/adapters/system/clock-and-random.ts'
import { connectTo, serveNode, tokenFor } from './nodes-of-one-log.ts'
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
    const check = new ServerCheck({
      report: (message) => said.push(message),
      now: () => 600_000,
      mustSync: false,
      replicas: 2,
    })
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
      expect.stringContaining('ROOMFUL_REDIS_REPLICAS is 2, and Redis has 1'),
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
    await broker.append(NS, [entry('a', 1)])
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    const giveBack = () => redis.command('CONFIG', 'SET', 'maxmemory', '0')
    onTestFinished(async () => void (await giveBack()))
    await expect(broker.append(NS, [entry('a', 2), entry('b', 3)])).rejects.toThrow('OOM')
    const refused = { status: 'refused', code: 'UNAVAILABLE', retryAfterMs: expect.any(Number) }
    expect(broker.calls.at(-1)).toMatchObject(['onCommitted', NS, 2, [refused, refused], expect.anything()])
    expect(await broker.heads(NS, ['a', 'b'])).toMatchObject([{ seq: 1 }])
    expect(await broker.subscribe(NS, [{ roomId: 'new', retention: undefined }])).toMatchObject([{ seq: 0 }])
    const user = { sub: 'ann', name: 'Ann', role: 'user' } as const
    const session = { id: 's', namespace: NS, userId: 'ann', rooms: [], user, data: undefined, n: 0 }
    broker.saveSession(session as unknown as Parameters<typeof broker.saveSession>[0], 60_000)
    await broker.sessionsStored()
    expect(await broker.takeSession(NS, 's')).toMatchObject({ record: { userId: 'ann' } })
    await giveBack()
    expect(await broker.append(NS, [entry('a', 4)])).toMatchObject([{ status: 'stored', seq: 2 }])
  })

  it('that is nearly full gives up its oldest events, with a notice, and takes new ones', async () => {
    const small = await startRedis()
    onTestFinished(() => small.stop())
    let removed = 0
    const onFull = (events: number) => {
      removed += events
    }
    const { broker, raw, reports } = open({ url: small.url, onFull })
    await broker.open(NS)
    const fill = async (roomId: string) => {
      for (let i = 0; i < 10; i++)
        await broker.append(
          NS,
          Array.from({ length: 100 }, () => entry(roomId, 'x'.repeat(1_000))),
        )
    }
    await fill('old')
    await fill('young')
    const [, used = ''] = /used_memory:(\d+)/.exec(String(await small.command('INFO', 'memory'))) ?? []
    await small.command('CONFIG', 'SET', 'maxmemory', String(Math.round(Number(used) * 1.1)))
    await raw.tend()
    const [old, young] = await broker.heads(NS, ['old', 'young'])
    expect(young).toMatchObject({ first: 1, seq: 1_000 })
    expect(old?.seq).toBe(1_000)
    expect(old?.first).toBeGreaterThan(100)
    expect(old?.first).toBe(removed + 1)
    expect(reports.filter((each) => each.includes('80 %'))).toHaveLength(1)
    expect(await broker.append(NS, [entry('old', 'more')])).toMatchObject([{ status: 'stored', seq: 1_001 }])
  })

  it('that is read-only is waited for, and said so', async () => {
    const copy = await startRedis()
    onTestFinished(() => copy.stop())
    await copy.command('REPLICAOF', '127.0.0.1', String(redis.port))
    const { broker, reports } = open({ url: copy.url })
    const opened = broker.open(NS)
    await vi.waitFor(() => expect(reports.join()).toContain('read only replica'), 10_000)
    await copy.command('REPLICAOF', 'NO', 'ONE')
    expect(await opened).toMatchObject({ n: 0 })
    expect(await broker.append(NS, [entry('a', 1)])).toMatchObject([{ status: 'stored' }])
  })

  it('with too few replicas is taken with a notice', async () => {
    const { broker, reports } = open({ replicas: 1 })
    await broker.open(NS)
    expect(reports).toEqual([expect.stringContaining('ROOMFUL_REDIS_REPLICAS is 1, and Redis has 0')])
  })

  it('whose clock is ten minutes away from that of a node gives both nodes one time, with a notice', async () => {
    const early: Clock = { ...systemClock, now: () => systemClock.now() - 600_000 }
    const one = open()
    const two = open({ prefix: one.prefix, clock: early })
    await Promise.all([one.broker.open(NS), two.broker.open(NS)])
    const answers = []
    for (const { broker } of [one, two, one, two]) answers.push(...(await broker.append(NS, [entry('a', 1)])))
    const times = answers.map((answer) => (answer.status === 'stored' ? answer.ts : 0))
    expect(times).toEqual(times.toSorted())
    expect(Math.abs((times[3] ?? 0) - Date.now())).toBeLessThan(5_000)
    expect(one.reports).toEqual([])
    expect(two.reports).toEqual([expect.stringContaining('600 s apart')])
    // Neither takes the lease of the other for over.
    expect(await two.raw.otherNodes?.()).toBe(1)
  })

  it('that asks for TLS is reached with its certificate authority', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'roomful-ca-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const at = (name: string) => join(folder, name)
    const subject = ['-subj', '/CN=roomful test', '-addext', 'subjectAltName=IP:127.0.0.1']
    const made = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '1',
      '-keyout',
      at('key'),
      '-out',
      at('cert'),
    ]
    execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' })
    const files = [['tls-cert-file', at('cert')], ['tls-key-file', at('key')], ['tls-ca-cert-file', at('cert')]] as const // biome-ignore format: one line
    const secure = await startRedis(['tls', 'on'], ...files)
    onTestFinished(() => secure.stop())
    const url = secure.url.replace('redis:', 'rediss:')
    const trusting = open({ url: `${url}?ca=${at('cert')}&cert=${at('cert')}&key=${at('key')}` })
    await trusting.broker.open(NS)
    expect(await trusting.broker.append(NS, [entry('a', 1)])).toMatchObject([{ status: 'stored' }])
    const doubting = open({ url })
    doubting.broker.open(NS).catch(() => undefined)
    await vi.waitFor(() => expect(doubting.reports.join()).toMatch(/self.signed|certificate/), 5_000)
    await expect(open({ url: `${url}?ca=${at('nothing')}` }).broker.open(NS)).rejects.toThrow('cannot be read (ENOENT)')
  })

  it('lets a user in who may do no more than docs/scaling.md lists', async () => {
    const guide = readFileSync(new URL('../../../../docs/scaling.md', import.meta.url), 'utf8')
    const [, line = ''] = /ACL SETUSER roomful (.*)/.exec(guide) ?? []
    expect(line).not.toBe('')
    const words = line.replace('>PASSWORD', '>secret').split(' ')
    await redis.command('ACL', 'SETUSER', 'roomful', ...words)
    onTestFinished(async () => void (await redis.command('ACL', 'DELUSER', 'roomful')))
    const guided = { url: `redis://roomful:secret@127.0.0.1:${redis.port}` } as typeof redis
    const [one, two] = [await serveNode(guided, 'roomful-acl'), await serveNode(guided, 'roomful-acl')]
    const [ann, bob] = [await connectTo(one, await tokenFor('ann')), await connectTo(two, await tokenFor('bob'))]
    for (const client of [ann, bob]) await client.ask('room:join', { roomId: 'lobby' })
    const sent = await ann.ask('message:send', { roomId: 'lobby', content: 'hi', key: 'k' })
    expect(sent.data).toMatchObject({ status: 'ok', seq: 1 })
    await bob.next(({ content }) => content === 'hi')
    expect(await two.api('ban', { userId: 'ann' })).toMatchObject({ nodes: { asked: 1, answered: 1 } })
    expect(await ann.closed).toBe(4003)
    const denied = (await redis.command('ACL', 'LOG')) as unknown[]
    expect(denied.filter((each) => JSON.stringify(each).includes('"roomful"'))).toEqual([])
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
    expect(parsePlaces('redis://localhost')).toEqual({ urls: ['redis://localhost'], primary: undefined, files: {} })
    expect(parsePlaces('rediss://u:p@a:1,b:2/3').urls).toEqual(['rediss://u:p@a:1/3', 'rediss://u:p@b:2/3'])
    expect(parsePlaces('redis-sentinel://:p@a:26379,b/main')).toEqual({ urls: ['redis://:p@a:26379', 'redis://:p@b'], primary: 'main', files: {} }) // biome-ignore format: one line
    expect(parsePlaces('rediss://a:1,b/0?ca=/tls/ca.pem&x=1')).toEqual({ urls: ['rediss://a:1/0?x=1', 'rediss://b/0?x=1'], primary: undefined, files: { ca: '/tls/ca.pem' } }) // biome-ignore format: one line
    expect(() => parsePlaces('localhost:6379')).toThrow('redis://host:6379')
    expect(() => parsePlaces('redis-sentinel://a:1')).toThrow('name of the primary')
  })
})
