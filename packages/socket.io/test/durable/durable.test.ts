/** Durable events: stored before they are sent, numbered, and sent again to clients that come back. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Socket as ClientSocket } from 'socket.io-client'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Adapter } from '../../src/adapter.ts'
import { client, collect, connected, open, until } from '../lib/harness.ts'

const MEMORY = { events: ['message:new', 'order:*'], data: ':memory:' }
const durable = (more: object = {}) => open({ durable: { ...MEMORY, ...more } })

/** Cuts the link, as a lost network does; the client comes back by itself. */
async function cutAndBack(socket: ClientSocket, meanwhile: () => unknown): Promise<void> {
  const gone = new Promise((resolve) => socket.once('disconnect', resolve))
  socket.io.engine.close()
  await gone
  await meanwhile()
  await connected(socket)
}

async function membersOf(
  url: string,
  io: ReturnType<typeof open>['io'],
  names: readonly string[],
  transports?: string[],
) {
  io.on('connection', (socket) => {
    if (!socket.recovered) socket.join('room')
    socket.on('say', (text, answer) => {
      socket.to('room').emit('message:new', { text })
      answer?.({ ok: true })
    })
  })
  const clients = names.map((auth) => client(url, transports, { auth: { name: auth }, reconnectionDelay: 10 }))
  await Promise.all(clients.map(connected))
  await until(() => io.sockets.adapter.rooms.get('room')?.size === names.length)
  return clients
}

describe.each([[['websocket']], [['polling']]])('a durable event over %s', (transports) => {
  it('is stored before what follows it, and comes to everyone but its sender', async () => {
    const { io, url } = durable()
    const [ann, bob] = (await membersOf(url, io, ['ann', 'bob'], transports)) as [ClientSocket, ClientSocket]
    const seen = [collect(ann), collect(bob)]
    const answer = await ann.emitWithAck('say', 'hello')
    expect(answer).toEqual({ ok: true })
    const { events } = await io.history('room')
    expect(events).toMatchObject([{ event: 'message:new', args: [{ text: 'hello' }], seq: 1 }])
    await until(() => seen[1]?.length === 1)
    expect(seen[1]?.[0]?.slice(0, 2)).toEqual(['message:new', { text: 'hello' }])
    expect(seen[0]).toEqual([])
  })

  it('is in the history that a socket reads after it joined, or comes to it live', { timeout: 30_000 }, async () => {
    const data = mkdtempSync(join(tmpdir(), 'roomful-durable-'))
    onTestFinished(() => rmSync(data, { recursive: true, force: true }))
    const { io, url } = durable({ data })
    io.on('connection', (socket) => {
      socket.on('join', async (room, text, answer) => {
        io.to(room).emit('message:new', text) // on its way to the log when the socket joins
        socket.join(room)
        answer((await io.history(room)).events.map(({ args }) => args[0]))
      })
    })
    const ann = client(url, transports)
    await connected(ann)
    for (let i = 0; i < 20; i++) expect(await ann.emitWithAck('join', `room-${i}`, 'hello')).toEqual(['hello'])
  })

  it('is read again where events of another server were missed while a client came back', async () => {
    const { io, url } = open({
      durable: MEMORY,
      connectionStateRecovery: { skipMiddlewares: false, maxDisconnectionDuration: 60_000 },
    })
    let links = 0
    io.engine.on('connection', () => links++)
    let isHeld = false
    const checked = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    io.use((_socket, next) => {
      if (!isHeld) return next()
      checked.resolve()
      held.promise.then(() => next())
    })
    const [ann] = (await membersOf(url, io, ['ann'], transports)) as [ClientSocket]
    const seen = collect(ann)
    io.to('room').emit('message:new', 'before')
    await until(() => seen.length === 1)
    isHeld = true
    await cutAndBack(ann, async () => {
      await checked.promise
      ;(io.sockets.adapter as unknown as { onHole(roomId: string): void }).onHole('room')
      isHeld = false
      held.resolve()
    })
    await until(() => links === 3)
    await until(() => ann.connected && ann.recovered)
    io.to('room').emit('message:new', 'after')
    await until(() => seen.length === 2)
    expect(seen.map(([, text]) => text)).toEqual(['before', 'after'])
  })

  it('is sent again to a client that was away, in order, and never to its sender', async () => {
    const { io, url } = durable()
    const [ann, bob] = (await membersOf(url, io, ['ann', 'bob'], transports)) as [ClientSocket, ClientSocket]
    const seen = [collect(ann), collect(bob)]
    await ann.emitWithAck('say', 'before')
    await until(() => seen[1]?.length === 1)
    const { id } = bob
    await cutAndBack(bob, async () => {
      await ann.emitWithAck('say', 'one')
      io.to('room').emit('order:paid', 7)
      io.emit('order:all', [1, 2])
      io.to('other').emit('message:new', 'not for bob')
      await ann.emitWithAck('say', 'two')
    })
    expect(bob.recovered).toBe(true)
    expect(bob.id).toBe(id)
    await until(() => seen[1]?.length === 5)
    expect(seen[1]?.map((event) => event.slice(0, 2))).toEqual([
      ['message:new', { text: 'before' }],
      ['message:new', { text: 'one' }],
      ['order:paid', 7],
      ['order:all', [1, 2]],
      ['message:new', { text: 'two' }],
    ])
    seen[0]?.splice(0)
    await cutAndBack(ann, () => io.to('room').emit('order:paid', 8))
    await until(() => seen[0]?.length === 1)
    expect(seen[0]?.map((event) => event.slice(0, 2))).toEqual([['order:paid', 8]])
  })
})

