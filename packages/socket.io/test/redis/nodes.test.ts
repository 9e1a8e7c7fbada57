/** Several servers with the same Redis and nothing else. */
import type { Socket as ClientSocket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type RedisServer, startRedis } from '../../../server/test/redis/server.ts'
import { Server } from '../../src/index.ts'
import { client, collect, connected, until, urlOf } from '../lib/harness.ts'
import { live } from '../lib/live.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'always'])
})
afterAll(() => redis.stop())

async function nodes(count: number): Promise<{ ios: Server[]; urls: string[] }> {
  vi.stubEnv('ROOMFUL_REDIS_PREFIX', `t${Math.random().toString(36).slice(2)}`)
  const ios = Array.from({ length: count }, () => {
    const io = new Server(0, {
      durable: { events: ['message:new'], redisUrl: redis.url, data: ':memory:' },
      connectionStateRecovery: {},
    })
    onTestFinished(() => io.close())
    io.on('connection', (socket) => {
      socket.on('join', (room, answer) => {
        socket.join(room)
        answer('ok')
      })
      socket.on('say', (room, text, answer) => {
        socket.to(room).emit('message:new', text)
        answer('ok')
      })
      socket.on('question', (answer) => answer(socket.id))
    })
    return io
  })
  vi.unstubAllEnvs()
  await Promise.all(ios.map((io) => io.history('room'))) // they have begun
  return { ios, urls: ios.map(urlOf) }
}

async function joined(url: string, ...rooms: string[]): Promise<ClientSocket> {
  const socket = client(url, ['websocket'], { reconnectionDelay: 10 })
  await connected(socket)
  for (const room of rooms) await socket.emitWithAck('join', room)
  return socket
}

const texts = (heard: unknown[][]): unknown[] => heard.map(([, text]) => text)

