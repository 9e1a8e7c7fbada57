/** The days of a move: servers of Socket.IO with its Redis adapter, and programs with its emitter, beside servers of this package. */
import { createAdapter } from '@socket.io/redis-adapter'
import { Emitter } from '@socket.io/redis-emitter'
import { createClient } from 'redis'
import { Server as OfficialServer } from 'socket.io'
import { afterAll, expect, it, onTestFinished, vi } from 'vitest'
import { startRedis } from '../../../server/test/redis/server.ts'
import { Server, type ServerOptions } from '../../src/index.ts'
import { client, collect, collectWarnings, connected, until, urlOf } from '../lib/harness.ts'

const redis = await startRedis()
afterAll(() => redis.stop())

const PATIENT = { timeout: 20_000, interval: 20 }
let keys = 0

function prepare(io: Server): Server {
  io.on('connection', (socket) => {
    socket.join('room')
    socket.on('join', (room, answer) => {
      socket.join(room)
      answer()
    })
  })
  onTestFinished(() => io.close())
  return io
}

function openNew(options: Partial<ServerOptions>, prefix: string): Server {
  vi.stubEnv('ROOMFUL_REDIS_PREFIX', prefix)
  const { roomful } = options
  const io = new Server(0, { ...options, roomful: { redisUrl: redis.url, ...roomful } })
  vi.unstubAllEnvs()
  return prepare(io)
}

async function openOld(key: string): Promise<Server> {
  const [publisher, subscriber] = await Promise.all([0, 1].map(() => createClient({ url: redis.url }).connect()))
  const adapter = createAdapter(publisher, subscriber, { key, requestsTimeout: 20_000 })
  const io = prepare(new OfficialServer(0, { adapter }) as unknown as Server)
  onTestFinished(() => void Promise.all([publisher?.close(), subscriber?.close()]))
  return io
}

it('two new servers and an old one on its Redis adapter reach each other both ways, each once', async () => {
  const key = `key${++keys}`
  const news = [0, 1].map(() => openNew({ roomful: { redisAdapter: key } }, key)) as [Server, Server]
  const old = await openOld(key)
  const all = [...news, old] as const
  for (const io of all) await vi.waitUntil(async () => (await io.of('/').adapter.serverCount()) === 3, PATIENT)
  const clients = all.map((io) => client(urlOf(io)))
  await Promise.all(clients.map(connected))
  const heard = clients.map(collect)
  const ids = clients.map(({ id }) => id as string).toSorted()

  for (const [i, io] of all.entries()) io.to('room').emit('from', i, Buffer.from([i]))
  for (const io of all) io.to('nobody is here').emit('nothing')
  for (const io of all) io.emit('last')
  await until(() => heard.every((each) => each.length === 6))
  for (const each of heard) {
    const froms = each.filter(([event]) => event === 'from').toSorted(([, a], [, b]) => Number(a) - Number(b))
    expect(froms).toEqual([0, 1, 2].map((i) => ['from', i, Buffer.from([i])]))
    expect(each.filter(([event]) => event === 'last')).toHaveLength(3)
  }

  for (const [i, socket] of clients.entries()) socket.on('ask', (answer) => answer(i))
  for (const [i, io] of all.entries()) io.on('hello', (answer: (name: number) => void) => answer(i))
  for (const [i, io] of all.entries()) {
    expect((await io.timeout(20_000).emitWithAck('ask')).toSorted()).toEqual([0, 1, 2])
    expect((await io.in('room').fetchSockets()).map(({ id }) => id).toSorted()).toEqual(ids)
    expect((await io.serverSideEmitWithAck('hello')).toSorted()).toEqual([0, 1, 2].filter((each) => each !== i))
  }

  news[0].in('room').socketsJoin('moved')
  await until(() => all.every((io) => io.sockets.adapter.rooms.get('moved')?.size === 1))
  old.in('moved').socketsLeave('room')
  await until(() => all.every((io) => !io.sockets.adapter.rooms.has('room')))
  const gone = Promise.all(clients.map((socket) => new Promise((resolve) => socket.once('disconnect', resolve))))
  old.in(clients[0]?.id as string).disconnectSockets()
  news[1].in('moved').disconnectSockets()
  expect(await gone).toEqual(clients.map(() => 'io server disconnect'))
})

