/**
 * The append exists twice, in TypeScript for the local logs and as a script in Redis: over random batches both give the
 * same answers, and the same rows stand in both logs.
 */
import type { Append } from '@roomful/server/ports'
import { fragmentOf, GROWING_TAIL } from '@roomful/server/testing'
import type { CalledBroker } from '@roomful/testkit'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { openInMemory } from '../local-broker/opening.ts'
import { openOnRedis } from './opening.ts'
import { startRedis } from './server.ts'

const NS = '/chat'
const WINDOW_MS = 60_000
const EVENT_MAX = 40
/** Small enough that a room is trimmed exactly. */
const RETENTION = 5

const redis = await startRedis()
afterAll(() => redis.stop())

type Step =
  | { readonly kind: 'append'; readonly appends: readonly Append[] }
  | { readonly kind: 'redact'; readonly roomId: string; readonly seq: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'retain'; readonly roomId: string; readonly retention: number }

/** The one that the room has where it runs, or none. */
const OWN_EPOCH = 'own'
const roomId = fc.constantFrom('a', 'b', 'user:ann', 'ä 👍')
/** With a time, without one, of a later event of the request, and from a clock that is far ahead. */
const keyName = fc.constantFrom(
  '71a1d0e0-5c00-7000-8000-000000000001',
  '71a1d0e0-5c00-7000-8000-000000000001#1',
  '71a1d0e1-5c00-7000-8000-000000000002',
  'ffffffff-ffff-7fff-bfff-ffffffffffff',
  'k1',
  '',
  'é 👍\n',
)
const key = fc.record({
  scope: fc.constantFrom('ann', 'bob'),
  key: keyName,
  fingerprint: fc.constantFrom('f', 'g', 'a long one: 8x-12345678-12345678-12345678'),
})
const limit = fc.record({
  counts: fc.constantFrom('message' as const, 'new-room' as const),
  scope: fc.constantFrom('ann', '\u0000rooms'),
  perMinute: fc.integer({ min: 1, max: 3 }),
})
const content = fc.constantFrom('x', '👍', '\u0000\n', 'a\ud800b', 'y'.repeat(EVENT_MAX + 1))
const text = fc.constantFrom('', 'ab', '👍é"', 'x')
const seq = fc.integer({ min: 1, max: 6 })
const piece = text.map((each) => ({ fragment: fragmentOf(each), length: each.length }))
const WAS = '[{"content":"ab","state":"interrupted"}]'
const factName = fc.constantFrom('a', 'b', 'é"')
const factVersion = fc.constantFrom(undefined, undefined, 0, 1, 2)
const stateChange = fc.oneof(
  fc.record({
    kind: fc.constant('set' as const),
    name: factName,
    value: fc.constantFrom('1', '"x"', '{"a":"é👍"}', '9007199254740991'),
    version: factVersion,
  }),
  fc.record({ kind: fc.constant('delete' as const), name: factName, version: factVersion }),
  fc.record({ kind: fc.constant('add' as const), name: factName, by: fc.integer({ min: -3, max: 3 }) }),
  fc.record({
    kind: fc.constant('read' as const),
    name: fc.constantFrom('ann', 'bob'),
    seq: fc.integer({ min: 0, max: 5 }),
  }),
)
const change = fc.oneof(
  stateChange,
  stateChange,
  piece.map((each) => ({ kind: 'begin', ...each }) as const),
  fc
    .tuple(piece, seq, fc.constantFrom(0, 0, 1, 2, 4))
    .map(([each, of, at]) => ({ kind: 'extend', seq: of, at, ...each }) as const),
  fc
    .tuple(seq, fc.constantFrom(0, 0, 1, 2, 4))
    .map(([of, length]) => ({ kind: 'end', seq: of, length, tail: '"state":"interrupted"}]' }) as const),
  fc
    .tuple(piece, seq)
    .map(([each, of]) => ({ kind: 'resume', seq: of, was: WAS, argsJson: `[{${GROWING_TAIL}`, ...each }) as const),
)
const more = fc.record(
  {
    ack: fc.constantFrom('["ok"]', '[]', '', ' ["\n👍"]', 'z'.repeat(70)),
    limits: fc.array(limit, { maxLength: 2 }),
    sharesLimits: fc.constant(true as const),
    aboutSeq: fc.integer({ min: 0, max: 9 }),
    epoch: fc.constantFrom(OWN_EPOCH, OWN_EPOCH, 'another.1'),
    atomicGroup: fc.integer({ min: 0, max: 2 }),
    key,
    change,
  },
  { requiredKeys: [] },
)
const append = fc.tuple(roomId, content, fc.constantFrom('ann', undefined), more).map(
  ([room, text, userId, rest]): Append => ({
    roomId: room,
    type: 'message:new',
    argsJson: rest.change?.kind === 'begin' ? `[{${GROWING_TAIL}` : JSON.stringify([text]),
    userId,
    atomicGroup: undefined,
    key: undefined,
    ...rest,
  }),
)

