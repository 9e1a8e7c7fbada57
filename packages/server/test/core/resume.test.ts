/** Coming back: exactly what was missed, in order, once; or a plain word that something is gone. */
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0 }

async function say(client: TestClient, count: number, roomId = 'x'): Promise<void> {
  for (let i = 0; i < count; i++) await client.request('message:send', { roomId, content: `${roomId}${i}` })
}

const seqs = (client: TestClient, roomId = 'x'): number[] =>
  client
    .messages((m) => ['chat:message', 'message:new'].includes(m.type ?? m.event) && m.roomId === roomId)
    .map(({ seq }) => seq)

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Ann was in room x until message 2; then `missed` more came. */
async function missed(server: TestServer, count: number): Promise<{ epoch: string; bob: TestClient }> {
  const ann = await server.connect({ user: 'ann' })
  const bob = await server.connect({ user: 'bob' })
  await bob.request('room:join', 'x')
  const { data } = await ann.request('room:join', { roomId: 'x' })
  await say(bob, 2)
  expect(seqs(ann)).toEqual([1, 2])
  ann.cut()
  await say(bob, count)
  return { epoch: data.epoch, bob }
}

describe('resume', () => {
  it('[J25] of a session keeps the connection its id and its data, in v1 too', async () => {
    await using server = await createTestServer({
      setUp: (given) => {
        given.namespace('/').on('set', ({ connection }, team: string) => {
          connection.data.team = team
        })
      },
    })
    const ann = await server.connect({ user: 'ann', dialect: 'v1' })
    await ann.request('set', 'red')
    ann.cut()
    await server.settle()
    const again = await server.connect({ user: 'ann', dialect: 'v1', session: ann.session })
    expect(again.messages('opened')).toMatchObject([{ recovered: true, id: ann.id }])
    expect(server.get('/').connections.get(ann.id)?.data).toEqual({ team: 'red' })
    const other = await server.connect({ user: 'bob', dialect: 'v1', session: ann.session })
    expect(other.id).not.toBe(ann.id)
    expect(server.get('/').connections.get(other.id)?.data).toEqual({})
  })

  it.each(['plain', 'v1'] as const)('[G4] [C18] exactly what was missed, before what is live (%s)', async (dialect) => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { epoch, bob } = await missed(server, 5)
    const ann = await server.connect({ user: 'ann', dialect })
    const id = ann.post('room:join', { roomId: 'x', after: { epoch, seq: 2 } })
    bob.post('message:send', { roomId: 'x', content: 'live' })
    await server.settle()
    expect(ann.answer(id)?.data).toMatchObject({ recovered: true, epoch })
    expect(seqs(ann)).toEqual(range(3, 8))
    const order = ann.received.map((m) => (m.ack === id ? 'answer' : (m.type ?? m.event)))
    expect(order.indexOf('answer')).toBeLessThan(order.indexOf(dialect === 'v1' ? 'message:new' : 'chat:message'))
  })

  it('[P8] what one read from the log is at hand for the next, also when the room was empty for a while', async () => {
    let reads = 0
    await using server = await createTestServer({
      settings: UNLIMITED,
      broker: (broker) => ({
        ...broker,
        read: (...args) => {
          reads++
          return broker.read(...args)
        },
      }),
    })
    const { epoch, bob } = await missed(server, 50)
    bob.close()
    await server.advance(10_000)
    for (let i = 0; i < 20; i++) {
      const client = await server.connect({ user: `u${i}` })
      await client.request('room:join', { roomId: 'x', after: { epoch, seq: 2 } })
      await server.settle()
      expect(seqs(client)).toEqual(range(3, 52))
    }
    expect(reads).toBe(1)
  })

  it('[G4] a number alone is a position in the log that is there', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    await missed(server, 3)
    const ann = await server.connect({ user: 'ann' })
    expect((await ann.request('room:join', { roomId: 'x', after: 3 })).data).toMatchObject({ recovered: true, seq: 5 })
    expect(seqs(ann)).toEqual([4, 5])
  })

  it('a first join replays nothing, and knows its position from the answer', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { bob } = await missed(server, 3)
    const ann = await server.connect({ user: 'ann' })
    const { data } = await ann.request('room:join', { roomId: 'x' })
    expect(data).toMatchObject({ seq: 5, count: 2 })
    expect(data).not.toHaveProperty('recovered')
    await say(bob, 1)
    expect(seqs(ann)).toEqual([6])
  })

  it('[G4] [C21] reaches beyond what is in memory, in pages', async () => {
    await using server = await createTestServer({ settings: { ...UNLIMITED, historySize: 10 } })
    const { epoch, bob } = await missed(server, 350)
    const ann = await server.connect({ user: 'ann' })
    const id = ann.post('room:join', { roomId: 'x', after: { epoch, seq: 2 } })
    bob.post('message:send', { roomId: 'x', content: 'live' })
    await server.settle()
    await say(bob, 3)
    expect(ann.answer(id)?.data.recovered).toBe(true)
    expect(seqs(ann)).toEqual(range(3, 356))
    expect(server.get('/').connections.get(ann.id)?.behind).toBeUndefined()
  })

  it('[G4] trimmed: says so, from where on, and gives what there is', async () => {
    await using server = await createTestServer({ settings: { ...UNLIMITED, historySize: 5 }, log: { retention: 20 } })
    const { epoch, bob } = await missed(server, 48)
    bob.close()
    const ann = await server.connect({ user: 'ann' })
    const { data } = await ann.request('room:join', { roomId: 'x', after: { epoch, seq: 2 } })
    expect(data).toMatchObject({ recovered: false, reason: 'trimmed', from: 31, to: 50, seq: 50 })
    expect(seqs(ann)).toEqual(range(31, 50))
  })

  it('[G4] trimmed: also when the room was open all the time', async () => {
    await using server = await createTestServer({ settings: { ...UNLIMITED, historySize: 5 }, log: { retention: 20 } })
    const { epoch, bob } = await missed(server, 48)
    expect((await bob.request('presence:get', 'x')).data.count).toBe(1) // bob held the room open
    const ann = await server.connect({ user: 'ann' })
    const { data } = await ann.request('room:join', { roomId: 'x', after: { epoch, seq: 10 } })
    expect(data.recovered).toBe(false)
    expect(seqs(ann)).toEqual(range(data.from, 50))
  })

  it('[G4] too far: the latest replayMax events', async () => {
    await using server = await createTestServer({ settings: { ...UNLIMITED, replayMax: 10 } })
    const { epoch } = await missed(server, 48)
    const ann = await server.connect({ user: 'ann' })
    const { data } = await ann.request('room:join', { roomId: 'x', after: { epoch, seq: 2 } })
    expect(data).toMatchObject({ recovered: false, reason: 'too_far', from: 41, to: 50 })
    expect(seqs(ann)).toEqual(range(41, 50))
  })

  it('[G4] another epoch, or a position ahead of the log: the log is not the one you knew', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { epoch } = await missed(server, 3)
    for (const after of [{ epoch: 'other', seq: 2 }, { epoch, seq: 99 }, 99]) {
      const ann = await server.connect({ user: 'ann' })
      const { data } = await ann.request('room:join', { roomId: 'x', after })
      expect(data).toMatchObject({ recovered: false, reason: 'epoch', from: 1, to: 5, epoch })
      expect(seqs(ann)).toEqual(range(1, 5))
    }
  })

  it('[G1] several rooms resumed together come in the order of their commits', async () => {
    await using server = await createTestServer({ settings: { ...UNLIMITED, historySize: 3 } })
    const bob = await server.connect({ user: 'bob' })
    for (let i = 0; i < 60; i++) await say(bob, 1, ['x', 'y', 'z'][(i * i) % 3])
    const ann = await server.connect({ user: 'ann', dialect: 'v1' })
    for (const roomId of ['x', 'y', 'z']) ann.post('room:join', { roomId, after: 0 })
    await server.settle()
    const events = ann.messages('message:new')
    expect(events).toHaveLength(60)
    for (const roomId of ['x', 'y', 'z']) {
      const own = events.filter((event) => event.roomId === roomId)
      expect(own.map(({ seq }) => seq)).toEqual(range(1, own.length))
    }
  })

  it('[G4] resuming a room one is in already tells what came after the position again, and nothing is missing', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { bob } = await missed(server, 3)
    const ann = await server.connect({ user: 'ann' })
    await ann.request('room:join', { roomId: 'x' })
    await say(bob, 2)
    await ann.request('room:join', { roomId: 'x', after: 4 })
    await say(bob, 1)
    expect(seqs(ann)).toEqual([6, 7, 5, 6, 7, 8])
  })

  it('[G4] redacted events keep their number', async () => {
    await using server = await createTestServer({ settings: { ...UNLIMITED, historySize: 0 } })
    const { epoch } = await missed(server, 4)
    await server.get('/').redact('x', 4)
    const ann = await server.connect({ user: 'ann' })
    await ann.request('room:join', { roomId: 'x', after: { epoch, seq: 2 } })
    expect(seqs(ann)).toEqual([3, 4, 5, 6])
    expect(ann.messages('chat:message').slice(0, 2)).toEqual([
      expect.objectContaining({ seq: 3, content: expect.any(String) }),
      { type: 'chat:message', roomId: 'x', seq: 4, ts: expect.any(Number), id: 'x-4', redacted: true },
    ])
  })

  it('[G4] a log that cannot be read closes with 1013: never a silent hole', async () => {
    let isBroken = false
    await using server = await createTestServer({
      settings: { ...UNLIMITED, historySize: 2 },
      broker: (broker) => ({
        ...broker,
        read: (...args) => (isBroken ? Promise.reject(new Error('EIO')) : broker.read(...args)),
      }),
    })
    const { epoch } = await missed(server, 20)
    isBroken = true
    const ann = await server.connect({ user: 'ann' })
    await ann.request('room:join', { roomId: 'x', after: { epoch, seq: 2 } })
    await server.settle()
    expect(ann.closed?.code).toBe(1013)
    expect(seqs(ann)).toEqual([])
  })

  it('[P8] equal reads that are under way are shared', async () => {
    let reads = 0
    await using server = await createTestServer({
      settings: { ...UNLIMITED, historySize: 2 },
      broker: (broker, clock) => ({
        ...broker,
        async read(...args) {
          reads++
          await new Promise<void>((resolve) => void clock.after(5, resolve))
          return broker.read(...args)
        },
      }),
    })
    const { epoch } = await missed(server, 50)
    const clients = await Promise.all(Array.from({ length: 100 }, (_, i) => server.open({ user: `u${i}` })))
    await server.settle()
    for (const client of clients) client.post('room:join', { roomId: 'x', after: { epoch, seq: 2 } })
    await server.advance(1_000)
    for (const client of clients) expect(seqs(client)).toEqual(range(3, 52))
    expect(reads).toBeLessThanOrEqual(2)
  })
})

