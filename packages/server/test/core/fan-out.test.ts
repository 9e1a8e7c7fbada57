/** One event to many members: encoded once, written once per turn, in one order, whoever goes away meanwhile. */
import { appending, createTestServer, type TestClient } from '@roomful/testkit'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { classicDialect, plainDialect, v1Dialect } from '../../src/adapters/transports/dialects.ts'
import { audience } from './audience.ts'

const UNLIMITED = { ratePerSecond: 0, ratePerMinute: 0 }

afterEach(() => {
  vi.restoreAllMocks()
})

describe('fan-out', () => {
  it('[A3.2] encodes an event once per wire form, whatever the number of members', async () => {
    await using server = await createTestServer()
    const rooms = (prefix: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, ['x']]))
    const plain = await audience(server, rooms('p', 60))
    const v1 = await audience(server, rooms('v', 30), { dialect: 'v1' })
    for (let i = 0; i < 20; i++) {
      const client = await server.connect({ user: `c${i}` })
      client.send({ type: 'join', room: 'x' })
    }
    await server.advance(5_000)
    const encodings = [plainDialect.encoding(0), v1Dialect.encoding(1), classicDialect.encoding(0)]
    const encodes = encodings.map((encoding) => vi.spyOn(encoding, 'encode'))
    await plain.p0?.request('message:send', { roomId: 'x', content: 'once' })
    server.get('/').to('x').emit('note')
    await server.settle()
    const types = encodes.map(({ mock }) => mock.calls.map(([event]) => event.type))
    expect(types).toEqual([
      ['message:new', 'note'],
      ['message:new', 'note'],
      ['message:new', 'note'],
    ])
    for (const client of Object.values(plain)) expect(client.messages('chat:message')).toHaveLength(1)
    for (const client of Object.values(v1)) expect(client.messages('message:new')).toHaveLength(1)
  })

  it('[P15] keeps of an event that everyone was sent only its row, which is that of the log', async () => {
    await using server = await createTestServer()
    const { ann } = await audience(server, { ann: ['x'], bob: ['x'] })
    await ann.request('message:send', { roomId: 'x', content: 'kept' })
    const event = server.get('/').state.rooms.get('x')?.tail.get(1)
    const parts = Object.values(event ?? {}).filter((value) => typeof value === 'object')
    expect(new Set(parts)).toEqual(new Set([event?.stored]))
    expect(event?.stored).toMatchObject({ type: 'message:new', roomId: 'x', seq: 1 })
    const encode = vi.spyOn(plainDialect.encoding(0), 'encode')
    const late = await audience(server, { cid: ['x'], dan: ['x'] })
    await late.cid.request('history:get', { roomId: 'x' })
    expect(encode.mock.calls.filter(([{ type }]) => type === 'message:new')).toEqual([])
  })

  it('[A3.2] writes once per link and turn, and members of the same rooms share the bytes', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    const written: (readonly Uint8Array[])[] = []
    for (const { wire } of [a, b]) {
      const write = wire.write.bind(wire)
      wire.write = (buffers) => {
        written.push(buffers)
        write(buffers)
      }
    }
    for (let i = 0; i < 10; i++) server.get('/').to('x').emit('note', i)
    await server.settle()
    expect(a.messages('note').map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(written).toHaveLength(2)
    expect(new Set(written.flat()).size).toBe(written[0]?.length)
  })

  it('[A3.1] goes on when clients go away in the middle of it', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const names = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`m${i}`, ['x']]))
    const clients = Object.values(await audience(server, names))
    const [first, second, third, ...rest] = clients as [TestClient, TestClient, TestClient, ...TestClient[]]
    // While the first one is written to, it resets, takes another one with it, and a third says goodbye.
    first.wire.write = () => {
      first.cut()
      second.cut()
      third.close()
    }
    await rest[0]?.request('message:send', { roomId: 'x', content: 'a' })
    await rest[0]?.request('message:send', { roomId: 'x', content: 'b' })
    for (const client of rest) expect(client.messages('chat:message').map(({ content }) => content)).toEqual(['a', 'b'])
    expect(server.get('/').state.rooms.get('x')?.connectionCount).toBe(rest.length)
    expect(server.hub.links.open.size).toBe(rest.length)
  })

  it('[A3.1] goes on when a subscriber of the server disconnects clients while they are told', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const { a, b, c } = await audience(server, { a: ['x'], b: ['x'], c: ['x'] })
    const namespace = server.get('/')
    namespace.hook('leave', (connection) => {
      if (connection.user.sub === 'a') namespace.disconnect('b')
    })
    a.cut()
    namespace.to('x').emit('note')
    await server.settle()
    expect(b.closed?.code).toBe(4009)
    expect(c.messages('user:left').map(({ userId }) => userId)).toEqual(['b', 'a'])
    expect(c.messages('note')).toHaveLength(1)
  })
})