/** The entries of a group stand together and share a key and its ack, as the core makes them. */
function grouped(appends: readonly Append[]): Append[] {
  const heads = new Map<number, Append>()
  for (const each of appends) {
    if (each.atomicGroup !== undefined && !heads.has(each.atomicGroup)) heads.set(each.atomicGroup, each)
  }
  return appends.map((each) => {
    const head = each.atomicGroup === undefined ? undefined : heads.get(each.atomicGroup)
    if (!head || head === each) return each
    const { ack: _, aboutSeq: __, ...rest } = each
    return { ...rest, key: head.key }
  })
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.array(append, { maxLength: 8 }).map((each): Step => ({ kind: 'append', appends: grouped(each) })) }, // biome-ignore format: one line
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('redact' as const), roomId, seq: fc.integer({ min: 1, max: 9 }) }) }, // biome-ignore format: one line
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 1_000, WINDOW_MS, WINDOW_MS + 1) }) }, // biome-ignore format: one line
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retain' as const), roomId, retention: fc.integer({ min: 1, max: 9 }) }) }, // biome-ignore format: one line
)

describe('the append as a script', () => {
  it('[G3] gives the answers and the rows of the append in TypeScript', async () => {
    const onRedis = openOnRedis(redis.url, { eventMax: EVENT_MAX })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const limits = { retention: RETENTION, dedupeWindowMs: WINDOW_MS }
        const benches = [await openInMemory({ ...limits, eventMax: EVENT_MAX }), await onRedis(limits)]
        try {
          const answers = await Promise.all(benches.map((bench) => run(bench, steps)))
          expect(answers[1]).toEqual(answers[0])
        } finally {
          for (const bench of benches) await bench.dispose()
        }
      }),
      { numRuns: 150 },
    )
  }, 60_000)
})

/** Each log has epochs of its own. */
async function withEpochs(broker: CalledBroker, appends: readonly Append[]): Promise<Append[]> {
  const heads = await broker.heads(NS, [...new Set(appends.map((each) => each.roomId))])
  const epochs = new Map(heads.map((head) => [head.roomId, head.epoch]))
  return appends.map((each) => (each.epoch === OWN_EPOCH ? { ...each, epoch: epochs.get(each.roomId) } : each))
}

async function run({ broker, clock }: Awaited<ReturnType<typeof openInMemory>>, steps: readonly Step[]) {
  const answers: unknown[] = []
  for (const each of steps) {
    if (each.kind === 'append') answers.push(await broker.append(NS, await withEpochs(broker, each.appends)))
    if (each.kind === 'redact') answers.push(await broker.redact(NS, each.roomId, each.seq))
    if (each.kind === 'wait') await clock.advance(each.ms)
    if (each.kind === 'retain') await broker.subscribe(NS, [{ roomId: each.roomId, retention: each.retention }])
  }
  const rooms = ['a', 'b', 'user:ann', 'ä 👍']
  const heads = (await broker.heads(NS, rooms)).map(({ epoch: _, n: __, ...head }) => head)
  const after = rooms.map((room) => ({ roomId: room, seq: 0 }))
  const rows = await broker.read(NS, after, { events: 1_000, bytes: 1_000_000 })
  const growing = await Promise.all(rooms.map(async (room) => broker.growing(NS, room)))
  for (const texts of growing) texts.sort((a, b) => a.row.seq - b.row.seq)
  const states = await Promise.all(rooms.map(async (room) => broker.state(NS, room)))
  const reads = await Promise.all(['ann', 'bob'].map(async (user) => broker.readPositions(NS, user, rooms)))
  const { n } = await broker.positions(NS, 0, rooms)
  const positions = []
  for (let at = 0; at <= n; at++) positions.push((await broker.positions(NS, at, rooms)).positions.map(({ roomId: room, seq }) => [room, seq])) // biome-ignore format: one line
  return { answers, heads, rows, growing, states, reads, positions }
}
