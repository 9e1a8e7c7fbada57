/** Messages that are written in pieces: for who reads along, who comes later, who comes back, and who stops them. */
import type { MessageStream } from '@roomful/server'
import { createLocalBroker, createMemoryLog } from '@roomful/server/testing'
import { createTestServer, SeededRandom, type TestClient, type TestServer, VirtualClock } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'
import { textsOf } from './texts-of.ts'

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0, streamPiecesPerSecond: 0, streamCharsPerSecond: 0 }
const ASSISTANT = { userId: 'assistant', name: 'Assistant' }

/** A message of the server in room x. */
function open(server: TestServer, more: { key?: string; userId?: string } = {}): Promise<MessageStream> {
  return done(server, server.get('/').stream('x', 'message:new', ASSISTANT, more))
}

/** Lets the turns go on that the promise needs. */
async function done<T>(server: TestServer, promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined) // the caller gets it
  await server.settle()
  return promise
}

async function begin(client: TestClient, content?: string): Promise<number> {
  const { data, error } = await client.request('message:stream', { roomId: 'x', ...(content ? { content } : {}) })
  if (error) throw new Error(error.message)
  return data.seq
}

describe('a message in pieces', () => {
  it('[D17] goes to who reads along: one event, one piece a turn, one end', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const answer = await open(server)
    await server.settle()
    for (const word of ['Hello', ', ', 'world']) answer.append(word)
    await server.settle()
    answer.append('!')
    await expect(done(server, answer.complete({ model: 'small' }))).resolves.toEqual({ state: 'complete', length: 13 })
    await server.settle()
    const ts = server.clock.now()
    const stored = { roomId: 'x', ts }
    for (const client of [ann, bob]) {
      expect(client.received).toEqual([
        { type: 'chat:message', ...ASSISTANT, content: '', streaming: true, ...stored, seq: 1, id: 'x-1' },
        { type: 'message:piece', roomId: 'x', seq: 1, at: 0, text: 'Hello, world' },
        { type: 'message:piece', roomId: 'x', seq: 1, at: 12, text: '!' },
        {
          ...{ type: 'message:ended', target: 1, state: 'complete', length: 13, extra: { model: 'small' } },
          ...{ ...stored, seq: 2, id: 'x-2' },
        },
      ])
    }
    const { events } = await server.get('/').history('x', { limit: 10 })
    expect(events[0]).toEqual({
      ...{ type: 'message:new', ...ASSISTANT, content: 'Hello, world!', state: 'complete', extra: { model: 'small' } },
      ...{ ...stored, seq: 1, id: 'x-1' },
    })
  })

  it.each(['plain', 'v1'] as const)(
    '[D17] who joins in the middle gets the text so far, then the rest (%s)',
    async (dialect) => {
      await using server = await createTestServer({ settings: UNLIMITED })
      const { ann } = await audience(server, { ann: ['x'] })
      const answer = await open(server)
      answer.append('one ')
      await done(server, answer.flushed())
      const bob = await server.connect({ user: 'bob', dialect })
      await bob.request('room:join', 'x')
      await server.settle()
      expect(textsOf(bob)).toEqual({ 1: { text: 'one ', state: 'streaming' } })
      answer.append('two')
      await server.settle()
      await done(server, answer.complete())
      await server.settle()
      const whole = { 1: { text: 'one two', state: 'complete' } }
      expect(textsOf(bob)).toEqual(whole)
      expect(textsOf(ann)).toEqual(whole)
    },
  )

  it.each([
    ['before it began', 0],
    ['in the middle of it', 1],
  ])('[D17] [G4] who comes back with a position of %s gets it whole, and the rest once', async (_when, seq) => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann } = await audience(server, { ann: ['x'] })
    const { epoch } = (await ann.request('room:join', 'x')).data
    const answer = await open(server)
    answer.append('one ')
    await done(server, answer.flushed())
    ann.cut()
    answer.append('two ')
    await done(server, answer.flushed())
    const again = await server.connect({ user: 'ann' })
    await again.request('room:join', { roomId: 'x', after: { epoch, seq } })
    await server.settle()
    expect(again.messages('chat:message')).toHaveLength(1)
    expect(textsOf(again)).toEqual({ 1: { text: 'one two ', state: 'streaming' } })
    answer.append('three')
    await server.settle()
    await done(server, answer.complete())
    await server.settle()
    expect(textsOf(again)).toEqual({ 1: { text: 'one two three', state: 'complete' } })
  })

  it.each([100, 0])(
    '[D17] [G4] who was away when it ended gets it whole before its end (%i events in memory)',
    async (historySize) => {
      await using server = await createTestServer({ settings: { ...UNLIMITED, historySize } })
      const { ann } = await audience(server, { ann: ['x'] })
      const { epoch } = (await ann.request('room:join', 'x')).data
      const answer = await open(server)
      answer.append('one ')
      await done(server, answer.flushed())
      ann.cut()
      answer.append('two')
      await done(server, answer.complete())
      for (const seq of [0, 1]) {
        const again = await server.connect({ user: 'ann' })
        await again.request('room:join', { roomId: 'x', after: { epoch, seq } })
        await server.settle()
        expect(textsOf(again)).toEqual({ 1: { text: 'one two', state: 'complete' } })
        expect(again.messages('message:ended')).toMatchObject([{ seq: 2, target: 1, length: 7 }])
      }
    },
  )

  it('[D17] [G5] a slow link gets fewer and longer pieces, and no byte of memory more', async () => {
    await using server = await createTestServer({ settings: { ...UNLIMITED, outboxBytes: 10_000 } })
    const { slow, quick } = await audience(server, { slow: ['x'], quick: ['x'] })
    slow.wire.stall()
    const answer = await open(server)
    for (let i = 0; i < 200; i++) {
      answer.append(`${'x'.repeat(1_000)} `)
      await done(server, answer.flushed())
    }
    expect(slow.wire.queuedBytes).toBeLessThan(13_000)
    slow.wire.drain()
    await server.settle()
    const { text } = textsOf(slow)[1] as { text: string }
    expect(text).toHaveLength(200_200)
    expect(slow.messages('message:piece').length).toBeLessThan(20)
    slow.wire.stall()
    for (let i = 0; i < 20; i++) {
      answer.append('y'.repeat(1_000))
      await done(server, answer.flushed())
    }
    await done(server, answer.complete())
    slow.wire.drain()
    await server.settle()
    expect(textsOf(slow)).toEqual(textsOf(quick))
    expect(textsOf(slow)[1]).toMatchObject({ state: 'complete' })
  })

  it('[D17] is one message to a classic client, when it has ended', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const old = await server.connect({ user: 'old' })
    old.send({ type: 'join', room: 'x' })
    await server.settle()
    old.forget()
    const answer = await open(server)
    answer.append('one ')
    await done(server, answer.flushed())
    answer.append('two')
    await done(server, answer.complete())
    await server.settle()
    expect(old.received).toMatchObject([{ type: 'message', room: 'x', from: 'Assistant', text: 'one two', seq: 1 }])
    const late = await server.connect({ user: 'late' })
    late.send({ type: 'join', room: 'x' })
    await server.settle()
    expect(late.messages('message')).toEqual([])
  })

  it('[D17] of a client: begins, grows, ends; requests need not wait for each other', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const seq = await begin(ann, 'Once ')
    ann.post('message:append', { roomId: 'x', seq, at: 5, text: 'upon ' })
    ann.post('message:append', { roomId: 'x', seq, at: 10, text: 'a time' })
    const { data } = await ann.request('message:complete', { roomId: 'x', seq, extra: { mood: 'good' } })
    expect(data).toEqual({ status: 'ok', length: 16 })
    for (const client of [ann, bob])
      expect(textsOf(client)).toEqual({ 1: { text: 'Once upon a time', state: 'complete' } })
    const again = await ann.request('message:complete', { roomId: 'x', seq })
    expect(again.data).toEqual({ status: 'ok', length: 16 })
  })

  it('[D17] of a client that is not in its room: the log is read once, not for each piece, and the room is freed after', async () => {
    let reads = 0
    const broker = () => {
      const local = createLocalBroker({
        log: createMemoryLog({ clock: new VirtualClock(), random: new SeededRandom(1) }),
      })
      const growing = local.growing.bind(local)
      return Object.assign(local, {
        growing: (namespace: string, roomId: string) => {
          reads++
          return growing(namespace, roomId)
        },
      })
    }
    await using server = await createTestServer({ settings: UNLIMITED, broker })
    const ann = await server.connect({ user: 'ann' })
    const seq = await begin(ann)
    for (let at = 0; at < 20; at++) await ann.request('message:append', { roomId: 'x', seq, at, text: '.' })
    expect(reads).toBe(1)
    const { rooms } = server.get('/').state
    expect(rooms.has('x')).toBe(true)
    const { data } = await ann.request('message:complete', { roomId: 'x', seq })
    expect(data).toEqual({ status: 'ok', length: 20 })
    expect(rooms.has('x')).toBe(false)
    // One that is taken back has no end.
    const other = await begin(ann, 'secret')
    await ann.request('message:append', { roomId: 'x', seq: other, at: 6, text: '!' })
    await ann.request('message:redact', { roomId: 'x', seq: other })
    await server.advance(61_000)
    expect(rooms.has('x')).toBe(false)
  })

  it('[D17] repeats of a piece change nothing, a gap says how long the message is', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann } = await audience(server, { ann: ['x'] })
    const seq = await begin(ann)
    const append = (at: number, text: string) => ann.request('message:append', { roomId: 'x', seq, at, text })
    expect((await append(0, 'abc')).data).toEqual({ status: 'ok', length: 3 })
    expect((await append(0, 'abc')).data).toEqual({ status: 'ok', length: 3 })
    expect((await append(5, 'xyz')).error).toMatchObject({ code: 'CONFLICT', length: 3 })
    expect((await append(2, 'cde')).error).toMatchObject({ code: 'CONFLICT', length: 3 })
    expect((await append(3, 'def')).data).toEqual({ status: 'ok', length: 6 })
    expect(textsOf(ann)).toEqual({ 1: { text: 'abcdef', state: 'streaming' } })
  })

  it('[D17] is written and ended by its writer only, and not after its end', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const seq = await begin(ann, 'mine')
    const of = { roomId: 'x', seq }
    expect((await bob.request('message:append', { ...of, at: 4, text: '!' })).error?.code).toBe('FORBIDDEN')
    for (const event of ['message:complete', 'message:cancel']) {
      expect((await bob.request(event, of)).error?.code).toBe('FORBIDDEN')
    }
    expect((await ann.request('message:edit', { ...of, content: 'other' })).error?.code).toBe('CONFLICT')
    expect((await ann.request('message:cancel', { ...of, reason: 'changed my mind' })).data).toEqual({
      status: 'ok',
      length: 4,
    })
    expect((await ann.request('message:append', { ...of, at: 4, text: '!' })).error).toMatchObject({
      code: 'CONFLICT',
      message: 'This message has ended',
    })
    expect((await ann.request('message:complete', of)).error).toMatchObject({ code: 'CONFLICT', state: 'cancelled' })
    for (const wrong of [9, 2]) {
      const { error } = await ann.request('message:append', { roomId: 'x', seq: wrong, at: 0, text: '!' })
      expect(['NOT_FOUND', 'CONFLICT']).toContain(error?.code)
    }
    expect((await ann.request('message:append', { roomId: 'nowhere', seq: 1, at: 0, text: '!' })).error?.code).toBe(
      'NOT_FOUND',
    )
    expect(server.get('/').state.rooms.has('nowhere')).toBe(false)
    await server.settle()
    expect(textsOf(bob)).toEqual({ 1: { text: 'mine', state: 'cancelled' } })
  })

  it('[D17] comes with its text so far to a member that joins once more without a position', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const seq = await begin(ann, 'Once ')
    await server.settle()
    // The answer to its first join came too late for it, and so did the beginning.
    bob.received.length = 0
    await bob.request('room:join', { roomId: 'x' })
    await server.settle()
    expect(textsOf(bob)).toEqual({ [seq]: { text: 'Once ', state: 'streaming' } })
    await ann.request('message:append', { roomId: 'x', seq, at: 5, text: 'upon' })
    await server.settle()
    expect(textsOf(bob)).toEqual({ [seq]: { text: 'Once upon', state: 'streaming' } })
  })

  it('[D17] answers a repeated piece with the length, also when the first answer was lost with its server', async () => {
    await using server = await createTestServer({
      settings: UNLIMITED,
      broker: (broker) => ({ ...broker, saveAck: () => undefined }),
    })
    const { ann } = await audience(server, { ann: ['x'] })
    const piece = { roomId: 'x', seq: await begin(ann), at: 0, text: 'Once ' }
    for (const _ of ['first', 'again']) {
      const { data } = await ann.request('message:append', piece, { key: 'a-key-of-sixteen-or-more' })
      expect(data).toEqual({ status: 'ok', length: 5 })
    }
  })

  it('[D17] is stopped once: who comes second has stopped nothing', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob, eve } = await audience(server, { ann: ['x'], bob: ['x'], eve: ['x'] })
    const seq = await begin(ann, 'never ending')
    const stops = [bob, eve].map((client) => client.request('message:stop', { roomId: 'x', seq }))
    const answers = await Promise.all(stops)
    expect(answers.map(({ data }) => data)).toEqual([
      { status: 'ok', state: 'cancelled', length: 12 },
      { status: 'ok', state: 'cancelled', length: 12 },
    ])
    await server.settle()
    expect(ann.messages('message:stop')).toEqual([{ type: 'message:stop', roomId: 'x', seq, userId: 'bob' }])
    expect(ann.messages('message:ended')).toMatchObject([{ state: 'cancelled', userId: 'bob' }])
  })

  it('[D17] is stopped from any device: its writer hears it, and members see it cancelled', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob, eve } = await audience(server, { ann: ['x'], bob: ['x'], eve: [] })
    const seq = await begin(ann, 'never ending')
    expect((await eve.request('message:stop', { roomId: 'x', seq })).error?.code).toBe('NOT_IN_ROOM')
    const { data } = await bob.request('message:stop', { roomId: 'x', seq })
    expect(data).toEqual({ status: 'ok', state: 'cancelled', length: 12 })
    await server.settle()
    expect(ann.messages('message:stop')).toEqual([{ type: 'message:stop', roomId: 'x', seq, userId: 'bob' }])
    expect(bob.messages('message:stop')).toEqual([])
    expect(ann.messages('message:ended')).toMatchObject([{ state: 'cancelled', userId: 'bob' }])
    const answer = await open(server)
    answer.append('and ')
    await done(server, answer.flushed())
    await ann.request('message:stop', { roomId: 'x', seq: answer.seq })
    expect(answer.signal.aborted).toBe(true)
    answer.append('on')
    await expect(answer.complete()).resolves.toEqual({ state: 'cancelled', length: 4 })
    await server.settle()
    expect(textsOf(bob)).toEqual({
      1: { text: 'never ending', state: 'cancelled' },
      3: { text: 'and ', state: 'cancelled' },
    })
  })

  it('[D17] a room may say who stops a message', async () => {
    await using server = await createTestServer({
      settings: UNLIMITED,
      setUp: (kit) => void kit.chat(kit.namespace('/').room('*', { allow: { stop: ({ sub }) => sub === 'ann' } })),
    })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const { seq } = await open(server)
    expect((await bob.request('message:stop', { roomId: 'x', seq })).error?.code).toBe('FORBIDDEN')
    expect((await ann.request('message:stop', { roomId: 'x', seq })).error).toBeUndefined()
  })

  it('[D17] a stop and an end at once: the first decides, for everyone', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    for (let i = 0; i < 5; i++) {
      const seq = await begin(ann, 'text')
      const ended = ann.post('message:complete', { roomId: 'x', seq })
      const stopped = bob.post('message:stop', { roomId: 'x', seq })
      await server.settle()
      const state = textsOf(bob)[seq]?.state
      expect(textsOf(ann)[seq]?.state).toBe(state)
      expect(ann.messages((m) => m.type === 'message:ended' && m.target === seq)).toHaveLength(1)
      if (state === 'complete') expect(bob.answer(stopped)?.data).toMatchObject({ state: 'complete' })
      else expect(ann.answer(ended)?.error).toMatchObject({ code: 'CONFLICT', state: 'cancelled' })
    }
  })

  it('[D17] whose writer is gone is interrupted, after a stated time', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const seq = await begin(ann, 'I was just ')
    ann.cut()
    await server.advance(29_000)
    expect(textsOf(bob)[seq]?.state).toBe('streaming')
    await server.advance(2_000)
    expect(textsOf(bob)[seq]).toEqual({ text: 'I was just ', state: 'interrupted' })
    const { events } = await server.get('/').history('x', { limit: 10 })
    expect(events[0]).toMatchObject({ content: 'I was just ', state: 'interrupted' })
  })

  it('[D17] of a server that only thinks is not interrupted', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann } = await audience(server, { ann: ['x'] })
    const answer = await open(server)
    await server.advance(120_000)
    answer.append('42')
    await done(server, answer.complete())
    await server.settle()
    expect(textsOf(ann)).toEqual({ 1: { text: '42', state: 'complete' } })
    expect(ann.messages('message:piece')).toHaveLength(1)
  })

  it('[D17] a source that fails interrupts the message, one that ends completes it', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann } = await audience(server, { ann: ['x'] })
    const good = await open(server)
    await done(server, good.write(words('a', 'b', 'c')))
    const bad = await open(server)
    await done(server, bad.write(words('a', 'b', new Error('out of memory'))))
    await server.settle()
    expect(textsOf(ann)).toEqual({
      1: { text: 'abc', state: 'complete' },
      3: { text: 'ab', state: 'interrupted' },
    })
    expect(JSON.stringify(ann.received)).not.toContain('out of memory')
  })

  it('[D17] is added to also while its room is being opened by another join', async () => {
    const clock = new VirtualClock()
    const storage = createMemoryLog({ clock, random: new SeededRandom(1) })
    const before = await createTestServer({
      ...{ clock, storage, settings: UNLIMITED },
      broker: () => createLocalBroker({ log: storage }),
    })
    const { ann } = await audience(before, { ann: ['x'] })
    await ann.request('state:set', { roomId: 'x', name: 'topic', value: 'Tea' })
    const seq = await begin(ann)
    const read = Promise.withResolvers<void>()
    const broker = () => {
      const local = createLocalBroker({ log: storage })
      const state = local.state.bind(local)
      return Object.assign(local, {
        state: async (namespace: string, roomId: string) => {
          await read.promise
          return state(namespace, roomId)
        },
      })
    }
    const next = await createTestServer({ clock, storage, settings: UNLIMITED, broker })
    const [writer, bob] = [await next.connect({ user: 'ann' }), await next.connect({ user: 'bob' })]
    bob.request('room:join', 'x').catch(() => undefined) // it is not answered yet
    await next.settle()
    const { data } = await writer.request('message:append', { roomId: 'x', seq, at: 0, text: 'Once' })
    expect(data).toEqual({ status: 'ok', length: 4 })
    read.resolve()
    await next.settle()
    await bob.request('room:join', 'x')
    await next.settle()
    expect(textsOf(bob)).toEqual({ [seq]: { text: 'Once', state: 'streaming' } })
  })

  it('[D17] after a crash its writer goes on under its key', async () => {
    const clock = new VirtualClock()
    const storage = createMemoryLog({ clock, random: new SeededRandom(1) })
    const start = () =>
      createTestServer({ clock, storage, settings: UNLIMITED, broker: () => createLocalBroker({ log: storage }) })
    const server = await start()
    const { ann } = await audience(server, { ann: ['x'] })
    const { epoch } = (await ann.request('room:join', 'x')).data
    const before = await open(server, { key: 'answer-1' })
    before.append('one ')
    await done(server, before.flushed())
    // No goodbye: the next process finds what is stored.
    const next = await start()
    const again = await next.connect({ user: 'ann' })
    await again.request('room:join', { roomId: 'x', after: { epoch, seq: 1 } })
    await next.settle()
    expect(textsOf(again)).toEqual({ 1: { text: 'one ', state: 'streaming' } })
    const soon = await open(next, { key: 'answer-1' })
    expect(soon).toMatchObject({ seq: 1, length: 4, state: 'streaming' })
    soon.append('two ')
    await done(next, soon.flushed())
    await next.settle()
    expect(textsOf(again)).toEqual({ 1: { text: 'one two ', state: 'streaming' } })

    const last = await start()
    const late = await last.connect({ user: 'ann' })
    await late.request('room:join', { roomId: 'x', after: { epoch, seq: 1 } })
    await last.advance(31_000)
    expect(textsOf(late)).toEqual({ 1: { text: 'one two ', state: 'interrupted' } })
    const resumed = await open(last, { key: 'answer-1' })
    await last.settle()
    expect(textsOf(late)).toEqual({ 1: { text: 'one two ', state: 'streaming' } })
    resumed.append('three')
    await done(last, resumed.complete())
    await last.settle()
    expect(textsOf(late)).toEqual({ 1: { text: 'one two three', state: 'complete' } })
    expect(await open(last, { key: 'answer-1' })).toMatchObject({ seq: 1, state: 'complete', length: 13 })
    for (const each of [server, next, last]) await each.close()
  })

  it('[D17] [M12] taken back while it is written, it ends, and nothing of it stays', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    const seq = await begin(ann, 'secret')
    expect((await ann.request('message:redact', { roomId: 'x', seq })).error).toBeUndefined()
    const { error } = await ann.request('message:append', { roomId: 'x', seq, at: 6, text: '!' })
    expect(error?.code).toBe('NOT_FOUND')
    const cy = await server.connect({ user: 'cy' })
    await cy.request('room:join', { roomId: 'x', after: 0 })
    await server.settle()
    expect(JSON.stringify(cy.received)).not.toContain('secret')
    expect(bob.messages('message:redacted')).toHaveLength(1)
  })

  it('[D17] limits of its own: pieces and characters a second, length, and messages at once', async () => {
    await using server = await createTestServer({
      settings: {
        ratePerSecond: 10,
        ratePerMinute: 0,
        streamPiecesPerSecond: 20,
        streamCharsPerSecond: 1_000,
        streamMaxLength: 5_000,
      },
    })
    const { ann } = await audience(server, { ann: ['x'] })
    const seq = await begin(ann)
    const append = (at: number, text: string) => ann.request('message:append', { roomId: 'x', seq, at, text })
    for (let at = 0; at < 20; at++) expect((await append(at, 'a')).error).toBeUndefined()
    expect((await append(20, 'a')).error).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 1 })
    await server.advance(1_000)
    expect((await append(20, 'b'.repeat(800))).error).toBeUndefined()
    expect((await append(820, 'b'.repeat(800))).error?.code).toBe('RATE_LIMITED')
    await server.advance(1_000)
    expect((await append(820, 'c'.repeat(5_000))).error?.code).toBe('TOO_LARGE')
    expect(server.observed('rate-limited')).toMatchObject([{ scope: 'stream' }, { scope: 'stream' }])
    const answer = await open(server)
    expect(() => answer.append('d'.repeat(5_001))).toThrow('at most 5000 characters')
    for (let i = 0; i < 98; i++) await open(server)
    await expect(open(server)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  })

  it.each([
    ['message:stream', { roomId: 'x', content: 5 }, 'INVALID_MESSAGE'],
    ['message:append', { roomId: 'x', seq: 1, at: -1, text: 'a' }, 'INVALID_MESSAGE'],
    ['message:append', { roomId: 'x', seq: '1', at: 0, text: 'a' }, 'INVALID_MESSAGE'],
    ['message:append', { roomId: 'x', seq: 1, at: 0 }, 'INVALID_MESSAGE'],
    ['message:append', { roomId: '', seq: 1, at: 0, text: 'a' }, 'ROOM_NAME_INVALID'],
    ['message:complete', { roomId: 'x', seq: 7 }, 'NOT_FOUND'],
    ['message:stop', { roomId: 'x', seq: 7 }, 'NOT_FOUND'],
  ])('[D17] refuses %s %j with %s, and the connection goes on', async (event, data, code) => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { ann } = await audience(server, { ann: ['x'] })
    const { error } = await ann.request(event, data)
    expect(error).toMatchObject({ code })
    expect(error?.message).toMatch(/\w+ \w+/)
    expect((await ann.request('room:list')).error).toBeUndefined()
  })
})

async function* words(...parts: readonly (string | Error)[]): AsyncGenerator<string> {
  for (const part of parts) {
    if (part instanceof Error) throw part
    yield part
  }
}
