/** What runs once on two nodes of one real Redis: the lease, the fence, and nodes that end, die or are suspended. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Batch, LeadMark } from '@roomful/server/ports'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRedisBroker } from '../../src/adapters/brokers/redis/broker.ts'
import { systemClock, systemRandom } from '../../src/adapters/system/clock-and-random.ts'
import type { Appended, BrokerListener, SentSignal } from '../../src/core/ports/broker.ts'
import { createRoomful } from '../../src/index.ts'
import { until } from './clients.ts'
import { leadClock } from './lead-clock.ts'
import { type RedisServer, startRedis } from './server.ts'

const SECRET = 'a secret of at least thirty-two characters'
const NS = '/'

let redis: RedisServer
let prefixes = 0

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

describe('the leases', () => {
  async function open(prefix: string) {
    const broker = createRedisBroker({
      url: redis.url,
      prefix,
      clock: systemClock,
      random: systemRandom,
      report: () => undefined,
    })
    const committed = new Map<number, (results: readonly Appended[]) => void>()
    const lost: LeadMark[] = []
    const signals: SentSignal[] = []
    broker.listen({
      onCommitted: (_namespace: string, id: number, results: readonly Appended[]) => committed.get(id)?.(results),
      onLeadLost: (lead: LeadMark) => lost.push(lead),
      onSignals: (_namespace: string, sent: readonly SentSignal[]) => signals.push(...sent),
      onEvents: () => undefined,
      onBreak: () => undefined,
    } as unknown as BrokerListener)
    onTestFinished(() => broker.close())
    await broker.open(NS)
    let ids = 0
    const append = (batch: Omit<Batch, 'id'>) =>
      new Promise<readonly Appended[]>((resolve) => {
        committed.set(++ids, resolve)
        broker.append(NS, { id: ids, ...batch })
      })
    const take = async (fence?: number) => {
      const [held] = (await broker.leads?.take([{ name: 'clock', fence }])) ?? []
      return held
    }
    return { broker, append, take, lost, signals }
  }

  const tick = (lead?: LeadMark) => ({ roomId: 'clock', type: 'tick', argsJson: '[]', userId: undefined, key: undefined, atomicGroup: undefined, lead }) // biome-ignore format: one value
  const signal = (lead?: LeadMark) => ({
    ...{ at: 0, from: 0, to: 0, lead },
    event: { type: 'hint', argsJson: '[]', spread: false, roomId: 'clock', isApplications: true },
    audience: { rooms: undefined, except: [], volatile: false, latestKey: undefined },
  })

  it('[T1] one node has it, keeps it while it renews, and the next one has a higher fence', async () => {
    const prefix = `lead${++prefixes}`
    const [one, two] = [await open(prefix), await open(prefix)]
    const first = await one.take()
    expect(first).toEqual({ fence: expect.any(Number), holder: one.broker.node })
    expect(await two.take()).toEqual({ fence: undefined, holder: one.broker.node })
    expect(await one.take(first?.fence)).toEqual(first)
    await one.broker.leads?.release('clock', first?.fence ?? 0)
    const second = await two.take()
    expect(second?.fence).toBeGreaterThan(first?.fence ?? Number.NaN)
    expect(await one.take(first?.fence)).toEqual({ fence: undefined, holder: two.broker.node })
    await one.broker.leads?.release('clock', first?.fence ?? 0) // too late
    expect(await two.take(second?.fence)).toEqual(second)
  })

  it('[T1] of ten that ask at once one has it', async () => {
    const prefix = `lead${++prefixes}`
    const nodes = await Promise.all(Array.from({ length: 10 }, () => open(prefix)))
    const held = await Promise.all(nodes.map(({ take }) => take()))
    expect(held.filter((each) => each?.fence !== undefined)).toHaveLength(1)
  })

  it('[T2] nothing of a lead of before is stored or sent, and the rest of its batch is', async () => {
    const prefix = `lead${++prefixes}`
    const [one, two] = [await open(prefix), await open(prefix)]
    const before = { name: 'clock', fence: (await one.take())?.fence ?? 0 }
    expect(await one.append({ appends: [tick(before)], signals: [] })).toMatchObject([{ status: 'stored', seq: 1 }])
    await redis.command('HSET', `{${prefix}}:leads`, 'clock', `- ${before.fence} 0`) // its lease is over
    const now = { name: 'clock', fence: (await two.take())?.fence ?? 0 }
    const results = await one.append({
      appends: [tick(), tick(before), tick()],
      signals: [signal(before), { ...signal(), at: 3, from: 3, to: 3 }],
    })
    expect(results).toMatchObject([
      { status: 'stored', seq: 2 },
      { status: 'refused', code: 'LEAD_LOST' },
      { status: 'stored', seq: 3 },
    ])
    expect(one.lost).toEqual([before])
    expect(await two.append({ appends: [tick(now)], signals: [] })).toMatchObject([{ status: 'stored', seq: 4 }])
    expect(two.lost).toEqual([])
    expect(two.signals).toHaveLength(1)
    const { events } = await two.broker.history(NS, 'clock', { limit: 10 })
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  })

  it('[T2] a group of a lead of before is refused whole', async () => {
    const prefix = `lead${++prefixes}`
    const [one, two] = [await open(prefix), await open(prefix)]
    const before = { name: 'clock', fence: (await one.take())?.fence ?? 0 }
    await redis.command('HSET', `{${prefix}}:leads`, 'clock', `- ${before.fence} 0`)
    await two.take()
    const group = [0, 1].map(() => ({ ...tick(before), atomicGroup: 1 }))
    const results = await one.append({ appends: group, signals: [] })
    expect(results.map((result) => result.status === 'refused' && result.code)).toEqual(['LEAD_LOST', 'LEAD_LOST'])
  })
})

describe.concurrent('two servers', () => {
  async function here(prefix: string) {
    const roomful = createRoomful({ data: ':memory:', redisUrl: redis.url, redisPrefix: prefix, jwtSecret: SECRET })
    roomful.standardNamespaces()
    const leading = leadClock(roomful)
    await roomful.listen({ port: 0, host: '127.0.0.1' })
    const ticks = async () => {
      const { events } = await roomful.get('/public').history('clock', { limit: 1_000 })
      return events as unknown as { fence: number; pid: number }[]
    }
    return { roomful, leading, ticks }
  }

  async function apart(prefix: string) {
    const script = new URL('./leading-child.ts', import.meta.url).pathname
    const args = ['--conditions=source', script, redis.url, prefix, SECRET]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
    await until(() => lines.includes('began'), 15_000)
    return { child, lines, pid: child.pid as number }
  }

  const ends: (() => Promise<unknown>)[] = []
  afterAll(() => Promise.all(ends.map((end) => end())))

  /** The first one leads. */
  async function both() {
    const prefix = `lead${++prefixes}`
    const first = await apart(prefix)
    ends.push(async () => first.child.kill('SIGKILL'))
    const second = await here(prefix)
    ends.push(() => second.roomful.close())
    await until(async () => (await second.ticks()).length > 0, 15_000)
    expect(second.leading.isHere).toBe(false)
    return { first, second }
  }

  const pidOf = (answer: unknown) => (answer as { pid: number }).pid

  it('[T3] [T5] a node that closes hands over at once, and answers until then', async () => {
    const { first, second } = await both()
    expect(pidOf(await second.leading.ask('who'))).toBe(first.pid)
    const startedAt = performance.now()
    first.child.kill('SIGTERM')
    await once(first.child, 'exit')
    await until(() => second.leading.isHere)
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    expect(pidOf(await second.leading.ask('who'))).toBe(process.pid)
  })

  it('[T3] [D2] a node that is killed is followed within ten seconds', async () => {
    const { first, second } = await both()
    const startedAt = performance.now()
    first.child.kill('SIGKILL')
    await until(() => second.leading.isHere, 12_000)
    expect(performance.now() - startedAt).toBeGreaterThan(5_000)
    expect(performance.now() - startedAt).toBeLessThan(11_000)
  }, 40_000)

  it('[T2] a node that was suspended for 12 seconds wakes deposed, and nothing it says is stored', async () => {
    const { first, second } = await both()
    first.child.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    expect(second.leading.isHere).toBe(true)
    const asleep = await second.ticks()
    first.child.kill('SIGCONT')
    await until(() => first.lines.filter((line) => line === 'refused').length > 5)
    expect(first.lines).toContain('ended')
    const ticks = await second.ticks()
    expect(ticks.length).toBeGreaterThan(asleep.length)
    expect(new Set(ticks.slice(asleep.length).map(({ pid }) => pid))).toEqual(new Set([process.pid]))
    const fences = ticks.map(({ fence }) => fence)
    expect(fences).toEqual(fences.toSorted((a, b) => a - b))
  }, 60_000)
})
