/** What stores of several nodes do to each other's documents while connections break, Redis is full, or folds meet. */
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { startRedis } from '../../../server/test/redis/server.ts'
import type { AwarenessStatement } from '../../src/awareness.ts'
import { GroupCommit } from '../../src/store/group-commit.ts'
import type { DocumentCopy } from '../../src/store/port.ts'
import type { Folding } from '../../src/store/redis/folding.ts'
import { Progress } from '../../src/store/redis/progress.ts'
import type { RedisStore } from '../../src/store/redis/redis-store.ts'
import { eventually, serve } from '../serving.ts'
import { stored, textOf, typed } from '../store-contract.ts'
import { nextPrefix, openStore } from './opening.ts'

const redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'everysec'])
afterAll(() => redis.stop())

const keyOf = (prefix: string, key: string): string => `{${prefix}:yjs /documents}:${key}`
const numberOf = async (prefix: string, id: string): Promise<number> =>
  Number(await redis.command('HGET', keyOf(prefix, `d:${id}`), 'v'))
const cut = (): Promise<unknown> => redis.command('CLIENT', 'KILL', 'SKIPME', 'yes')

/** As much of an open document as a store needs. */
class Copy implements DocumentCopy {
  readonly doc = new Y.Doc()
  received = 0
  restored = 0
  returns = 0

  receive(updates: readonly Uint8Array[]): void {
    this.received += updates.length
    for (const update of updates) Y.applyUpdate(this.doc, update)
  }
  restore(updates: readonly Uint8Array[]): void {
    this.restored++
    this.receive(updates)
  }
  applyRemote(): void {}
  keepNodes(): void {}
  statements(): AwarenessStatement[] {
    return []
  }
  returned(): void {
    this.returns++
  }
  recheck(): void {}
  removed(): void {}
  get text(): string {
    return this.doc.getText('content').toString()
  }
}

async function follow(store: RedisStore, id: string): Promise<Copy> {
  const copy = new Copy()
  copy.receive((await store.load(id)).updates)
  store.attach(id, copy)
  return copy
}

/** The next fold of the store stands still, between reading and writing, until it is let go. */
function holdFold(store: RedisStore): { reached: Promise<void>; letGo: () => void } {
  const folding: Folding = Reflect.get(store, 'folding')
  const merge = Reflect.get(folding, 'merge') as (updates: readonly Uint8Array[]) => Promise<Uint8Array>
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  onTestFinished(() => held.resolve())
  Reflect.set(folding, 'merge', async (updates: readonly Uint8Array[]) => {
    reached.resolve()
    await held.promise
    return merge.call(folding, updates)
  })
  return { reached: reached.promise, letGo: held.resolve }
}