it('a durable event reaches clients of old servers as well, once', async () => {
  const key = `key${++keys}`
  const durable = { events: ['message:new'], redisUrl: redis.url, data: ':memory:' }
  const io = openNew({ durable, roomful: { redisAdapter: key } }, key)
  await io.history('room')
  const old = await openOld(key)
  await vi.waitUntil(async () => (await io.of('/').adapter.serverCount()) === 2, PATIENT)
  const [ann, ben] = [client(urlOf(io)), client(urlOf(old))]
  await Promise.all([ann, ben].map(connected))
  const [annHears, benHears] = [collect(ann), collect(ben)]
  io.to('room').emit('message:new', { text: 'stored' })
  old.to('room').emit('typing')
  await until(() => annHears.length === 2 && benHears.length === 2)
  expect(benHears).toContainEqual(['message:new', { text: 'stored' }])
  expect(annHears.map(([event]) => event).toSorted()).toEqual(['message:new', 'typing'])
})

it('a program with @socket.io/redis-emitter reaches every client once', async () => {
  const key = `key${++keys}`
  const ios = [0, 1].map(() => openNew({ roomful: { redisEmitter: key } }, key)) as [Server, Server]
  for (const io of ios) io.of('/news')
  for (const io of ios) await vi.waitUntil(async () => (await io.of('/').adapter.serverCount()) === 2, PATIENT)
  const publisher = await createClient({ url: redis.url }).connect()
  onTestFinished(() => void publisher.close())
  const subscribed = async (channel: string): Promise<boolean> =>
    Number(((await publisher.sendCommand(['PUBSUB', 'NUMSUB', channel])) as [string, number])[1]) === 2
  for (const name of ['/', '/news']) await vi.waitUntil(() => subscribed(`${key}-response#${name}#`), PATIENT)
  const emitter = new Emitter(publisher, { key })
  const [ann, ben] = ios.map((io) => client(urlOf(io)))
  const cat = client(`${urlOf(ios[0])}/news`)
  if (!ann || !ben) throw new Error('There are two servers')
  await Promise.all([ann, ben, cat].map(connected))
  const heard = [ann, ben, cat].map(collect)
  emitter
    .to('room')
    .except(ben.id as string)
    .emit('one', Buffer.from('x'))
  emitter.of('/news').emit('news')
  emitter.emit('two', { a: [1] })
  await until(() => heard[0]?.length === 2 && heard[1]?.length === 1 && heard[2]?.length === 1)
  expect(heard).toEqual([
    [
      ['one', Buffer.from('x')],
      ['two', { a: [1] }],
    ],
    [['two', { a: [1] }]],
    [['news']],
  ])

  const called = Promise.all(ios.map((io) => new Promise((resolve) => io.on('cron', resolve))))
  emitter.serverSideEmit('cron', 'nightly')
  expect(await called).toEqual(['nightly', 'nightly'])
  emitter.in('room').socketsJoin('moved')
  await until(() => ios.every((io) => io.sockets.adapter.rooms.has('moved')))
  emitter.in('moved').socketsLeave('room')
  await until(() => ios.every((io) => !io.sockets.adapter.rooms.has('room')))
  const gone = new Promise((resolve) => ann.once('disconnect', resolve))
  emitter.in(ann.id as string).disconnectSockets()
  expect(await gone).toBe('io server disconnect')
  await publisher.publish(`${key}#/#`, 'not of this format')
  emitter.emit('after')
  await until(() => heard[1]?.at(-1)?.[0] === 'after')
})

it('a Redis adapter that is handed in is named with REDIS_URL, unless it is meant', async () => {
  const warnings = collectWarnings()
  class RedisAdapter {
    init(): void {}
    close(): void {}
  }
  const meant = new Server({ adapter: RedisAdapter as never, roomful: { redisAdapter: true } })
  await new Promise((resolve) => setImmediate(resolve))
  expect(warnings).toEqual([])
  const plain = new Server({ adapter: RedisAdapter as never })
  await until(() => warnings.length === 1)
  expect(warnings[0]).toMatch(/^RedisAdapter .*REDIS_URL/)
  for (const io of [meant, plain]) await io.close()
  expect(() => new Server({ roomful: { redisUrl: false, redisEmitter: true } })).toThrow(/REDIS_URL/)
})
