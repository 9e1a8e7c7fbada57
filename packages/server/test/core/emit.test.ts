/** Whom an event reaches: every pattern of emitting, from the server and from a handler. */
import { createTestServer, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { defineContract, event } from '../../src/core/base/contract.ts'
import type { Context } from '../../src/core/requests/context.ts'
import { audience, copies } from './audience.ts'

const ROOMS = { a: ['x'], b: ['x', 'y'], c: ['y', 'z'], d: [] }

function serverWith(handler?: (context: Context) => unknown): Promise<TestServer> {
  return createTestServer({
    setUp: (server) => {
      const namespace = server.namespace('/')
      if (handler) namespace.on('go', handler)
    },
  })
}

async function afterGo(handler: (context: Context) => unknown): Promise<Record<string, number>> {
  await using server = await serverWith(handler)
  const clients = await audience(server, ROOMS)
  const { error } = await clients.b.request('go')
  expect(error).toBeUndefined()
  return copies(clients, 'note')
}

async function afterServer(emit: (server: TestServer, ids: Record<string, string>) => void) {
  await using server = await serverWith()
  const ids: Record<string, string> = {}
  server.get('/').hook('connect', (connection) => {
    ids[connection.user.sub] = connection.id
  })
  const clients = await audience(server, ROOMS)
  emit(server, ids)
  await server.settle()
  return copies(clients, 'note')
}

describe('the server emits', () => {
  it('[C8] to everyone', async () => {
    expect(await afterServer((server) => server.get('/').emit('note', { n: 1 }))).toEqual({ a: 1, b: 1, c: 1, d: 1 })
  })

  it('[B29] [C8] to one room', async () => {
    expect(await afterServer((server) => server.get('/').to('x').emit('note'))).toEqual({ a: 1, b: 1 })
  })

  it('[B29] [C8] to several rooms: a member of both gets one copy', async () => {
    expect(await afterServer((server) => server.get('/').to('x').to('y').emit('note'))).toEqual({ a: 1, b: 1, c: 1 })
    expect(await afterServer((server) => server.get('/').in(['x', 'y', 'x']).emit('note'))).toEqual({
      a: 1,
      b: 1,
      c: 1,
    })
  })

  it('[B29] to several rooms but not another', async () => {
    expect(await afterServer((server) => server.get('/').to(['x', 'y']).except('z').emit('note'))).toEqual({
      a: 1,
      b: 1,
    })
    expect(await afterServer((server) => server.get('/').except('x').emit('note'))).toEqual({ c: 1, d: 1 })
  })

  it('[C8] to one connection and to one user', async () => {
    expect(
      await afterServer((server, { d }) =>
        server
          .get('/')
          .to(d as string)
          .emit('note'),
      ),
    ).toEqual({ d: 1 })
    expect(await afterServer((server) => server.get('/').to('user:c').emit('note'))).toEqual({ c: 1 })
    expect(
      await afterServer((server, { b }) =>
        server
          .get('/')
          .to('x')
          .except(b as string)
          .emit('note'),
      ),
    ).toEqual({ a: 1 })
  })

  it('[B30] to a room that does not exist: nothing happens, and nothing is left of it', async () => {
    await using server = await serverWith()
    const clients = await audience(server, ROOMS)
    server.get('/').to('nowhere').emit('note')
    server.get('/').to('nowhere').to('elsewhere').emit('note')
    await server.settle()
    expect(copies(clients, 'note')).toEqual({})
    expect([...server.get('/').state.rooms.keys()]).toEqual(['x', 'y', 'z'])
  })

  it('carries several arguments and bytes', async () => {
    await using server = await serverWith()
    const { a } = await audience(server, { a: ['x'] })
    server
      .get('/')
      .to('x')
      .emit('two', 1, { b: new Uint8Array([1, 2]) })
    server.get('/').to('x').emit('list', [1, 2])
    server.get('/').to('x').emit('reserved', { id: 7 })
    await server.settle()
    expect(a.messages('two')).toEqual([{ type: 'two', args: [1, { b: { $binary: 'AQI=' } }] }])
    expect(a.messages('list')).toEqual([{ type: 'list', data: [1, 2] }])
    expect(a.messages('reserved')).toEqual([{ type: 'reserved', data: { id: 7 } }])
  })
})

describe('a handler emits', () => {
  it('[C8] to its own connection', async () => {
    expect(await afterGo((ctx) => ctx.emit('note'))).toEqual({ b: 1 })
  })

  it('[C8] to a room without and with the sender', async () => {
    expect(await afterGo((ctx) => ctx.to('x').emit('note'))).toEqual({ a: 1 })
    expect(await afterGo((ctx) => ctx.toAll('x').emit('note'))).toEqual({ a: 1, b: 1 })
  })

  it('[C8] to everyone else', async () => {
    expect(await afterGo((ctx) => ctx.broadcast.emit('note'))).toEqual({ a: 1, c: 1, d: 1 })
  })

  it('[B29] to all of its rooms but itself', async () => {
    expect(await afterGo((ctx) => ctx.toRooms().emit('note'))).toEqual({ a: 1, c: 1 })
    expect(await afterGo((ctx) => ctx.toRooms().except('z').emit('note'))).toEqual({ a: 1 })
  })

  it('[B29] to all of its rooms when it is in none: to nobody', async () => {
    await using server = await serverWith((ctx) => ctx.toRooms().emit('note'))
    const clients = await audience(server, ROOMS)
    await clients.d.request('go')
    expect(copies(clients, 'note')).toEqual({})
  })

  it('[B29] leaves all rooms', async () => {
    await using server = await serverWith((ctx) => ctx.leaveAll())
    const clients = await audience(server, ROOMS)
    await clients.b.request('go')
    server.get('/').to(['x', 'y']).emit('note')
    await server.settle()
    expect(copies(clients, 'note')).toEqual({ a: 1, c: 1 })
    expect(server.get('/').openRooms()).toEqual([
      { roomId: 'x', count: 1 },
      { roomId: 'y', count: 1 },
      { roomId: 'z', count: 1 },
    ])
  })

  it('keeps the order of a transient and a durable event of one room', async () => {
    await using server = await serverWith((ctx) => {
      ctx.to('x').emit('before')
      ctx.append('x', 'stored', { n: 1 })
      ctx.to('x').emit('after')
    })
    const { a, b } = await audience(server, { a: ['x'], b: ['x'] })
    await b.request('go')
    expect(a.received.map(({ type }) => type)).toEqual(['before', 'stored', 'after'])
    expect(b.received.map(({ type, ack }) => (type === 'ack' ? `ack ${ack}` : type))).toEqual([
      'stored',
      expect.stringMatching(/^ack/),
    ])
  })

  it('does nothing of what it recorded when it throws', async () => {
    await using server = await serverWith((ctx) => {
      ctx.toAll('x').emit('note')
      ctx.append('x', 'stored')
      ctx.leave('x')
      throw new Error('no')
    })
    const clients = await audience(server, ROOMS)
    expect((await clients.b.request('go')).error?.code).toBe('INTERNAL')
    expect(copies(clients, 'note')).toEqual({})
    expect(copies(clients, 'stored')).toEqual({})
    expect(server.get('/').state.rooms.get('x')?.head).toBe(0)
    expect(server.get('/').state.rooms.get('x')?.count).toBe(2)
  })
})

describe('an event of a contract', () => {
  const contract = defineContract({
    client: {},
    server: { saved: event({ durable: true }), cursor: event({ volatile: true }) },
  })

  it('is stored when it is durable, and then goes to exactly one room', async () => {
    await using server = await createTestServer({ setUp: (kit) => void kit.namespace('/', contract) })
    const { a } = await audience(server, { a: ['x', 'y'] })
    const namespace = server.get('/')
    namespace.to('x').emit('saved', { title: 't' })
    await server.settle()
    expect(a.messages('saved')).toMatchObject([{ title: 't', roomId: 'x', seq: 1, id: 'x-1' }])
    const refused = { code: 'DURABLE_NEEDS_ONE_ROOM' }
    expect(() => namespace.to('x').to('y').emit('saved', {})).toThrow(expect.objectContaining(refused))
    expect(() => namespace.to('x').except('y').emit('saved', {})).toThrow(expect.objectContaining(refused))
    expect(() => namespace.emit('saved', {})).toThrow(expect.objectContaining(refused))
    expect(() => namespace.to('x').volatile.emit('saved', {})).toThrow(expect.objectContaining(refused))
  })
})
