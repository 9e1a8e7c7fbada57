/** Two brokers on one Redis: what one stores the other receives, in the one order, whatever breaks in between. */

import type { BrokerListener, CommittedRow, Head, SentHead, Signal } from '@roomful/server/ports'
import { type CalledBroker, called } from '@roomful/testkit'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRedisBroker, type RedisBroker } from '../../src/adapters/brokers/redis/broker.ts'
import { namesOf } from '../../src/adapters/brokers/redis/names.ts'
import type { Timings } from '../../src/adapters/brokers/redis/namespace.ts'
import { systemClock, systemRandom } from '../../src/adapters/system/clock-and-random.ts'
import { cutBefore } from './cut.ts'
import { entry } from './opening.ts'
import { type RedisServer, startRedis } from './server.ts'

const NS = '/chat'
const shared = await startRedis()
afterAll(() => shared.stop())

let prefixes = 0

interface Node {
  readonly broker: CalledBroker
  readonly raw: RedisBroker
  readonly reports: string[]
  /** What it sent of a room, as its core would say. */
  sentOf: (roomId: string) => SentHead | undefined
  rows(): CommittedRow[]
  breaks(): number
}

function nodesOn(redis: RedisServer, prefix = `nodes${++prefixes}`, timings: Partial<Timings> = {}) {
  return async (): Promise<Node> => {
    const reports: string[] = []
    const report = (message: string) => void reports.push(message)
    const raw = createRedisBroker({
      url: redis.url,
      prefix,
      clock: systemClock,
      random: systemRandom,
      report,
      timings: { lingerMs: 0, ...timings },
    })
    const others = { headOf: (_: string, roomId: string) => node.sentOf(roomId) } as BrokerListener
    const silent = new Proxy(others, { get: (own, name) => Reflect.get(own, name) ?? (() => undefined) })
    const broker = called(raw, () => silent)
    onTestFinished(() => broker.close())
    await broker.open(NS)
    const rows = () => broker.calls.flatMap((call) => (call[0] === 'onEvents' ? [...call[2]] : []))
    const breaks = () => broker.calls.filter(([name]) => name === 'onBreak').length
    const node: Node = { broker, raw, reports, rows, breaks, sentOf: () => undefined }
    return node
  }
}

const open = (node: Node, ...roomIds: string[]) =>
  node.broker.subscribe(NS, roomIds.map((roomId) => ({ roomId, retention: undefined }))) // biome-ignore format: one call