describe('order', () => {
  it('[G1] [C21] everyone hears the durable events of several rooms in the order of their commits', async () => {
    await using server = await createTestServer({ settings: UNLIMITED })
    const rooms = ['x', 'y', 'z']
    const names = { a: rooms, b: rooms, c: ['x', 'z'] }
    const clients = Object.values(await audience(server, names, { dialect: 'v1' }))
    for (let i = 0; i < 60; i++) {
      const sender = clients[i % 3] as TestClient
      sender.post('message:send', { roomId: rooms[(i * 7) % 3], content: `${i}` })
      if (i % 5 === 0) await server.settle()
    }
    await server.settle()
    const [a, b, c] = clients.map((client) => client.messages('message:new'))
    const ns = a?.map(({ n }) => n as number) ?? []
    expect(ns).toHaveLength(60)
    expect(ns).toEqual([...ns].sort((left, right) => left - right))
    expect(b).toEqual(a)
    expect(c).toEqual(a?.filter(({ roomId }) => roomId !== 'y'))
    for (const roomId of rooms) {
      const seqs = a?.filter((each) => each.roomId === roomId).map(({ seq }) => seq)
      expect(seqs).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    }
  })

  it('[G1] requests of one connection run one after another, also when one takes its time', async () => {
    await using server = await createTestServer({
      setUp: (kit) => {
        const sleep = (ms: number) => new Promise<void>((resolve) => void kit.clock.after(ms, resolve))
        kit.namespace('/').on('say', async (ctx, word: string, ms: number) => {
          if (ms > 0) await sleep(ms)
          ctx.append('x', 'word', { word })
          return { word }
        })
      },
    })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    a.send({ type: 'say', args: ['slow', 100], id: 1 })
    a.send({ type: 'say', args: ['quick', 0], id: 2 })
    a.send({ type: 'say', args: ['slower', 200], id: 3 })
    a.send({ type: 'say', args: ['last', 0], id: 4 })
    await server.advance(1_000)
    const words = ['slow', 'quick', 'slower', 'last']
    expect(b.messages('word').map(({ word }) => word)).toEqual(words)
    expect(a.messages((m) => m.type === 'ack').map(({ data }) => data.word)).toEqual(words)
  })

  it('[G1] nobody waits for another connection, nor for the commit before starting the next request', async () => {
    const appended: number[] = []
    await using server = await createTestServer({
      settings: UNLIMITED,
      broker: (broker, clock) =>
        appending(broker, async (appends, store) => {
          appended.push(appends.length)
          await new Promise<void>((resolve) => void clock.after(50, resolve))
          return store(appends)
        }),
    })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    for (const client of [a, b, a, b]) client.post('message:send', { roomId: 'x', content: 'same turn' })
    await server.settle()
    a.post('message:send', { roomId: 'x', content: 'next turn, while the first is on its way' })
    await server.settle()
    expect(appended).toEqual([4, 1])
    expect(a.received).toEqual([])
    await server.advance(50)
    expect(b.messages('chat:message')).toHaveLength(5)
  })
})
