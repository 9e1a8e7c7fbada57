/** Clients that take no position off: of version 2, and what compression does to those that do. */
import connect2 from 'socket.io-client-2'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { client, collect, connected, open, until } from '../lib/harness.ts'

vi.setConfig({ testTimeout: 30_000 })

const DURABLE = { events: ['message:new'], data: ':memory:' }
const kinds = {
  durable: { durable: DURABLE },
  'connection state recovery': { connectionStateRecovery: {} },
  both: { durable: DURABLE, connectionStateRecovery: {} },
}

describe.each(Object.entries(kinds))('a client of version 2 with %s', (_, options) => {
  it.each(['websocket', 'polling'])('gets the arguments of events and no more over %s', async (transport) => {
    const { io, url } = open({ allowEIO3: true, ...options })
    io.on('connection', (socket) => {
      socket.join('room')
      socket.on('say', (text, answer) => {
        io.to('room').emit('message:new', text)
        socket.emit('note', text)
        answer('said')
      })
    })
    const older = connect2(url, { transports: [transport], forceNew: true })
    onTestFinished(() => void older.close())
    await new Promise((resolve) => older.once('connect', resolve))
    const seen: unknown[][] = []
    for (const event of ['message:new', 'note']) older.on(event, (...args: unknown[]) => seen.push([event, ...args]))
    const newer = client(url)
    await connected(newer)
    const newest = collect(newer)
    await until(() => io.sockets.adapter.rooms.get('room')?.size === 2)
    const answer = await new Promise((resolve) => older.emit('say', 'hello', resolve))
    expect(answer).toBe('said')
    await until(() => seen.length === 2 && newest.length === 1)
    expect(seen).toEqual([['message:new', 'hello'], ['note', 'hello']]) // biome-ignore format: rows
    expect(newest[0]?.slice(0, 2)).toEqual(['message:new', 'hello'])
    expect([...io.sockets.sockets.values()].map(({ recovered }) => recovered)).toEqual([false, false])
  })
})

describe.each(Object.entries({ nothing: {}, ...kinds }))('permessage-deflate with %s', (_, options) => {
  it('is used by the official client, for events to it and from it', async () => {
    const { io, url } = open({ perMessageDeflate: { threshold: 100 }, ...options })
    io.on('connection', (socket) => {
      socket.join('room')
      socket.on('say', (text, answer) => {
        io.to('room').emit('message:new', { text, bytes: Buffer.from('bytes') })
        answer(text.length)
      })
    })
    const [ann, ben] = [client(url), client(url)]
    await Promise.all([connected(ann), connected(ben)])
    const { ws } = ann.io.engine.transport as unknown as {
      ws: { extensions: string; _socket: { bytesRead: number; bytesWritten: number } }
    }
    expect(ws.extensions).toContain('permessage-deflate')
    const before = { ...{ read: ws._socket.bytesRead, written: ws._socket.bytesWritten } }
    const seen = [collect(ann), collect(ben)]
    const text = 'one and the same '.repeat(2_000)
    expect(await ann.emitWithAck('say', text)).toBe(text.length)
    expect(await ben.emitWithAck('say', 'short')).toBe(5)
    await until(() => seen.every((events) => events.length === 2))
    for (const events of seen) {
      expect(events.map(([, message]) => message)).toEqual([text, 'short'].map((each) => ({ text: each, bytes: Buffer.from('bytes') }))) // biome-ignore format: rows
    }
    expect(ws._socket.bytesRead - before.read).toBeLessThan(text.length / 10)
    expect(ws._socket.bytesWritten - before.written).toBeLessThan(text.length / 10)
  })
})
