/**
 * `@socket.io/redis-adapter` with this server: two of it, and one of it beside Socket.IO's own, as in the days of a move. What one
 * of them sends, asks or orders reaches the sockets of the other.
 */
import { createAdapter } from '@socket.io/redis-adapter'
import { createClient } from 'redis'
import { Server as OfficialServer } from 'socket.io'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startRedis } from '../../../server/test/redis/server.ts'
import { Server } from '../../src/index.ts'
import { client, collect, connected, until, urlOf } from '../lib/harness.ts'

const redis = await startRedis()
afterAll(() => redis.stop())

async function openOn(Library: typeof Server): Promise<{ io: Server; url: string }> {
  const [publisher, subscriber] = await Promise.all([0, 1].map(() => createClient({ url: redis.url }).connect()))
  const io = new Library(0, { adapter: createAdapter(publisher, subscriber, { requestsTimeout: 20_000 }) as never })
  io.on('connection', (socket) => void socket.join('room'))
  onTestFinished(async () => {
    await io.close()
    await Promise.all([publisher?.close(), subscriber?.close()])
  })
  return { io, url: urlOf(io) }
}

const PATIENT = { timeout: 20_000, interval: 20 }

const peers = [
  ['another one of it', Server],
  ["Socket.IO's own", OfficialServer as unknown as typeof Server],
] as const

describe.each(peers)('a server with @socket.io/redis-adapter, and %s', (_name, Peer) => {
  it('reach the sockets of both, ask them, move them and end them', async () => {
    const [here, there] = [await openOn(Server), await openOn(Peer)]
    await vi.waitUntil(async () => (await here.io.of('/').adapter.serverCount()) === 2, PATIENT)
    const [ann, ben] = [client(here.url), client(there.url)]
    await Promise.all([connected(ann), connected(ben)])
    const [annHears, benHears] = [collect(ann), collect(ben)]
    ben.on('ask', (answer) => answer('ben'))
    ann.on('ask', (answer) => answer('ann'))

    here.io.to('room').emit('from here', Buffer.from([1]))
    there.io.except(ben.id as string).emit('from there')
    await until(() => annHears.length === 2 && benHears.length === 1)
    expect(annHears).toContainEqual(['from there'])
    expect(benHears).toEqual([['from here', Buffer.from([1])]])

    for (const { io } of [here, there]) {
      expect((await io.timeout(20_000).emitWithAck('ask')).toSorted()).toEqual(['ann', 'ben'])
      const sockets = await io.in('room').fetchSockets()
      expect(sockets.map(({ id }) => id).toSorted()).toEqual([ann.id, ben.id].toSorted())
      const far = sockets.find(({ handshake }) => handshake.auth !== undefined && handshake.headers.host !== undefined)
      expect(far?.handshake.query.transport).toBe('websocket')
    }

    there.io.on('hello', (word: string, answer: (word: string) => void) => answer(`${word} yourself`))
    expect(await here.io.serverSideEmitWithAck('hello', 'hello')).toEqual(['hello yourself'])

    here.io.in(ben.id as string).socketsJoin('moved')
    await until(() => there.io.sockets.adapter.rooms.has('moved'))
    there.io.in(ann.id as string).socketsLeave('room')
    await until(() => here.io.sockets.sockets.get(ann.id as string)?.rooms.has('room') === false)
    there.io.in(ann.id as string).disconnectSockets()
    await until(() => ann.disconnected)
  })
})