describe('what follows a durable event', () => {
  it('waits for it: other events, in their order', async () => {
    const { io, url } = durable()
    const [ann] = (await membersOf(url, io, ['ann'])) as [ClientSocket]
    const seen = collect(ann)
    for (let i = 0; i < 5; i++) {
      io.to('room').emit('message:new', i)
      io.to('room').emit('typing', i)
      io.sockets.sockets.get(ann.id as string)?.emit('alone', i)
    }
    await until(() => seen.length === 15)
    const expected = Array.from({ length: 5 }, (_, i) => [['message:new', i], ['typing', i], ['alone', i]]).flat() // biome-ignore format: rows
    expect(seen.map((event) => event.slice(0, 2))).toEqual(expected)
  })

  it('is no answer when it was not stored: durable_error says so, and no one gets the event', async () => {
    const { io, url } = durable()
    const [ann, bob] = (await membersOf(url, io, ['ann', 'bob'])) as [ClientSocket, ClientSocket]
    const heard = collect(bob)
    const failures: unknown[] = []
    io.on('durable_error', (error, event) => failures.push([error.message, event]))
    const answers: unknown[] = []
    io.sockets.sockets.get(ann.id as string)?.on('big', (answer) => {
      io.to('room').emit('message:new', 'x'.repeat(20_000_000))
      answer('stored')
    })
    ann.emit('big', (answer: unknown) => answers.push(answer))
    await until(() => failures.length > 0)
    expect(await ann.emitWithAck('say', 'small')).toEqual({ ok: true })
    await until(() => heard.length > 0)
    expect(answers).toEqual([])
    expect(heard.map((event) => event.slice(0, 2))).toEqual([['message:new', { text: 'small' }]])
    expect(failures).toMatchObject([[expect.any(String), { event: 'message:new', room: 'room' }]])
  })
})

describe('a handler for a client that is no socket', () => {
  it('is over once what it emitted is stored, and fails when that cannot be', async () => {
    const { io, url } = durable()
    const [ann] = (await membersOf(url, io, ['ann'])) as [ClientSocket]
    const heard = collect(ann)
    io.on('durable_error', () => undefined)
    const result = await io.sockets.stored(async () => {
      await Promise.resolve()
      io.to('room').emit('message:new', 'kept')
      return 'done'
    })
    expect(result).toBe('done')
    expect((await io.history('room')).events).toHaveLength(1)
    await expect(
      io.sockets.stored(() => io.to('room').emit('message:new', 'x'.repeat(20_000_000))),
    ).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(io.sockets.stored(() => Promise.reject(new Error('of the handler')))).rejects.toThrow('of the handler')
    await until(() => heard.length === 1)
    expect(heard[0]?.slice(0, 2)).toEqual(['message:new', 'kept'])
  })

  it('runs without durable events as well', async () => {
    const { io } = open()
    expect(await io.sockets.stored(() => 1)).toBe(1)
  })

  it('gets no bridge with an option that is none', () => {
    expect(() => durable({ bridge: 'some' })).toThrow('durable.bridge is durable or all')
  })
})

describe('a durable event that cannot be stored', () => {
  it('is sent to those connected now, with one warning for its name', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const { io, url } = durable()
    const [ann] = (await membersOf(url, io, ['ann'])) as [ClientSocket]
    const seen = collect(ann)
    io.to('room').to('other').emit('message:new', 1)
    io.to('room').volatile.emit('message:new', 2)
    io.in('room').except('other').emit('message:new', 3)
    io.to({ a: 'value' }).emit('message:new', 4)
    await until(() => seen.length === 2)
    expect((await io.history('room')).events).toEqual([])
    expect(warn.mock.calls.filter(([, type]) => (type as unknown) === 'RoomfulWarning')).toHaveLength(1)
    expect(warn.mock.calls[0]?.[0]).toMatch(/"message:new" is durable and is for several rooms/)
    warn.mockRestore()
  })

  it('is no matter of an adapter for Redis, which gets a sentence that names REDIS_URL', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    class RedisAdapter extends Adapter {}
    const { io } = open({ adapter: RedisAdapter as never })
    io.of('/more')
    expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual([expect.stringMatching(/^RedisAdapter .*REDIS_URL/)])
    warn.mockRestore()
  })

  it('throws with strict', () => {
    const { io } = durable({ strict: true })
    expect(() => io.to('a').to('b').emit('message:new', 1)).toThrow(/for several rooms/)
    expect(() => io.to('a').volatile.emit('order:paid', 1)).toThrow(/volatile/)
    expect(() => io.to('a').to('b').emit('typing', 1)).not.toThrow()
  })

  it('is refused as an option that makes no sense', () => {
    expect(() => open({ durable: [] })).toThrow(/names of events/)
    expect(() => durable({ sort: 1 })).toThrow('durable.sort is not an option')
    expect(() => durable({ transient: 'required' })).toThrow(/connectionStateRecovery/)
    expect(() => open({ durable: MEMORY, adapter: class {} })).toThrow(/leave the option adapter out/)
    expect(() => open().io.roomful).toThrow('io.roomful needs the option durable')
  })
})