describe('a session', () => {
  it('[C18] is resumed by its token, and of two overlapping ones the newer lives', async () => {
    await using server = await createTestServer()
    const first = await server.connect({ user: 'ann', dialect: 'v1' })
    const second = await server.connect({ user: 'ann', dialect: 'v1', session: first.session })
    expect(await second.next('opened')).toMatchObject({ recovered: true, session: first.session })
    await server.settle()
    expect(first.messages('closed')).toMatchObject([{ code: 4005 }])
    expect(first.closed?.code).toBe(4005)
    expect(server.get('/').connections.size).toBe(1)
    expect((await second.request('room:list')).data).toMatchObject({ status: 'ok' })
  })

  it('[C18] lives 120 s after a cut, and not after a goodbye', async () => {
    await using server = await createTestServer()
    const recovered = async (session: string | undefined): Promise<boolean> => {
      const client = await server.connect({ user: 'ann', dialect: 'v1', session })
      const opened = await client.next('opened')
      client.close()
      return opened.recovered
    }
    const cut = await server.connect({ user: 'ann', dialect: 'v1' })
    cut.cut()
    await server.advance(119_000)
    expect(await recovered(cut.session)).toBe(true)
    const late = await server.connect({ user: 'ann', dialect: 'v1' })
    late.cut()
    await server.advance(121_000)
    expect(await recovered(late.session)).toBe(false)
    const polite = await server.connect({ user: 'ann', dialect: 'v1' })
    polite.close()
    expect(await recovered(polite.session)).toBe(false)
    expect(await recovered('never-was')).toBe(false)
  })

  it('belongs to its user: another one with the token gets a fresh one, and the holder stays', async () => {
    await using server = await createTestServer()
    const ann = await server.connect({ user: 'ann', dialect: 'v1' })
    const thief = await server.connect({ user: 'eve', dialect: 'v1', session: ann.session })
    expect(await thief.next('opened')).toMatchObject({ recovered: false })
    expect(thief.session).not.toBe(ann.session)
    expect(ann.closed).toBeUndefined()
    ann.cut()
    await server.settle()
    const again = await server.connect({ user: 'eve', dialect: 'v1', session: ann.session })
    expect(await again.next('opened')).toMatchObject({ recovered: false })
  })
})
