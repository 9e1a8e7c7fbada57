/** What waits for a disk that stands still: so much, and no more. */
import { DatabaseSync } from 'node:sqlite'
import { VirtualClock } from '@roomful/testkit'
import { expect, it } from 'vitest'
import { SqliteBatching } from '../../src/adapters/brokers/local/sqlite/batching.ts'
import { SqliteAcks } from '../../src/adapters/brokers/local/sqlite/deferred-writes.ts'
import { RoomfulError } from '../../src/core/base/errors.ts'
import type { Append, Appended } from '../../src/core/ports/broker.ts'

interface Batch {
  readonly namespace: string
  readonly entries: readonly Append[]
}

/** Batching in front of a writer that numbers what it gets. */
function start(options: { isPaused?: () => boolean; onWrite?: () => void } = {}) {
  const { isPaused = () => false, onWrite } = options
  const clock = new VirtualClock()
  const written: Batch[] = []
  let n = 0
  const write = (namespace: string, entries: readonly Append[]): Appended[] => {
    onWrite?.()
    written.push({ namespace, entries })
    return entries.map(() => stored(++n))
  }
  const batching = new SqliteBatching({ clock, isPaused, write })
  const append = (namespace: string, entries: readonly Append[]): Appended[] | Promise<Appended[]> =>
    batching.mustWait(entries.length) ? batching.add(namespace, entries) : write(namespace, entries)
  return { append, flush: () => batching.flush(), written, clock }
}

function row(argsJson: string, atomicGroup?: number): Append {
  return { roomId: 'x', type: 'tick', argsJson, userId: undefined, key: undefined, ack: undefined, atomicGroup }
}

function stored(n: number): Appended {
  return { status: 'stored', n, seq: n, ts: 0 }
}

it('[G2] 10,000 batches wait in their order, the next is refused with UNAVAILABLE, and all of them go when it moves', async () => {
  let isPaused = true
  const { append, flush, written } = start({ isPaused: () => isPaused })
  const waiting = Array.from({ length: 10_000 }, (_, i) => append('/', [row(`${i}`)]))
  expect(() => append('/', [row('one more')])).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
  isPaused = false
  flush()
  expect((await Promise.all(waiting)).map(([result]) => result)).toEqual(
    Array.from({ length: 10_000 }, (_, i) => stored(i + 1)),
  )
  expect(written.map(({ entries }) => entries.length)).toEqual([2_000, 2_000, 2_000, 2_000, 2_000])
  expect(written.flatMap(({ entries }) => entries.map(({ argsJson }) => argsJson))).toEqual(
    Array.from({ length: 10_000 }, (_, i) => `${i}`),
  )
})

it('[P7] appends that come fast wait a millisecond and are written in one transaction; few are written at once', async () => {
  const { append, written, clock } = start()
  const arrive = async (perMs: number, forMs: number): Promise<number> => {
    written.length = 0
    const results: unknown[] = []
    for (let ms = 0; ms < forMs; ms++) {
      for (let i = 0; i < perMs; i++) results.push(append('/', [row('x')]))
      await clock.advance(1)
    }
    await Promise.all(results)
    return results.length / written.length
  }
  expect(await arrive(2, 100)).toBe(1)
  await arrive(10, 100)
  expect(await arrive(10, 100)).toBeGreaterThanOrEqual(10)
  await arrive(2, 100)
  expect(await arrive(2, 100)).toBe(1)
})

it('[G2] batches that are written together keep their units, their namespaces and their results apart', async () => {
  let isPaused = true
  const { append, flush, written } = start({ isPaused: () => isPaused })
  const batches = [
    ['/', [row('a', 0), row('b', 0), row('c')]],
    ['/', [row('d', 0), row('e', 1)]],
    ['/other', [row('f', 0)]],
  ] as const
  const waiting = batches.map(([namespace, entries]) => append(namespace, entries))
  isPaused = false
  flush()
  expect(written.map(({ namespace, entries }) => [namespace, entries.map(({ atomicGroup }) => atomicGroup)])).toEqual([
    ['/', [0, 0, undefined, 1, 2]],
    ['/other', [0]],
  ])
  expect(await Promise.all(waiting)).toEqual([[stored(1), stored(2), stored(3)], [stored(4), stored(5)], [stored(6)]])
})

it('[G2] a transaction that fails is told to each who waited for it, and what comes next is written', async () => {
  let isPaused = true
  let isBroken = true
  const { append, flush } = start({
    isPaused: () => isPaused,
    onWrite: () => {
      if (isBroken) throw new RoomfulError('UNAVAILABLE')
    },
  })
  const waiting = [append('/', [row('a')]), append('/', [row('b')])]
  isPaused = false
  flush()
  isBroken = false
  for (const each of await Promise.allSettled(waiting))
    expect(each).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } })
  expect(append('/', [row('c')])).toEqual([stored(1)])
})

it('[K9] 10,000 answers wait to be written down; a further one is not kept', () => {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE keys (key, scope, ns, part, fingerprint, reply)')
  const acks = new SqliteAcks(db)
  const key = (i: number) => ({ scope: 'ann', key: `k${i}`, fingerprint: 'f' })
  for (let i = 0; i < 10_001; i++) acks.set(1, key(i), '"answer"')
  expect(acks.size).toBe(10_000)
  expect([acks.find(1, key(9_999)), acks.find(1, key(10_000))]).toEqual(['"answer"', undefined])
  db.close()
})