describe('a room of any name', () => {
  it.each(['user:42', 42, '42', 'r:x', 'everyone'])('%j is stored, and no other room', async (room) => {
    const { io, url } = durable()
    io.on('connection', (socket) => void (socket.recovered || socket.join(room)))
    const ann = client(url, undefined, { reconnectionDelay: 10 })
    await connected(ann)
    await until(() => io.sockets.adapter.rooms.has(room))
    const seen = collect(ann)
    await cutAndBack(ann, () => {
      io.to(room).emit('message:new', 'yes')
      for (const other of ['user:42', 42, '42', 'r:x', 'everyone'])
        if (other !== room) io.to(other).emit('message:new', other)
    })
    expect(ann.recovered).toBe(true)
    await until(() => seen.length > 0)
    expect(seen.map((event) => event.slice(0, 2))).toEqual([['message:new', 'yes']])
    expect((await io.history(room)).events).toHaveLength(1)
  })
})

describe('a client that would take a position for an argument', () => {
  it('gets none, and is not brought back', async () => {
    const { io, url } = durable()
    io.on('connection', (socket) => void socket.join('room'))
    const foreign = client(url, undefined, { extraHeaders: { 'user-agent': 'python-socketio' }, reconnectionDelay: 10 })
    await connected(foreign)
    const seen = collect(foreign)
    io.to('room').emit('message:new', 'text')
    await until(() => seen.length === 1)
    expect(seen).toEqual([['message:new', 'text']])
    await cutAndBack(foreign, () => undefined)
    expect(foreign.recovered).toBeFalsy()
  })

  it('is chosen by an option', async () => {
    const { io, url } = open({ durable: MEMORY, recoverable: ({ auth }) => auth.recovery !== false })
    io.on('connection', (socket) => void socket.join('room'))
    const without = client(url, undefined, { auth: { recovery: false } })
    const by = client(url)
    await Promise.all([connected(without), connected(by)])
    const seen = [collect(without), collect(by)]
    io.to('room').emit('message:new', 'text')
    await until(() => seen.every((each) => each.length === 1))
    expect(seen[0]).toEqual([['message:new', 'text']])
    expect(seen[1]).toEqual([['message:new', 'text', expect.any(String)]])
  })
})

describe('other events', () => {
  it('leave the position of a client alone, also those that end in a text', async () => {
    const { io, url } = durable()
    const [ann] = (await membersOf(url, io, ['ann'])) as [ClientSocket]
    const seen = collect(ann)
    io.to('room').emit('message:new', 1)
    io.to('room').emit('typing', 'ann')
    io.to('room').emit('ping')
    io.to('room').emit('count', 3)
    await until(() => seen.length === 4)
    expect(seen).toEqual([
      ['message:new', 1, expect.any(String)],
      ['typing', 'ann', null],
      ['ping', null],
      ['count', 3],
    ])
    await cutAndBack(ann, () => io.to('room').emit('message:new', 2))
    expect(ann.recovered).toBe(true)
    await until(() => seen.length === 5)
    expect(seen[4]?.slice(0, 2)).toEqual(['message:new', 2])
  })

  it.each(['best-effort', 'required'] as const)(
    'come back too with connectionStateRecovery (%s)',
    async (transient) => {
      const { io, url } = open({ durable: { ...MEMORY, transient }, connectionStateRecovery: {} })
      const [ann] = (await membersOf(url, io, ['ann'])) as [ClientSocket]
      const seen = collect(ann)
      io.to('room').emit('typing', 0)
      await until(() => seen.length === 1)
      await cutAndBack(ann, () => {
        io.to('room').emit('message:new', 1)
        io.to('room').emit('typing', 2)
        io.to('room').volatile.emit('typing', 'volatile')
        io.to('room').emit('message:new', 3)
        io.emit('typing', 4)
      })
      expect(ann.recovered).toBe(true)
      await until(() => seen.length === 5)
      expect(seen.map((event) => event[1])).toEqual([0, 1, 2, 3, 4])
    },
  )
})
