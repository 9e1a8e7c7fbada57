/** Keys, acknowledgements and the log: what an answer promises. */
import { createKey } from '@roomful/protocol'
import { appending, createTestServer, type TestServerOptions } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

type Middle = NonNullable<TestServerOptions['broker']>

/** Every append takes its time. */
const slowly =
  (ms: number): Middle =>
  (broker, clock) =>
    appending(broker, async (appends, store) => {
      const results = await store(appends)
      await new Promise<void>((resolve) => void clock.after(ms, resolve))
      return results
    })

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0 }

describe('an acknowledgement', () => {
  it('[G2] comes after the commit, and the sender hears its own event before it', async () => {
    await using server = await createTestServer({ broker: slowly(70) })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    const id = a.post('message:send', { roomId: 'x', content: 'hi' })
    await server.advance(69)
    expect([a.received, b.received]).toEqual([[], []])
    await server.advance(1)
    expect(a.received.map(({ type }) => type)).toEqual(['chat:message', 'ack'])
    expect(a.answer(id)?.data).toMatchObject({ status: 'ok', id: 'x-1', seq: 1 })
    expect(b.messages('chat:message')).toHaveLength(1)
  })

  it('[G2] batches on their way are released in order, also when a later one is stored first', async () => {
    const waits = [100, 10, 50]
    await using server = await createTestServer({
      settings: UNLIMITED,
      broker: (broker, clock) =>
        appending(broker, async (appends, store) => {
          const results = await store(appends)
          await new Promise<void>((resolve) => void clock.after(waits.shift() ?? 0, resolve))
          return results
        }),
    })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    for (const content of ['1', '2', '3']) {
      a.post('message:send', { roomId: 'x', content })
      await server.settle()
    }
    await server.advance(60)
    expect(b.received).toEqual([])
    await server.advance(40)
    expect(b.messages('chat:message').map(({ content }) => content)).toEqual(['1', '2', '3'])
    expect(a.messages('ack').map(({ data }) => data.seq)).toEqual([1, 2, 3])
  })

  it('[G2] says UNAVAILABLE when nothing was stored; no client receives anything, and the server goes on', async () => {
    let isDown = true
    await using server = await createTestServer({
      settings: UNLIMITED,
      broker: (broker) =>
        appending(broker, (appends, store) => (isDown ? Promise.reject(new Error('ENOSPC')) : store(appends))),
    })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    const { error } = await a.request('message:send', { roomId: 'x', content: 'lost' })
    expect(error).toMatchObject({ code: 'UNAVAILABLE' })
    expect(JSON.stringify(error)).not.toContain('ENOSPC')
    expect(server.observed('commit:failed')).toHaveLength(1)
    isDown = false
    expect((await a.request('message:send', { roomId: 'x', content: 'kept' })).data).toMatchObject({ seq: 1 })
    expect(b.messages('chat:message').map(({ content }) => content)).toEqual(['kept'])
  })

  it('[G2] does not pretend to know: an unknown outcome asks for a repeat with the key', async () => {
    let isLost = true
    await using server = await createTestServer({
      settings: UNLIMITED,
      broker: (broker) =>
        appending(broker, async (appends, store) => {
          const results = await store(appends)
          return isLost ? results.map(() => ({ status: 'unknown' as const })) : results
        }),
    })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    const say = (content: string) => a.request('message:send', { roomId: 'x', content }, { key: `key of ${content}` })
    expect((await say('one')).error).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('same key'),
    })
    isLost = false
    expect((await say('one')).data).toMatchObject({ status: 'ok', seq: 1 })
    expect((await say('two')).data).toMatchObject({ status: 'ok', seq: 2 })
    // What nobody was told of shows as a hole, is read from the log, and comes before what follows it.
    expect(b.messages('chat:message').map(({ content }) => content)).toEqual(['one', 'two'])
  })
})