async function until(isSo: () => boolean | Promise<boolean>, ms = 8_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('It did not come to that')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Everything that a node was called with, as commit numbers. */
function commits({ broker }: Node): number[] {
  return broker.calls.flatMap((call) => {
    if (call[0] === 'onEvents') return call[2].map(({ n }) => n)
    if (call[0] === 'onCommitted') return call[3].flatMap((result) => (result.status === 'stored' ? [result.n] : []))
    return []
  })
}

describe('two nodes', () => {
  it('[C20] receive each other’s events in rooms that they have open, and of no others', async () => {
    const start = nodesOn(shared)
    const [a, b] = await Promise.all([start(), start()])
    const [head] = await open(b, 'open')
    const results = await a.broker.append(NS, [entry('open', '👍'), entry('closed', 1), entry('open', 2)])
    await until(() => b.rows().length === 2)
    expect(b.rows()).toMatchObject([
      { n: 1, seq: 1, roomId: 'open', argsJson: '["👍"]', epoch: head?.epoch },
      { n: 3, seq: 2, roomId: 'open', argsJson: '[2]', userId: 'ann' },
    ])
    expect(results.map((result) => 'n' in result && result.n)).toEqual([1, 2, 3])
    expect(a.rows()).toEqual([])
    b.broker.unsubscribe(NS, ['open'])
    await b.broker.heads(NS, ['open'])
    await a.broker.append(NS, [entry('open', 3)])
    await b.broker.heads(NS, ['open'])
    expect(b.rows()).toHaveLength(2)
  })

  it('[G1] are called in one order with their own results and the rows of others', async () => {
    const start = nodesOn(shared)
    const nodes = await Promise.all([start(), start(), start()])
    for (const node of nodes) await open(node, 'a', 'b')
    const batches = 120
    await Promise.all(
      nodes.map(async ({ broker }, who) => {
        const waiting: Promise<unknown>[] = []
        for (let i = 0; i < batches; i++) {
          waiting.push(broker.append(NS, [entry('a', i), entry('b', who)]))
          if (i % 4 === who) await waiting.shift()
        }
        await Promise.all(waiting)
      }),
    )
    const total = nodes.length * batches * 2
    await until(() => nodes.every((node) => commits(node).length === total))
    for (const node of nodes) {
      expect(commits(node)).toEqual(Array.from({ length: total }, (_, i) => i + 1))
      expect(node.breaks()).toBe(0)
    }
  })

  it('[G1] hear after a break where all rooms stand before they hear anything else', async () => {
    const start = nodesOn(shared)
    const [a, b] = await Promise.all([start(), start()])
    const many = Array.from({ length: 1_000 }, (_, i) => `other-${i}`)
    await open(b, 'a', 'b', ...many)
    const before = b.broker.calls.length
    await shared.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    const [missed] = await a.broker.append(NS, [entry('a', 'missed')])
    // Something is always on its way to the node that opens its rooms again.
    while (b.breaks() === 0) await a.broker.append(NS, [entry('b', 'live')])
    await a.broker.append(NS, [entry('b', 'latest')])
    await until(() => b.rows().at(-1)?.argsJson === '["latest"]')
    const [first, ...later] = b.broker.calls.slice(before)
    expect(missed).toMatchObject({ status: 'stored', seq: 1 })
    expect(first?.slice(0, 2)).toEqual(['onBreak', NS])
    expect(first?.[2]).toHaveLength(many.length + 2)
    // The heads may be read before or after it: then it is in them, or it comes behind them.
    const heads = (first?.[2] ?? []) as readonly Head[]
    const isInHeads = heads.some(({ roomId, seq }) => roomId === 'a' && seq === 1)
    const isBehindThem = b.rows().some(({ argsJson }) => argsJson === '["missed"]')
    expect(isInHeads || isBehindThem).toBe(true)
    expect(later.filter(([name]) => name === 'onBreak')).toEqual([])
  })

  it('[G3] recognise each other’s keys', async () => {
    const start = nodesOn(shared)
    const [a, b] = await Promise.all([start(), start()])
    const key = { scope: 'ann', key: '01890a5d-ac96-774b-bcce-b302099a8057', fingerprint: 'f' }
    expect(await a.broker.claim(NS, key)).toEqual({ status: 'new' })
    const claim = b.broker.claim(NS, key)
    const [first] = await a.broker.append(NS, [entry('a', 1, { key, ack: '["ok"]' })])
    expect(await claim).toEqual({ ...first, status: 'duplicate', ack: '["ok"]' })
    expect(await b.broker.append(NS, [entry('a', 1, { key })])).toEqual([
      { ...first, status: 'duplicate', ack: '["ok"]' },
    ])
    expect(await b.broker.claim(NS, { ...key, fingerprint: 'other' })).toMatchObject({ code: 'CONFLICT' })
  })

  it('[G3] let a request run on another node once it has ended without an event', async () => {
    const start = nodesOn(shared)
    const [a, b] = await Promise.all([start(), start()])
    const key = { scope: 'ann', key: 'k', fingerprint: 'f' }
    expect(await a.broker.claim(NS, key)).toEqual({ status: 'new' })
    const claim = b.broker.claim(NS, key)
    a.broker.endClaim(NS, key)
    expect(await claim).toEqual({ status: 'new' })
  })

  it('[G1] receive signals at their place, and only where they are for someone', async () => {
    const start = nodesOn(shared)
    const [a, b, c] = await Promise.all([start(), start(), start()])
    await open(b, 'a', 'b')
    const signal = (type: string, at: number, rooms: string[] | undefined, from = 0, to = 0): Signal => ({
      at,
      from,
      to,
      event: { type, argsJson: '["👍\\n"]', spread: true, roomId: undefined, isApplications: true },
      audience: { rooms, except: ['c_1'], volatile: true, latestKey: 'k' },
    })
    const key = { scope: 'ann', key: 'k', fingerprint: 'f' }
    await a.broker.append(NS, [entry('a', 0, { key })])
    await a.broker.append(
      NS,
      [entry('a', 1), entry('a', 0, { key }), entry('a', 2)],
      [
        signal('first', 0, ['a', 'b']),
        signal('between', 1, ['b'], 0, 1),
        signal('of a repeat', 2, ['a'], 1, 2),
        signal('elsewhere', 2, ['nowhere']),
        signal('last', 3, undefined),
      ],
    )
    await a.broker.append(NS, [], [signal('alone', 0, ['c_12345678901234567890'])])
    const received = ({ broker }: Node) =>
      broker.calls.flatMap((call): (number | string)[] => {
        if (call[0] === 'onEvents') return call[2].map(({ seq }) => seq)
        return call[0] === 'onSignals' ? call[2].map(({ event }) => event.type) : []
      })
    await until(() => [b, c].every((node) => received(node).includes('alone')))
    expect(received(b)).toEqual([1, 'first', 2, 'between', 3, 'last', 'alone'])
    expect(received(c)).toEqual(['last', 'alone'])
    const { event, audience } = signal('last', 3, undefined)
    expect(c.broker.calls[0]).toEqual(['onSignals', NS, [{ event, audience: { ...audience, rooms: undefined } }]])
  })

  it('[C18] [Z8] do not save a session again that another one took over and dropped', async () => {
    const start = nodesOn(shared)
    const [a, b] = await Promise.all([start(), start()])
    const session = { id: 's1', namespace: NS, connectionId: 'c_1', userId: 'ann', rooms: [], fence: 1 }
    a.broker.saveSession(session, 60_000)
    await a.broker.sessionsStored()
    expect((await b.broker.takeSession(NS, 's1'))?.record.fence).toBe(2)
    b.broker.dropSession(NS, 's1', 2)
    await b.broker.sessionsStored()
    a.broker.saveSession({ ...session, connectionId: 'c_late' }, 60_000)
    expect(await a.broker.findSession(NS, 's1')).toBeUndefined()
    expect(await a.broker.takeSession(NS, 's1')).toBeUndefined()
  })

  it('forget the content that another one redacts', async () => {
    const start = nodesOn(shared)
    const [a, b] = await Promise.all([start(), start()])
    await open(b, 'a')
    await a.broker.append(NS, [entry('a', 1), entry('a', 2), entry('a', 3, { userId: 'bob' })])
    expect(await a.broker.redactUser(NS, 'ann')).toBe(2)
    await until(() => b.broker.calls.length === 2)
    expect(b.broker.calls[1]).toEqual(['onRedacted', NS, 'a', [1, 2]])
  })

  it('clear up after one that is gone, and let it back in', async () => {
    const prefix = `nodes${++prefixes}`
    const a = await nodesOn(shared, prefix, { renewMs: 60_000 })()
    const b = await nodesOn(shared, prefix, { renewMs: 100 })()
    await open(a, 'a')
    const sit = async ({ broker }: Node, sub: string) => {
      const change = { roomId: 'a', user: { sub, name: sub, role: 'user' }, state: 'here', capacity: 1 } as const
      return (await broker.presence?.seats(NS, [change]))?.[0]?.ok
    }
    await sit(a, 'ann')
    expect(await sit(b, 'bob')).toBe(false)
    const tag = namesOf(prefix, NS).prefix
    await shared.command('ZADD', `${tag}nodes`, '1', a.raw.node)
    await until(async () => (await shared.command('HEXISTS', `${tag}ns`, `c:${a.raw.node}`)) === 0)
    expect(await sit(b, 'bob')).toBe(true)
    expect(await shared.command('EXISTS', `${tag}i:${a.raw.node}`, `${tag}o:${a.raw.node}`)).toBe(0)
    await b.broker.append(NS, [entry('a', 1)])
    expect(await a.broker.append(NS, [entry('a', 2)])).toMatchObject([{ status: 'stored', seq: 2 }])
    await until(() => a.breaks() > 0)
    await b.broker.append(NS, [entry('a', 3)])
    await until(() => a.rows().at(-1)?.seq === 3)
  })
})

describe('a node that was reaped while a call had no answer', () => {
  it('[C20] gets the answer of before, and goes on in the new order', async () => {
    const prefix = `nodes${++prefixes}`
    const way = await cutBefore(shared.port)
    const a = await nodesOn({ ...shared, url: way.url }, prefix, { renewMs: 60_000 })()
    const b = await nodesOn(shared, prefix, { renewMs: 100 })()
    await open(a, 'a')
    for (let i = 1; i <= 5; i++) await b.broker.append(NS, [entry('a', i)])
    await until(() => a.rows().length === 5)
    const tag = namesOf(prefix, NS).prefix
    const field = `c:${a.raw.node}`
    way.hold()
    const sent = a.broker.append(NS, [entry('a', 'mine')])
    await until(async () => (await b.broker.heads(NS, ['a']))[0]?.seq === 6)
    await shared.command('ZADD', `${tag}nodes`, '1', a.raw.node)
    await until(async () => (await shared.command('HEXISTS', `${tag}ns`, field)) === 0)
    way.cut()
    way.release()
    way.mend()
    expect(await sent).toMatchObject([{ status: 'stored', seq: 6 }])
    expect(await a.broker.append(NS, [entry('a', 'next')])).toMatchObject([{ status: 'stored', seq: 7 }])
    await b.broker.append(NS, [entry('a', 'last')])
    await until(() => a.rows().at(-1)?.argsJson === '["last"]')
  })
})

describe('a log that has lost its end', () => {
  it('[G4] gets other epochs in rooms of which more was sent, and another id', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const start = nodesOn(redis)
    const [a, b] = await Promise.all([start(), start()])
    const [whole, cut] = (await open(a, 'whole', 'cut')) as [Head, Head]
    await open(b, 'whole', 'cut')
    const { logId } = await a.broker.open(NS)
    await a.broker.append(NS, [entry('whole', 1), entry('cut', 1)])
    const snapshot = await redis.dump()
    await a.broker.append(NS, [entry('cut', 2), entry('cut', 3)])
    await until(() => b.rows().length === 4)
    const sent = { whole: { epoch: whole.epoch, seq: 1, n: 1, pv: 0 }, cut: { epoch: cut.epoch, seq: 3, n: 4, pv: 0 } }
    for (const node of [a, b]) node.sentOf = (roomId) => sent[roomId as 'cut']
    await redis.restore(snapshot)
    await until(() => a.breaks() > 0 && b.breaks() > 0)
    const heads = await a.broker.heads(NS, ['whole', 'cut'])
    expect(heads).toMatchObject([{ epoch: whole.epoch, seq: 1 }, { seq: 1 }])
    expect(heads[1]?.epoch).not.toBe(cut.epoch)
    expect((await a.broker.open(NS)).logId).not.toBe(logId)
    expect((await b.broker.open(NS)).logId).toBe((await a.broker.open(NS)).logId)
    expect(await b.broker.append(NS, [entry('cut', 'new')])).toMatchObject([{ status: 'stored', n: 5, seq: 2 }])
    await until(() => a.rows().at(-1)?.argsJson === '["new"]')
    expect(a.rows().at(-1)?.epoch).toBe(heads[1]?.epoch)
    // By its number this was another event before.
    const about = (epoch: string | undefined) => entry('cut', 'about', { aboutSeq: 2, epoch })
    expect(await b.broker.append(NS, [about(cut.epoch)])).toMatchObject([{ status: 'refused', code: 'NOT_FOUND' }])
    expect(await b.broker.redact(NS, 'cut', 2, cut.epoch)).toBe(false)
    b.broker.setMark(NS, 'cut', 2, cut.epoch)
    expect(await b.broker.mark(NS, 'cut')).toBe(0)
    expect(await b.broker.append(NS, [about(heads[1]?.epoch)])).toMatchObject([{ status: 'stored', seq: 3 }])
  })
})

