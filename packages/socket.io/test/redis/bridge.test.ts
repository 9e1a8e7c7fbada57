/** Two servers on one Redis, each with Socket.IO clients and bare WebSockets in the same room. */
import { createServer } from 'node:http'
import { createRoomful } from '@roomful/server'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type RedisServer, startRedis } from '../../../server/test/redis/server.ts'
import { Server } from '../../src/index.ts'
import { client, collect, connected, until, urlOf } from '../lib/harness.ts'

type Message = Readonly<Record<string, unknown>> & { readonly type: string }

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'always'])
})
afterAll(() => redis.stop())

async function node(redisPrefix: string): Promise<{ io: Server; url: string }> {
  const roomful = createRoomful({
    data: ':memory:',
    redisUrl: redis.url,
    redisPrefix,
    jwtSecret: 'a-secret-of-more-than-thirty-two-bytes',
    auth: 'optional',
  })
  roomful.namespace('/', undefined, { open: true })
  const httpServer = createServer()
  roomful.attach(httpServer)
  const io = new Server(httpServer, { durable: { events: ['message:new'], server: roomful, bridge: 'all' } })
  io.on('connection', (socket) => socket.join('room'))
  onTestFinished(async () => {
    await io.close()
    await roomful.close()
  })
  await new Promise<void>((resolve) => httpServer.listen(0, resolve))
  await io.history('room') // it has begun
  return { io, url: urlOf(io) }
}

async function bare(url: string): Promise<{ id: string; seen: Message[] }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
  onTestFinished(() => socket.close())
  const seen: Message[] = []
  socket.addEventListener('message', ({ data }) => void seen.push(JSON.parse(String(data)) as Message))
  await until(() => seen.some(({ type }) => type === 'auth_ok'))
  socket.send(JSON.stringify({ type: 'room:join', roomId: 'room' }))
  await until(() => seen.some(({ type }) => type === 'room:joined'))
  return { id: String(seen.find(({ type }) => type === 'welcome')?.id), seen }
}

it('sends each of them every event once, wherever it was emitted', { timeout: 60_000 }, async () => {
  const prefix = `t${Math.random().toString(36).slice(2)}`
  const nodes = [await node(prefix), await node(prefix)]
  const [one, two] = nodes.map(({ io }) => io) as [Server, Server]
  const sockets = nodes.map(({ url }) => client(url))
  await Promise.all(sockets.map(connected))
  await until(() => nodes.every(({ io }) => io.sockets.adapter.rooms.get('room')?.size === 1))
  const bares = await Promise.all(nodes.map(({ url }) => bare(url)))
  const events = sockets.map(collect)
  one.to('room').emit('note', 'from one')
  two.emit('note', 'from two')
  one.to('room').emit('message:new', { text: 'stored' })
  await until(() => events.every((each) => each.length === 3))
  const heard = ({ seen }: { seen: Message[] }): unknown[] =>
    seen.filter(({ type }) => type === 'note' || type === 'chat:message').map(({ data, text }) => data ?? text)
  await until(() => bares.every((each) => heard(each).length === 3))
  const all = ['from one', 'from two', 'stored']
  for (const each of bares) expect(heard(each).sort()).toEqual(all)
  for (const each of events) {
    expect(each.map(([, value]) => (value as { text?: string }).text ?? value).sort()).toEqual(all)
  }
  const [, far] = bares as [unknown, (typeof bares)[number]]
  one.to(far.id).emit('note', 'for one client')
  await until(() => heard(far).includes('for one client'))
  expect(bares.map((each) => heard(each).length)).toEqual([3, 4])
})