/** The same numbers at every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * sides)
  }
}

describe('stores of several nodes', () => {
  it.each([1, 2, 3])(
    '[Y27] [Y23] hold what was appended, once, while two of them fold and connections break (seed %i)',
    async (seed) => {
      const [roll, prefix] = [dice(seed), nextPrefix()]
      const stores = [0, 1, 2].map(() => openStore(redis.url, prefix, { foldUpdates: 7, foldBytes: 4_000 }))
      const any = (): RedisStore => stores[roll(3)] as RedisStore
      const copies = await Promise.all(stores.map((store) => follow(store, 'plan')))
      const reference = new Y.Doc()
      const writers = stores.map((store) => ({ doc: new Y.Doc(), commits: new GroupCommit(store) }))
      const done: Promise<unknown>[] = []
      let count = 0
      for (const { doc, commits } of writers) {
        doc.on('update', (update: Uint8Array, origin: unknown) => {
          if (origin !== undefined && origin !== null) return
          count++
          Y.applyUpdate(reference, update)
          done.push(commits.append(stored('plan', update)))
        })
      }
      for (let step = 0; step < 150; step++) {
        const { doc } = writers[roll(3)] as (typeof writers)[number]
        const text = doc.getText('content')
        const what = roll(10)
        if (what < 6) text.insert(roll(text.length + 1), String.fromCharCode(97 + roll(26)).repeat(1 + roll(20)))
        else if (what < 8 && text.length > 0) text.delete(roll(text.length), 1)
        else if (what === 8) Y.applyUpdate(doc, Y.encodeStateAsUpdate(reference), 'others')
        else done.push(...[any(), any()].map((store) => store.fold('plan')))
        if (step % 40 === 20) await cut()
        if (step % 4 === 0) await new Promise(setImmediate)
      }
      await Promise.all(done)
      const expected = reference.getText('content').toString()
      expect(textOf((await any().load('plan')).updates)).toBe(expected)
      expect(await numberOf(prefix, 'plan')).toBe(count)
      for (const [i, copy] of copies.entries()) {
        Y.applyUpdate(copy.doc, Y.encodeStateAsUpdate((writers[i] as (typeof writers)[number]).doc))
        await eventually(() => expect(copy.text).toBe(expected))
      }
      const left = Number(await redis.command('XLEN', keyOf(prefix, 'u:plan')))
      expect(left).toBeLessThan(count / 2)
    },
    30_000,
  )

  it('[Y27] write no snapshot of a fold that lost its lease to another one', async () => {
    const prefix = nextPrefix()
    const [a, b] = [openStore(redis.url, prefix), openStore(redis.url, prefix)]
    const doc = new Y.Doc()
    await a.append(typed('one ', doc).map((each) => stored('plan', each)))
    const { reached, letGo } = holdFold(a)
    const late = a.fold('plan')
    await reached
    await b.fold('plan') // while the lease is there
    expect(await redis.command('EXISTS', keyOf(prefix, 's:plan'))).toBe(0)
    await redis.command('DEL', keyOf(prefix, 'f:plan'))
    await b.append(typed('two ', doc).map((each) => stored('plan', each)))
    await b.fold('plan')
    await b.append(typed('three', doc).map((each) => stored('plan', each)))
    const before = await b.find('plan')
    letGo()
    await late
    expect(await b.find('plan')).toEqual(before)
    expect(textOf((await a.load('plan')).updates)).toBe('one two three')
  })

  it('[Y27] write no snapshot of changes that Redis has lost since', async () => {
    const lossy = await startRedis()
    onTestFinished(() => lossy.stop())
    const prefix = nextPrefix()
    const [a, b] = [openStore(lossy.url, prefix), openStore(lossy.url, prefix)]
    const doc = new Y.Doc()
    await a.append(typed('old ', doc).map((each) => stored('plan', each)))
    const dump = await lossy.dump()
    await a.append(typed('lost ', new Y.Doc()).map((each) => stored('plan', each)))
    const { reached, letGo } = holdFold(a)
    const late = a.fold('plan')
    await reached
    await lossy.restore(dump)
    await b.append(typed('new, and longer', doc).map((each) => stored('plan', each)))
    letGo()
    await late
    expect(textOf((await b.load('plan')).updates)).toBe('old new, and longer')
  })

  it('[Y23] store a call once that is sent again, and read on where a message was lost', async () => {
    const prefix = nextPrefix()
    const [a, b] = [openStore(redis.url, prefix), openStore(redis.url, prefix)]
    const copy = await follow(b, 'plan')
    const commits = new GroupCommit(a)
    const doc = new Y.Doc()
    const appended: Promise<void>[] = []
    for (let round = 0; round < 20; round++) {
      appended.push(...typed('x', doc).map((each) => commits.append(stored('plan', each))))
      if (round % 5 === 0) await cut()
      else await new Promise(setImmediate)
    }
    await Promise.all(appended)
    expect(await numberOf(prefix, 'plan')).toBe(20)
    await eventually(() => expect(copy.text).toBe('x'.repeat(20)))
    expect(copy.restored).toBe(0)
  })

  it('[Y28] refuse changes while Redis is full, and remove documents nevertheless', async () => {
    const prefix = nextPrefix()
    const [a, b] = [openStore(redis.url, prefix), openStore(redis.url, prefix)]
    const large = stored('plan', new Uint8Array(200_000).fill(1))
    await a.append([large])
    await redis.command('CONFIG', 'SET', 'maxmemory', '1000000')
    onTestFinished(async () => void (await redis.command('CONFIG', 'SET', 'maxmemory', '0')))
    await expect(a.append([large])).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 })
    expect(await b.change('plan', { isLocked: true })).toMatchObject({ isLocked: true })
    expect(await b.remove('plan')).toBe('ann')
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    expect(await a.append([stored('other', new Uint8Array([0, 0]))])).toEqual([undefined])
  })

  it('[Y28] announce a change that is larger than a message may be, and split calls that are', async () => {
    const prefix = nextPrefix()
    const [a, b] = [openStore(redis.url, prefix), openStore(redis.url, prefix)]
    const copy = await follow(b, 'plan')
    const doc = new Y.Doc()
    const updates = [...typed('a', doc)]
    doc.on('update', (update: Uint8Array) => void updates.push(update))
    for (let i = 0; i < 4; i++) doc.getText('content').insert(0, 'y'.repeat(700_000))
    expect(await a.append(updates.map((each) => stored('plan', each)))).toEqual(Array(5).fill(undefined))
    await eventually(() => expect(copy.text).toHaveLength(2_800_001))
  })

  it('[Y17] wait for a Redis that is away only so long, and so many', async () => {
    const store = openStore('redis://127.0.0.1:1', nextPrefix(), { deadlineMs: 1_200 })
    const waiting = Array.from({ length: 10_000 }, () => store.change('plan', { title: 'x' }).catch(({ code }) => code))
    await expect(store.remove('plan')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(store.find('plan')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['UNAVAILABLE']))
  })

  it('[Y17] that a newer version has written to stop the start with a sentence', async () => {
    const redisPrefix = nextPrefix()
    await redis.command('HSET', keyOf(redisPrefix, 'docs'), 'form', '9')
    await expect(serve({ settings: { redisUrl: redis.url, redisPrefix } })).rejects.toThrow(
      'Redis holds documents in form 9, and this version knows form 1.',
    )
  })

  it('[Y26] follow again, and show their cursors again, after the others took them for dead', async () => {
    const prefix = nextPrefix()
    const [a, b] = [openStore(redis.url, prefix), openStore(redis.url, prefix)]
    const copy = await follow(a, 'plan')
    await redis.command('ZREM', keyOf(prefix, 'nodes'), a.node)
    await redis.command('HDEL', keyOf(prefix, 'docs'), `k:${a.node}`)
    await redis.command('HDEL', keyOf(prefix, 'd:plan'), 'nodes')
    await b.append(typed('meanwhile').map((each) => stored('plan', each)))
    await eventually(() => expect([copy.text, copy.returns]).toEqual(['meanwhile', 1]))
    await b.append(typed(' and after').map((each) => stored('plan', each)))
    await eventually(() => expect(copy.text).toContain(' and after'))
    expect(copy.restored).toBe(0)
  })
})

describe('the progress of a copy', () => {
  it('[Y23] knows whether a change is missing, in whatever order they come', () => {
    const progress = new Progress()
    progress.reached(3, 'c')
    expect([progress.has(5, 'e'), progress.has(7, 'g'), progress.v]).toEqual([false, false, 3])
    expect([progress.has(4, 'd'), progress.v, progress.tag]).toEqual([false, 5, 'e'])
    expect([progress.has(2, 'b'), progress.has(6, 'f'), progress.v, progress.tag]).toEqual([false, true, 7, 'g'])
    progress.has(9, 'i')
    progress.reached(8, 'h')
    expect([progress.hasHole, progress.v, progress.tag]).toEqual([false, 9, 'i'])
  })
})