describe('a key', () => {
  it('[G3] makes a repeat harmless: the first reply, and nothing added', async () => {
    await using server = await createTestServer()
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    const first = await a.request('message:send', { roomId: 'x', content: 'hi' }, { key: 'k1' })
    const again = await a.request('message:send', { roomId: 'x', content: 'hi' }, { key: 'k1' })
    expect(again).toEqual(first)
    expect(b.messages('chat:message')).toMatchObject([{ seq: 1, key: 'k1' }])
  })

  it('[G3] an id of 16 or more characters is one, a shorter id is not', async () => {
    await using server = await createTestServer()
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    for (const id of ['0123456789abcdef', '0123456789abcdef', 'short', 'short']) {
      await a.request('message:send', { roomId: 'x', content: 'hi' }, { id })
    }
    expect(b.messages('chat:message').map(({ seq }) => seq)).toEqual([1, 2, 3])
  })

  it('[G3] two repeats in one turn are one', async () => {
    await using server = await createTestServer({ broker: slowly(10) })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    const ids = [1, 2, 3].map(() => a.post('message:send', { roomId: 'x', content: 'hi' }, { key: 'k1' }))
    await server.advance(10)
    expect(ids.map((id) => a.answer(id)?.data.seq)).toEqual([1, 1, 1])
    expect(b.messages('chat:message')).toHaveLength(1)
  })

  it('[G3] with other content is CONFLICT', async () => {
    await using server = await createTestServer()
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    await a.request('message:send', { roomId: 'x', content: 'hi' }, { key: 'k1' })
    const other = await a.request('message:send', { roomId: 'x', content: 'ho' }, { key: 'k1' })
    expect(other.error).toMatchObject({ code: 'CONFLICT' })
    const elsewhere = await a.request('message:send', { roomId: 'y', content: 'hi' }, { key: 'k1' })
    expect(elsewhere.error).toMatchObject({ code: 'CONFLICT' })
    expect(b.messages('chat:message')).toHaveLength(1)
  })

  it('[G3] belongs to its user, over all of the user’s connections', async () => {
    await using server = await createTestServer()
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    const tab = await server.connect({ user: 'a', dialect: 'v1' })
    const say = { roomId: 'x', content: 'hi' }
    const first = await a.request('message:send', say, { key: 'k1' })
    expect((await tab.request('message:send', say, { key: 'k1' })).data).toEqual(first.data)
    expect((await b.request('message:send', say, { key: 'k1' })).data).toMatchObject({ seq: 2 })
  })

  it('[G3] of a guest belongs to this guest', async () => {
    await using server = await createTestServer()
    const say = { roomId: 'x', content: 'hi' }
    for (const seq of [1, 2]) {
      const guest = await server.connect({ namespace: '/public', name: 'ann' })
      expect((await guest.request('message:send', say, { key: 'k1' })).data).toMatchObject({ seq })
      guest.close()
    }
  })

  it('[G3] older than the window is EXPIRED and never executed', async () => {
    await using server = await createTestServer({
      settings: { dedupeWindowMs: 60_000 },
      log: { dedupeWindowMs: 60_000 },
    })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    const key = createKey(server.clock.now(), (bytes) => bytes.fill(7))
    const say = { roomId: 'x', content: 'hi' }
    expect((await a.request('message:send', say, { key })).data).toMatchObject({ seq: 1 })
    await server.advance(59_000)
    expect((await a.request('message:send', say, { key })).data).toMatchObject({ seq: 1 })
    await server.advance(2_000)
    expect((await a.request('message:send', say, { key })).error).toMatchObject({ code: 'EXPIRED' })
    expect(b.messages('chat:message')).toHaveLength(1)
  })

  it('[G3] of a request that failed before it was stored can be used again', async () => {
    let mayPass = false
    await using server = await createTestServer()
    server.get('/').on('do', (ctx) => {
      if (!mayPass) throw new Error('not yet')
      ctx.append('x', 'done', {})
      return ([stored]: readonly { seq: number }[]) => ({ seq: stored?.seq })
    })
    const a = await server.connect({ user: 'a' })
    expect((await a.request('do', {}, { key: 'k' })).error?.code).toBe('INTERNAL')
    mayPass = true
    expect((await a.request('do', {}, { key: 'k' })).data).toEqual({ seq: 1 })
  })

  it('[G3] covers several appends of one request, in several rooms', async () => {
    await using server = await createTestServer()
    server.get('/').on('both', (ctx) => {
      ctx.append('x', 'part', { n: 1 })
      ctx.append('y', 'part', { n: 2 })
      return (stored: readonly { id: string; duplicate: boolean }[]) => ({ ids: stored.map(({ id }) => id) })
    })
    const { a, b } = await audience(server, { a: [], b: ['x', 'y'] })
    const first = await a.request('both', {}, { key: 'k' })
    expect(first.data).toEqual({ ids: ['x-1', 'y-1'] })
    expect(await a.request('both', {}, { key: 'k' })).toEqual(first)
    expect(b.messages('part').map(({ roomId, n }) => [roomId, n])).toHaveLength(2)
  })
})
