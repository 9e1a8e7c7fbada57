/** Repeats under a key: the first reply, whatever it was, and a handler that runs once. */
import { rmSync } from 'node:fs'
import { createLocalBroker } from '@roomful/server/testing'
import { createTestServer, SeededRandom, type TestServer, type VirtualClock } from '@roomful/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteLog } from '../../src/adapters/brokers/local/index.ts'
import { ackArgs } from '../../src/core/base/contract.ts'
import type { Stored } from '../../src/core/log/effects.ts'
import type { Context } from '../../src/core/requests/context.ts'
import { makeFolder } from '../local-broker/opening.ts'
import { audience } from './audience.ts'

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0 }

/** A handler that makes its answers up, and says how often it ran. */
function makeUp(server: TestServer, answer: (run: number) => unknown, roomId = 'x'): { runs: number } {
  const counter = { runs: 0 }
  server.get('/').on('do', (ctx) => {
    counter.runs++
    ctx.append(roomId, 'done', { run: counter.runs })
    ctx.toAll(roomId).emit('beside', { run: counter.runs })
    return answer(counter.runs)
  })
  return counter
}

function serverOn(folder: string, clock?: VirtualClock): Promise<TestServer> {
  return createTestServer({
    settings: UNLIMITED,
    ...(clock ? { clock } : {}),
    broker: (_memory, clock) =>
      createLocalBroker({ log: openSqliteLog({ folder, clock, random: new SeededRandom('repeats') }) }),
  })
}