describe('a broken connection', () => {
  it('[C20] undoes nothing that was done after it, though what was sent on it comes late', async () => {
    const prefix = `nodes${++prefixes}`
    const way = await cutBefore(shared.port)
    const a = await nodesOn({ ...shared, url: way.url }, prefix, { silenceMs: 500 })()
    const b = await nodesOn(shared, prefix)()
    const session = { id: 's1', namespace: NS, connectionId: 'c_1', userId: 'ann', rooms: [], fence: 1 }
    await open(a, 'a')
    way.delay()
    a.broker.unsubscribe(NS, ['a'])
    a.broker.saveSession(session, 60_000)
    await until(() => a.breaks() > 0)
    await a.broker.sessionsStored()
    await open(a, 'a')
    a.broker.saveSession({ ...session, connectionId: 'c_2' }, 60_000)
    await a.broker.sessionsStored()
    await way.arrive()
    expect((await b.broker.findSession(NS, 's1'))?.connectionId).toBe('c_2')
    await b.broker.append(NS, [entry('a', 1)])
    await until(() => a.rows().length === 1)
  })

  it('[G2] loses nothing and stores nothing twice, and what was missed shows as a break', async () => {
    const start = nodesOn(shared)
    const [a, b] = await Promise.all([start(), start()])
    await open(a, 'a')
    await open(b, 'a')
    const contents: number[] = []
    const waiting: Promise<unknown>[] = []
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 40; i++) {
        const content = round * 40 + i
        contents.push(content)
        waiting.push(a.broker.append(NS, [entry('a', content)]))
        if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
      await shared.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    }
    const results = (await Promise.all(waiting)) as { status: string; seq: number }[][]
    expect(results.flat().map(({ status }) => status)).toEqual(contents.map(() => 'stored'))
    const { events } = await b.broker.history(NS, 'a', { limit: 1_000 })
    expect(events.map(({ argsJson }) => argsJson)).toEqual(contents.map((content) => `[${content}]`))
    await until(() => b.breaks() > 0)
    await a.broker.append(NS, [entry('a', 'last')])
    await until(() => b.rows().at(-1)?.argsJson === '["last"]')
    const received = commits(b)
    expect(received).toEqual(received.toSorted((x, y) => x - y))
    expect(new Set(received).size).toBe(received.length)
  })

  it('[G2] to a Redis that is killed and comes back on its file keeps what was acknowledged', async () => {
    const redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'always'])
    onTestFinished(() => redis.stop())
    const start = nodesOn(redis)
    const [a, b] = await Promise.all([start(), start()])
    await open(b, 'a')
    const waiting: Promise<readonly { status: string }[]>[] = []
    let isRunning = true
    const writing = (async () => {
      for (let i = 0; isRunning; i++) {
        waiting.push(a.broker.append(NS, [entry('a', i)]))
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 100))
    await redis.kill()
    await new Promise((resolve) => setTimeout(resolve, 100))
    await redis.start()
    await until(() => b.breaks() > 0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    isRunning = false
    await writing
    const statuses = (await Promise.all(waiting)).map(([result]) => result?.status)
    expect(new Set(statuses)).toEqual(new Set(['stored']))
    const { events } = await a.broker.history(NS, 'a', { limit: 10_000 })
    expect(events.map(({ argsJson }) => argsJson)).toEqual(statuses.map((_, i) => `[${i}]`))
    await a.broker.append(NS, [entry('a', 'last')])
    await until(() => b.rows().at(-1)?.argsJson === '["last"]')
  })

  it('is over for a Redis that does not answer, and its calls are answered in time', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const node = await nodesOn(redis, undefined, { deadlineMs: 1_500, silenceMs: 1_000 })()
    redis.pause()
    const startedAt = Date.now()
    const sent = node.broker.append(NS, [entry('a', 1)])
    await until(() => !node.raw.healthy())
    const late = node.broker.append(NS, [entry('a', 2)])
    const [[first], [second]] = (await Promise.all([sent, late.catch((error: unknown) => [error])])) as unknown[][] as [[unknown], [unknown]] // biome-ignore format: one line
    expect(first).toEqual({ status: 'unknown' })
    expect(second).toBeInstanceOf(Error)
    expect(Date.now() - startedAt).toBeLessThan(9_000)
    redis.resume()
    await until(() => node.raw.healthy())
    expect(await node.broker.append(NS, [entry('a', 3)])).toMatchObject([{ status: 'stored' }])
    const { events } = await node.broker.history(NS, 'a', { limit: 10 })
    expect(events.map(({ argsJson }) => argsJson)).not.toContain('[2]')
  }, 20_000)
})