describe('two servers on one Redis', { timeout: 60_000 }, () => {
  it('send each other durable events and others, and leave the sender out', async () => {
    const { ios, urls } = await nodes(2)
    const [ann, bob] = [await joined(urls[0] as string, 'room'), await joined(urls[1] as string, 'room')]
    const heard = [collect(ann), collect(bob)]
    for (let i = 0; i < 20; i++)
      await Promise.all([ann.emitWithAck('say', 'room', `a${i}`), bob.emitWithAck('say', 'room', `b${i}`)])
    await until(() => heard.every((each) => each.length === 20))
    expect(texts(heard[0] as unknown[][])).toEqual(Array.from({ length: 20 }, (_, i) => `b${i}`))
    expect(texts(heard[1] as unknown[][])).toEqual(Array.from({ length: 20 }, (_, i) => `a${i}`))
    ios[0]?.to('room').emit('typing', 'x')
    ios[1]?.emit('everyone', Buffer.from('bytes'))
    await until(() => heard.every((each) => each.length === 22))
    expect(heard[1]?.find(([event]) => event === 'typing')?.[1]).toBe('x')
    expect(heard[0]?.find(([event]) => event === 'everyone')?.[1]).toEqual(Buffer.from('bytes'))
  })

  it('find, move, ask and disconnect the sockets of all', async () => {
    const { ios, urls } = await nodes(2)
    const [one, two] = ios as [Server, Server]
    const [ann, bob] = [await joined(urls[0] as string, 'room'), await joined(urls[1] as string, 'room')]
    const ids = [ann.id, bob.id].sort()
    const found = await one.in('room').fetchSockets()
    expect(found.map(({ id }) => id).sort()).toEqual(ids)
    expect([...(found.find(({ id }) => id === bob.id)?.rooms ?? [])].sort()).toEqual([bob.id, 'room'].sort())
    one.in('room').socketsJoin('more')
    await until(() => two.sockets.adapter.rooms.has('more'))
    ann.on('ask', (answer) => answer('ann'))
    bob.on('ask', (answer) => answer('bob'))
    expect((await two.timeout(2_000).to('more').emitWithAck('ask')).sort()).toEqual(['ann', 'bob'])
    two.on('sum', (a: number, b: number, answer: (sum: number) => void) => answer(a + b))
    expect(await one.serverSideEmitWithAck('sum', 1, 2)).toEqual([3])
    const gone = Promise.all([ann, bob].map((each) => new Promise((resolve) => each.once('disconnect', resolve))))
    one.in('more').disconnectSockets()
    expect(await gone).toEqual(['io server disconnect', 'io server disconnect'])
  })

  it('bring a client back that comes to the other one, once and in order', async () => {
    const { ios, urls } = await nodes(2)
    const [ann, bob] = [await joined(urls[0] as string, 'room'), await joined(urls[0] as string, 'room')]
    const heard = collect(bob)
    await ann.emitWithAck('say', 'room', 'first')
    await until(() => heard.length === 1)
    const { id } = bob
    bob.io.reconnection(false)
    bob.io.engine.close()
    for (let i = 0; i < 10; i++) await ann.emitWithAck('say', 'room', i)
    ;(bob.io as unknown as { uri: string }).uri = urls[1] as string
    bob.connect()
    await connected(bob)
    expect([bob.recovered, bob.id]).toEqual([true, id])
    await ann.emitWithAck('say', 'room', 'last')
    await until(() => heard.length === 12)
    expect(texts(heard)).toEqual(['first', ...Array.from({ length: 10 }, (_, i) => i), 'last'])
    expect(ios[1]?.sockets.sockets.has(id as string)).toBe(true)
  })

  it('lose nothing that was acknowledged when one is killed', async () => {
    const env = {
      ...process.env,
      REDIS_URL: redis.url,
      ROOMFUL_REDIS_PREFIX: `t${Math.random().toString(36).slice(2)}`,
    }
    const [one, two] = await Promise.all([live(':memory:', 0, env), live(':memory:', 0, env)])
    const [ann, bob] = [await joined(two.url, 'room'), await joined(one.url, 'room')]
    const heard = collect(bob)
    const said: unknown[] = []
    const say = async (text: string): Promise<void> => {
      await ann.emitWithAck('say', 'room', text)
      said.push(text)
    }
    for (let i = 0; i < 10; i++) await say(`before ${i}`)
    await until(() => heard.length === 10)
    bob.io.reconnection(false)
    const gone = new Promise((resolve) => bob.once('disconnect', resolve))
    await one.kill()
    await gone
    for (let i = 0; i < 20; i++) await say(`away ${i}`)
    ;(bob.io as unknown as { uri: string }).uri = two.url
    bob.connect()
    await connected(bob)
    expect(bob.recovered).toBe(true)
    await say('after')
    await until(() => heard.length === said.length)
    expect(texts(heard)).toEqual(said)
  })

  it('go on when Redis was away, and clients get what they missed', async () => {
    const { ios, urls } = await nodes(2)
    for (const io of ios) io.on('durable_error', () => undefined)
    const [ann, bob] = [await joined(urls[0] as string, 'room'), await joined(urls[1] as string, 'room')]
    const heard = collect(bob)
    const said: string[] = []
    const say = async (text: string): Promise<void> => {
      const answer = await ann
        .timeout(1_000)
        .emitWithAck('say', 'room', text)
        .catch(() => undefined)
      if (answer === 'ok') said.push(text)
    }
    for (let i = 0; i < 5; i++) await say(`before ${i}`)
    await redis.kill()
    await say('nowhere')
    await redis.start()
    // One that was not acknowledged may have been stored all the same.
    for (let i = 0; i < 200 && said.length < 10; i++) await say(`after ${i}`)
    expect(said.length).toBe(10)
    await until(() => texts(heard).includes(said.at(-1)))
    expect(texts(heard).filter((text) => said.includes(text as string))).toEqual(said)
  })
})