describe('a repeat', () => {
  it.each([
    ['a value', (run: number) => ({ ticket: `T${run}` })],
    ['nothing', () => undefined],
    ['null', () => null],
    ['text', (run: number) => `* ${run}`],
    ['several values', (run: number) => ackArgs(run, 'of', run)],
    ['bytes', (run: number) => ({ bytes: new Uint8Array([run, 255]) })],
    [
      'what was stored and more',
      (run: number) =>
        ([stored]: readonly Stored[]) => ({ seq: stored?.seq, run }),
    ],
    ['a function that answers nothing', () => () => undefined],
  ])('[K1] [G3] gets the first reply: %s', async (_what, answer) => {
    await using server = await createTestServer()
    const counter = makeUp(server, answer)
    const { a, b } = await audience(server, { a: [], b: ['x'] })
    const raw = async (client: typeof a): Promise<unknown> => {
      client.forget()
      await client.request('do', {}, { key: 'k', id: 7 })
      return client.messages(({ ack }) => ack === 7)
    }
    const first = await raw(a)
    const tab = await server.connect({ user: 'a' })
    expect([await raw(a), await raw(tab)]).toEqual([first, first])
    expect(counter.runs).toBe(1)
    expect(b.messages('done')).toHaveLength(1)
    expect(b.messages('beside')).toHaveLength(1)
  })

  it.each([
    ['a value', (run: number) => ({ ticket: run })],
    ['a function', (run: number) => () => ({ ticket: run })],
  ])('[K7] [G3] gets it after a restart too: %s', async (_what, answer) => {
    const folder = makeFolder()
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const before = await serverOn(folder)
    const first = makeUp(before, answer)
    const a = await before.connect({ user: 'a' })
    expect((await a.request('do', {}, { key: 'k' })).data).toEqual({ ticket: 1 })
    await before.close()

    await using after = await serverOn(folder, before.clock)
    const second = makeUp(after, (run) => ({ ticket: 100 + run }))
    const again = await after.connect({ user: 'a' })
    expect((await again.request('do', {}, { key: 'k' })).data).toEqual({ ticket: 1 })
    expect([first.runs, second.runs]).toEqual([1, 0])
  })

  it('[K8] [G3] waits for the first one when that still runs, from whatever connection', async () => {
    await using server = await createTestServer()
    let runs = 0
    server.get('/').on('slow', async (ctx) => {
      runs++
      ctx.append('x', 'done', {})
      await new Promise<void>((resolve) => void server.clock.after(1_000, resolve))
      return { run: runs }
    })
    const { a, b } = await audience(server, { a: [], b: ['x'] })
    const tab = await server.connect({ user: 'a' })
    const ids = [a.post('slow', {}, { key: 'k' }), a.post('slow', {}, { key: 'k' })]
    const there = [tab.post('slow', {}, { key: 'k' }), tab.post('slow', { other: true }, { key: 'k' })]
    await server.advance(1_100)
    expect(ids.map((id) => a.answer(id)?.data)).toEqual([{ run: 1 }, { run: 1 }])
    expect(tab.answer(there[0] as number)?.data).toEqual({ run: 1 })
    expect(tab.answer(there[1] as number)?.error?.code).toBe('CONFLICT')
    expect(runs).toBe(1)
    expect(b.messages('done')).toHaveLength(1)
  })

  it('[K8] runs when the first one failed, which stored nothing', async () => {
    await using server = await createTestServer()
    let runs = 0
    server.get('/').on('slow', async (ctx) => {
      const run = ++runs
      ctx.append('x', 'done', { run })
      await new Promise<void>((resolve) => void server.clock.after(100, resolve))
      if (run === 1) throw new Error('not yet')
      return { run }
    })
    const { a, b } = await audience(server, { a: [], b: ['x'] })
    const tab = await server.connect({ user: 'a' })
    const [first, second] = [a.post('slow', {}, { key: 'k' }), tab.post('slow', {}, { key: 'k' })]
    await server.advance(300)
    expect(a.answer(first)?.error?.code).toBe('INTERNAL')
    expect(tab.answer(second)?.data).toEqual({ run: 2 })
    expect(b.messages('done')).toMatchObject([{ run: 2 }])
  })

  it('[K8] [Q5] has its own deadline while it waits, and leaves nothing behind', async () => {
    await using server = await createTestServer({ settings: { handlerTimeoutMs: 1_000 } })
    let runs = 0
    server.get('/').on('hangs', () => (++runs === 1 ? new Promise(() => undefined) : { run: runs }))
    const a = await server.connect({ user: 'a' })
    const tab = await server.connect({ user: 'a' })
    const first = a.post('hangs', {}, { key: 'k' })
    await server.advance(500)
    const second = tab.post('hangs', {}, { key: 'k' })
    await server.advance(600)
    expect(a.answer(first)?.error?.code).toBe('TIMEOUT')
    await server.settle()
    expect(tab.answer(second)?.data).toEqual({ run: 2 })
    expect((await a.request('hangs', {}, { key: 'k' })).data).toEqual({ run: 3 }) // nothing was stored
  })

  it('[K8] [Q5] [G3] waits for what a handler that timed out is still storing', async () => {
    await using server = await createTestServer({
      settings: { handlerTimeoutMs: 1_000 },
      broker: (broker, clock) => ({
        ...broker,
        append: (namespace, batch) => void clock.after(2_000, () => broker.append(namespace, batch)),
      }),
    })
    const repeats: boolean[] = []
    server.get('/').on('half', async (ctx) => {
      repeats.push(ctx.isRepeat)
      return { seq: (await ctx.publish('x', 'part', {})).seq }
    })
    const a = await server.connect({ user: 'a' })
    const first = a.post('half', {}, { key: 'k' })
    await server.advance(1_500)
    expect(a.answer(first)?.error?.code).toBe('TIMEOUT')
    a.post('half', {}, { key: 'k' })
    await server.advance(400)
    expect(repeats).toEqual([false])
    await server.advance(200)
    expect(repeats).toEqual([false, true])
  })

  it('[K8] [Q5] [G3] is not overtaken by a handler that timed out and would store something later', async () => {
    await using server = await createTestServer({ settings: { handlerTimeoutMs: 1_000 } })
    const late: unknown[] = []
    server.get('/').on('late', async (ctx) => {
      if (late.length > 0) return (await ctx.publish('x', 'part', {})).seq
      late.push('began')
      await new Promise<void>((resolve) => void server.clock.after(1_500, resolve))
      await ctx.publish('x', 'part', { isLate: true }).catch((error: { code: string }) => late.push(error.code))
      return 0
    })
    const { a, b } = await audience(server, { a: [], b: ['x'] })
    const first = a.post('late', {}, { key: 'k' })
    await server.advance(1_100)
    expect(a.answer(first)?.error?.code).toBe('TIMEOUT')
    expect((await a.request('late', {}, { key: 'k' })).data).toBe(1)
    await server.advance(1_000)
    expect(late).toEqual(['began', 'TIMEOUT'])
    expect(b.messages('part')).toHaveLength(1)
  })

  it('[K1] gets it although the user may no longer ask for it', async () => {
    let isAllowed = true
    await using server = await createTestServer({
      setUp: (it) => {
        const namespace = it.namespace('/')
        namespace.room('x', { allow: { publish: () => isAllowed } })
        it.chat(namespace)
      },
    })
    const { a } = await audience(server, { a: ['x'] })
    const say = (key: string) => a.request('message:send', { roomId: 'x', content: 'hi' }, { key })
    const first = await say('k')
    isAllowed = false
    expect((await say('other')).error?.code).toBe('FORBIDDEN')
    expect(await say('k')).toEqual(first)
  })

  it('[K9] of an answer too long to be kept asks the handler again, and adds nothing', async () => {
    await using server = await createTestServer({ settings: { ratePerMinute: 1 } })
    const counter = makeUp(server, (run) => ({ text: 'x'.repeat(5_000), run }))
    const { a, b } = await audience(server, { a: [], b: ['x'] })
    await a.request('do', {}, { key: 'k' })
    const again = await a.request('do', {}, { key: 'k' }) // beyond the messages of a minute
    expect(again.data).toMatchObject({ run: 2 })
    expect(counter.runs).toBe(2)
    expect([b.messages('done').length, b.messages('beside').length]).toEqual([1, 1])
  })

  it('[K9] of a request that appended nothing runs again', async () => {
    await using server = await createTestServer()
    let runs = 0
    server.get('/').on('look', (ctx: Context) => ({ run: ++runs, key: ctx.key }))
    const a = await server.connect({ user: 'a' })
    await a.request('look', {}, { key: 'k' })
    expect((await a.request('look', {}, { key: 'k' })).data).toEqual({ run: 2, key: 'k' })
  })

  it('[G3] an answer that JSON cannot say stores nothing under a key', async () => {
    await using server = await createTestServer()
    const counter = makeUp(server, (run) => (run === 1 ? { big: 1n } : { run }))
    const { a, b } = await audience(server, { a: [], b: ['x'] })
    expect((await a.request('do', {}, { key: 'k' })).error?.code).toBe('INTERNAL')
    expect(b.messages('done')).toEqual([])
    expect((await a.request('do', {}, { key: 'k' })).data).toEqual({ run: 2 })
    expect(counter.runs).toBe(2)
  })

  it('[G3] of a request that stored in the middle and at its end adds neither again', async () => {
    await using server = await createTestServer()
    let runs = 0
    server.get('/').on('both', async (ctx) => {
      runs++
      const one = await ctx.publish('x', 'part', { part: 1 })
      const two = await ctx.publish('x', 'part', { part: 2 })
      ctx.append('x', 'part', { part: 3 })
      return { seqs: [one.seq, two.seq], run: runs }
    })
    const { a, b } = await audience(server, { a: [], b: ['x'] })
    const first = await a.request('both', {}, { key: 'k' })
    expect(first.data).toEqual({ seqs: [1, 2], run: 1 })
    expect(await a.request('both', {}, { key: 'k' })).toEqual(first)
    expect(b.messages('part').map(({ part }) => part)).toEqual([1, 2, 3])
  })

  it('[G3] finishes what a first try left half done', async () => {
    await using server = await createTestServer()
    let runs = 0
    server.get('/').on('half', async (ctx) => {
      const stored = await ctx.publish('x', 'part', {})
      if (++runs === 1) throw new Error('killed here')
      return { seq: stored.seq, duplicate: stored.duplicate }
    })
    const { a, b } = await audience(server, { a: [], b: ['x'] })
    expect((await a.request('half', {}, { key: 'k' })).error?.code).toBe('INTERNAL')
    expect((await a.request('half', {}, { key: 'k' })).data).toEqual({ seq: 1, duplicate: true })
    expect(b.messages('part')).toHaveLength(1)
  })

  it('[Q10] is UNAVAILABLE while the log cannot tell whether it is one', async () => {
    let isBroken = true
    await using server = await createTestServer({
      broker: (broker) => ({
        ...broker,
        claim: (...args) => (isBroken ? Promise.reject(new Error('EIO')) : broker.claim(...args)),
      }),
    })
    const counter = makeUp(server, (run) => ({ run }))
    const a = await server.connect({ user: 'a' })
    expect((await a.request('do', {}, { key: 'k' })).error?.code).toBe('UNAVAILABLE')
    isBroken = false
    expect((await a.request('do', {}, { key: 'k' })).data).toEqual({ run: 1 })
    expect(counter.runs).toBe(1)
  })
})
