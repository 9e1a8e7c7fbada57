/** Any sequence of calls gets from a log what it gets from the model: memory and SQLite, the latter also over restarts. */
import type { CalledBroker } from '@roomful/testkit'
import type { BrokerBench } from '@roomful/testkit/contracts/broker'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogLimits } from '../../src/adapters/brokers/local/log.ts'
import type { Append } from '../../src/core/ports/broker.ts'
import { LogModel } from './model.ts'
import { openInMemory, openOnSqlite } from './opening.ts'

const NS = '/'
const RETENTION = 8
const WINDOW_MS = 60_000
const ROOMS = ['a', 'b', 'c']

const roomId = fc.constantFrom(...ROOMS)
const seq = fc.integer({ min: 0, max: 30 })
const userId = fc.constantFrom('ann', 'bob', undefined)
const key = fc.record({
  scope: fc.constantFrom('ann', 'bob'),
  key: fc.constantFrom('k1', 'k2', 'k3'),
  fingerprint: fc.constantFrom('f', 'g'),
})
const argsJson = fc.json().map((json) => `[${json}]`)
const single = fc.record({
  roomId,
  type: fc.constant('t'),
  argsJson,
  userId,
  key: fc.option(key, { nil: undefined }),
  atomicGroup: fc.constant(undefined),
  aboutSeq: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined, freq: 2 }),
})
const pair = fc
  .tuple(single, single, key, fc.integer({ min: 0, max: 1_000_000 }))
  .map(([a, b, key, atomicGroup]): Append[] => [
    { ...a, key, atomicGroup },
    { ...b, key, atomicGroup },
  ])
const entries = fc
  .array(
    fc.oneof(
      single.map((entry): Append[] => [entry]),
      pair,
    ),
    { maxLength: 6 },
  )
  .map((groups) => groups.flat())
const after = fc.uniqueArray(fc.record({ roomId: fc.constantFrom(...ROOMS, 'nowhere'), seq }), {
  selector: (each) => each.roomId,
})
const page = fc.record({
  before: fc.option(seq, { nil: undefined }),
  after: fc.option(seq, { nil: undefined }),
  limit: fc.integer({ min: 1, max: 12 }),
})

/** One call on both; throws where they differ. */
type Step = (broker: CalledBroker, model: LogModel, bench: BrokerBench) => Promise<void>

const steps: fc.Arbitrary<Step>[] = [
  entries.map((entries) => async (broker, model, { clock }) => {
    expect(await broker.append(NS, entries)).toEqual(model.append(entries, clock.now()))
  }),
  fc.tuple(roomId, fc.integer({ min: 1, max: 150 })).map(([roomId, count]) => async (broker, model, { clock }) => {
    const entry: Append = { roomId, type: 't', argsJson: '[]', userId: 'ann', key: undefined, atomicGroup: undefined }
    const many = new Array<Append>(count).fill(entry)
    expect(await broker.append(NS, many)).toEqual(model.append(many, clock.now()))
  }),
  fc.tuple(after, fc.integer({ min: 1, max: 20 })).map(([after, events]) => async (broker, model) => {
    const limits = { events, bytes: 1_000_000 }
    expect(await broker.read(NS, after, limits)).toEqual(model.read(after, limits))
  }),
  fc.tuple(roomId, page).map(([roomId, page]) => async (broker, model) => {
    const { epoch: _, ...rows } = await broker.history(NS, roomId, page)
    expect(rows).toEqual(model.history(roomId, page))
  }),
  key.map((key) => async (broker, model, { clock }) => {
    expect(await broker.claim(NS, key)).toEqual(model.findKey(key, clock.now()) ?? { status: 'new' })
  }),
  fc.tuple(roomId, seq).map(([roomId, seq]) => async (broker, model) => {
    const count = model.redact((row) => row.roomId === roomId && row.seq === seq)
    expect(await broker.redact(NS, roomId, seq)).toBe(count === 1)
  }),
  fc.constantFrom('ann', 'bob').map((userId) => async (broker, model) => {
    expect(await broker.redactUser(NS, userId)).toBe(model.redact((row) => row.userId === userId))
  }),
  fc.tuple(roomId, fc.integer({ min: 0, max: 4 })).map(([roomId, less]) => async (broker, model) => {
    const retention = (model.retentions.get(roomId) ?? RETENTION) - less
    if (retention < 1) return
    model.retentions.set(roomId, retention)
    const heads = await broker.subscribe(NS, [{ roomId, retention }])
    expect(heads).toMatchObject([{ roomId, seq: model.seq(roomId), first: model.first(roomId) }])
  }),
  fc.constant(async (broker, model) => {
    const heads = await broker.heads(NS, ROOMS)
    const known = ROOMS.filter((roomId) => heads.some((head) => head.roomId === roomId))
    expect(heads.map((head) => [head.roomId, head.first, head.seq])).toEqual(
      known.map((roomId) => [roomId, model.first(roomId), model.seq(roomId)]),
    )
    expect(ROOMS.filter((roomId) => model.seq(roomId) > 0).every((roomId) => known.includes(roomId))).toBe(true)
  }),
  fc.constantFrom(30, 1000, WINDOW_MS / 2, WINDOW_MS * 2).map(
    (ms) =>
      async (_broker, _model, { clock }) =>
        clock.advance(ms),
  ),
]

async function check(
  open: (limits: Partial<LogLimits>) => Promise<BrokerBench>,
  restarts: boolean,
  numRuns: number,
): Promise<void> {
  const restart = fc.constant(undefined)
  const calls = fc.array(restarts ? fc.oneof(...steps, restart) : fc.oneof(...steps), { maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(calls, async (calls) => {
      const bench = await open({ retention: RETENTION, dedupeWindowMs: WINDOW_MS })
      const model = new LogModel(RETENTION, WINDOW_MS)
      let { broker } = bench
      try {
        for (const call of calls) {
          if (call) await call(broker, model, bench)
          else broker = await bench.reopen()
        }
      } finally {
        await bench.dispose()
      }
    }),
    { numRuns },
  )
}

describe('[D2] logs against the model', () => {
  it('memory', () => check(openInMemory, false, 150), 30_000)
  it('SQLite, with restarts', () => check(openOnSqlite, true, 60), 60_000)
})
