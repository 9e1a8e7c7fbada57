/** An application that has moved by its import alone, as several servers: REDIS_URL, a proxy without affinity, official clients. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Socket as ClientSocket } from 'socket.io-client'
import connect2 from 'socket.io-client-2'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type RedisServer, startRedis } from '../../../server/test/redis/server.ts'
import { Server, type ServerOptions } from '../../src/index.ts'
import { client, collect, collectWarnings, connected, until, urlOf } from '../lib/harness.ts'
import { type RoundRobin, roundRobin } from '../lib/round-robin.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

let prefixes = 0

interface Nodes {
  readonly ios: [Server, Server]
  readonly urls: [string, string]
  readonly proxy: RoundRobin
}

async function two(options: Partial<ServerOptions> = {}): Promise<Nodes> {
  vi.stubEnv('REDIS_URL', redis.url)
  vi.stubEnv('ROOMFUL_REDIS_PREFIX', `moved${++prefixes}`)
  const ios = [0, 1].map(() => new Server(0, options)) as [Server, Server]
  vi.unstubAllEnvs()
  for (const io of ios) {
    onTestFinished(() => io.close())
    io.on('connection', (socket) => {
      socket.on('join', (room, answer) => {
        socket.join(room)
        answer([...socket.rooms])
      })
      socket.on('say', (room, ...what) => socket.to(room).emit('said', ...what))
      socket.on('echo', (what, answer) => answer(what))
    })
  }
  await until(() => ios.every((io) => (io.httpServer.address() as AddressInfo | null) !== null))
  for (const io of ios) await vi.waitUntil(async () => (await io.of('/').adapter.serverCount()) === 2, PATIENT)
  const urls = ios.map(urlOf) as [string, string]
  return { ios, urls, proxy: await roundRobin(urls) }
}

const PATIENT = { timeout: 20_000, interval: 10 }

/** One client on each server. */
async function pair({ urls }: Nodes, transport = 'websocket'): Promise<[ClientSocket, ClientSocket]> {
  const sockets = urls.map((url) => client(url, [transport])) as [ClientSocket, ClientSocket]
  await Promise.all(sockets.map(connected))
  for (const socket of sockets) await socket.emitWithAck('join', 'room')
  return sockets
}

describe('polls behind a proxy without affinity', () => {
  it('reach the server that has the session, in order, with no request that fails', async () => {
    const nodes = await two()
    const clients = Array.from({ length: 4 }, () => client(nodes.proxy.url, ['polling']))
    await Promise.all(clients.map(connected))
    for (const socket of clients) await socket.emitWithAck('join', 'room')
    const heard = clients.map(collect)
    for (let i = 0; i < 20; i++) expect(await clients[0]?.emitWithAck('echo', i)).toBe(i)
    clients[0]?.emit('say', 'room', Buffer.from([1, 2]), 'text')
    for (let i = 0; i < 20; i++) clients[0]?.emit('say', 'room', i)
    await until(() => heard.slice(1).every((each) => each.length === 21))
    for (const each of heard.slice(1)) {
      expect(each[0]).toEqual(['said', Buffer.from([1, 2]), 'text'])
      expect(each.slice(1).map(([, i]) => i)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    }
    expect([...nodes.proxy.statuses.keys()]).toEqual([200])
    expect(nodes.ios.reduce((sum, io) => sum + io.engine.clientsCount, 0)).toBe(4)
  })

  it('upgrade to a WebSocket through either server', async () => {
    const { ios, proxy } = await two()
    const clients = Array.from({ length: 4 }, () => client(proxy.url, ['polling', 'websocket']))
    await Promise.all(clients.map(connected))
    await until(() => clients.every(({ io }) => io.engine.transport.name === 'websocket'))
    for (const socket of clients) expect(await socket.emitWithAck('echo', 'x')).toBe('x')
    const gone = clients.map((socket) => new Promise((resolve) => socket.once('disconnect', resolve)))
    ios[0].disconnectSockets(true)
    expect(await Promise.all(gone)).toEqual(clients.map(() => 'io server disconnect'))
  })

  it('of clients of version 2 do so as well', async () => {
    const { proxy } = await two({ allowEIO3: true })
    const socket = connect2(proxy.url, { transports: ['polling'], forceNew: true })
    onTestFinished(() => void socket.close())
    await new Promise((resolve) => socket.on('connect', resolve))
    const echoed = new Promise((resolve) => socket.emit('echo', 'older', resolve))
    expect(await echoed).toBe('older')
    expect([...proxy.statuses.keys()]).toEqual([200])
  })

  it('are answered with the headers and by the middlewares of the server that has the session, once', async () => {
    const { ios, urls } = await two({ cors: { origin: 'https://app.example', credentials: true } })
    const ran = [0, 0]
    for (const [i, io] of ios.entries()) {
      io.engine.use((_request, response, next) => {
        ran[i] = (ran[i] ?? 0) + 1
        response.setHeader('X-Server', String(i))
        next()
      })
    }
    const headers = { origin: 'https://app.example' }
    const opened = await fetch(`${urls[0]}/socket.io/?EIO=4&transport=polling`, { headers })
    const { sid } = JSON.parse((await opened.text()).slice(1)) as { sid: string }
    const at = `${urls[1]}/socket.io/?EIO=4&transport=polling&sid=${sid}`
    const posted = await fetch(at, { method: 'POST', body: '40', headers })
    expect([posted.status, await posted.text()]).toEqual([200, 'ok'])
    expect(posted.headers.get('x-server')).toBe('0')
    expect(posted.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(ran).toEqual([2, 0])
  })

  it('for a session that no server has are refused as with Socket.IO, and so is a forged mark', async () => {
    const { urls } = await two()
    const at = `${urls[1]}/socket.io/?EIO=4&transport=polling&sid=`
    const unknown = await fetch(`${at}abcdefghijklmnopqrst`)
    expect([unknown.status, await unknown.json()]).toEqual([400, { code: 1, message: 'Session ID unknown' }])
    const forged = await fetch(`${at}x`, { headers: { 'roomful-forwarded': '1 2 3' } })
    expect([forged.status, ((await forged.json()) as { code: number }).code]).toEqual([403, 4])
  })
})

describe('between the servers', () => {
  it('events reach the sockets of both, but for those that are left out, and in the order of each server', async () => {
    const nodes = await two()
    const [ann, ben] = await pair(nodes)
    const [annHears, benHears] = [collect(ann), collect(ben)]
    nodes.ios[0].to('room').emit('one', { bytes: Buffer.from('x') })
    for (let i = 0; i < 50; i++) nodes.ios[0].emit('count', i)
    nodes.ios[0].except('room').emit('none')
    nodes.ios[0].local.emit('here')
    nodes.ios[0].to(ben.id as string).emit('for ben', ['$binary'])
    await until(() => annHears.length === 52 && benHears.length === 52)
    expect(benHears[0]).toEqual(['one', { bytes: Buffer.from('x') }])
    expect(benHears.slice(1, 51).map(([, i]) => i)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect([annHears.at(-1), benHears.at(-1)]).toEqual([['here'], ['for ben', ['$binary']]])
  })

  it('a listener for what is sent sees what other servers send', async () => {
    const nodes = await two()
    const [, ben] = await pair(nodes)
    const seen: unknown[][] = []
    nodes.ios[1].sockets.sockets.get(ben.id as string)?.onAnyOutgoing((...event) => seen.push(event))
    nodes.ios[0].emit('news', 1)
    await until(() => seen.length === 1)
    expect(seen).toEqual([['news', 1]])
  })

  it('clients of both answer, and none when there are none', async () => {
    const nodes = await two()
    expect(await nodes.ios[0].timeout(10_000).emitWithAck('ask')).toEqual([])
    const [ann, ben] = await pair(nodes)
    ann.on('ask', (answer) => answer('ann'))
    ben.on('ask', (answer) => answer(Buffer.from('ben')))
    const answers = await nodes.ios[1].timeout(10_000).emitWithAck('ask')
    expect(answers).toHaveLength(2)
    expect(answers).toContain('ann')
    expect(answers).toContainEqual(Buffer.from('ben'))
  })

  it('sockets are found, moved and disconnected', async () => {
    const nodes = await two()
    const [ann, ben] = await pair(nodes)
    const [one, other] = nodes.ios
    const found = await one.in('room').fetchSockets()
    expect(found.map(({ id }) => id).sort()).toEqual([ann.id, ben.id].sort())
    const far = found.find(({ id }) => id === ben.id)
    expect([...(far?.rooms ?? [])].sort()).toEqual([ben.id, 'room'].sort())
    expect(far?.handshake.query.transport).toBe('websocket')
    ben.on('who', (answer) => answer('ben'))
    expect(await far?.timeout(10_000).emitWithAck('who' as never)).toBe('ben')
    far?.join('more')
    await until(() => other.sockets.adapter.rooms.has('more'))
    one.in('more').socketsLeave('room')
    await until(() => other.sockets.adapter.rooms.has('room') === false)
    expect((await one.allSockets()).size).toBe(2)
    const gone = new Promise((resolve) => ben.once('disconnect', resolve))
    one.in('more').disconnectSockets()
    expect(await gone).toBe('io server disconnect')
    expect(ann.connected).toBe(true)
  })

  it('servers say and ask something of each other', async () => {
    const { ios } = await two()
    const [one, other] = ios
    const heard = once(other, 'hello')
    one.serverSideEmit('hello', 'there', { bytes: 1 })
    expect(await heard).toEqual(['there', { bytes: 1 }])
    other.on('sum', (a: number, b: number, answer: (sum: number) => void) => answer(a + b))
    expect(await one.serverSideEmitWithAck('sum', 1, 2)).toEqual([3])
  })

  it('namespaces that one of them does not have hold nothing up', async () => {
    const { ios } = await two()
    ios[0].of('/only-here')
    expect(await ios[0].of('/only-here').fetchSockets()).toEqual([])
    expect(await ios[0].of('/only-here').timeout(10_000).emitWithAck('ask')).toEqual([])
    expect(await ios[0].of('/only-here').serverSideEmitWithAck('ask')).toEqual([])
  })

  it('a server that stays silent is counted: the rest of the answers, with an error', async () => {
    const nodes = await two()
    const [ann, ben] = await pair(nodes)
    ann.on('ask', (answer) => answer('ann'))
    ben.on('ask', () => undefined)
    const error = await nodes.ios[0]
      .timeout(1_000)
      .emitWithAck('ask')
      .catch((failed: Error & { responses: unknown[] }) => failed)
    expect(error).toMatchObject({ message: 'operation has timed out', responses: ['ann'] })
  })

  it('with recovery in memory a client comes back to its own server with what all of them sent', async () => {
    const nodes = await two({ connectionStateRecovery: {} })
    const [ann] = await pair(nodes)
    const heard = collect(ann)
    nodes.ios[1].emit('before', 'a text')
    await until(() => heard.length === 1)
    // The last argument is what it comes back with.
    expect(heard[0]?.slice(0, 2)).toEqual(['before', 'a text'])
    const { id } = ann
    ann.io.reconnection(false)
    const gone = new Promise((resolve) => ann.once('disconnect', resolve))
    ann.io.engine.close()
    await gone
    await until(() => nodes.ios[0].sockets.sockets.size === 0)
    nodes.ios[1].to('room').emit('meanwhile', 2)
    nodes.ios[1].serverSideEmit('sent')
    await once(nodes.ios[0], 'sent')
    ann.connect()
    await connected(ann)
    expect([ann.recovered, ann.id]).toEqual([true, id])
    await until(() => heard.length === 2)
    expect(heard[1]?.slice(0, 2)).toEqual(['meanwhile', 2])
  })
})

describe('a server that is killed', () => {
  const program = new URL('moved-server.ts', import.meta.url).pathname

  it('in the middle of a broadcast: the callback gets the answers that came; later ones do not wait for it', async () => {
    const env = { ...process.env, REDIS_URL: redis.url, ROOMFUL_REDIS_PREFIX: `moved${++prefixes}` }
    vi.stubEnv('REDIS_URL', env.REDIS_URL)
    vi.stubEnv('ROOMFUL_REDIS_PREFIX', env.ROOMFUL_REDIS_PREFIX)
    const io = new Server(0, { roomful: { application: 'moved' } })
    vi.unstubAllEnvs()
    onTestFinished(() => io.close())
    const args = ['--conditions=source', program]
    const other = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
    onTestFinished(() => void other.kill('SIGKILL'))
    const [port] = (await once(other.stdout, 'data')) as [Buffer]
    const servers = async (): Promise<number> => io.of('/').adapter.serverCount()
    await vi.waitUntil(async () => (await servers()) === 2, PATIENT)
    const ann = client(urlOf(io))
    const ben = client(`http://127.0.0.1:${Number(port)}`)
    await Promise.all([ann, ben].map(connected))
    ann.on('ask', (answer) => answer('ann'))
    ben.on('ask', () => void other.kill('SIGKILL'))
    const failed = await io
      .timeout(1_500)
      .emitWithAck('ask')
      .catch((error: Error) => error)
    expect(failed).toMatchObject({ message: 'operation has timed out', responses: ['ann'] })
    await vi.waitUntil(async () => (await servers()) === 1, PATIENT)
    expect(await io.timeout(10_000).emitWithAck('ask')).toEqual(['ann'])
    expect((await io.fetchSockets()).map(({ id }) => id)).toEqual([ann.id])
  })
})

describe('servers on one Redis', () => {
  it('of another application are refused with a sentence, and serve their own clients', async () => {
    const warnings = collectWarnings()
    vi.stubEnv('REDIS_URL', redis.url)
    vi.stubEnv('ROOMFUL_REDIS_PREFIX', `moved${++prefixes}`)
    const shop = new Server(0, { roomful: { application: 'shop' } })
    await vi.waitUntil(async () => (await shop.of('/').adapter.serverCount()) === 1, PATIENT)
    const chat = new Server(0, { roomful: { application: 'chat' } })
    vi.unstubAllEnvs()
    for (const io of [shop, chat]) onTestFinished(() => io.close())
    await until(() => warnings.some((text) => /those of "shop".*of "chat".*ROOMFUL_REDIS_PREFIX/.test(text)))
    const ann = client(urlOf(chat), ['polling'])
    await connected(ann)
    expect((await chat.fetchSockets()).map(({ id }) => id)).toEqual([ann.id])
  })

  it('with redisUrl: false one stays alone', async () => {
    vi.stubEnv('REDIS_URL', redis.url)
    const io = new Server(0, { roomful: { redisUrl: false } })
    vi.unstubAllEnvs()
    onTestFinished(() => io.close())
    expect(await io.of('/').adapter.serverCount()).toBe(1)
    expect(io.engine.cluster).toBeUndefined()
  })

  it('go on alone while Redis is away, and together when it is back', async () => {
    const nodes = await two()
    const [ann, ben] = await pair(nodes)
    const heard = collect(ben)
    await redis.kill()
    await nodes.ios[0].serverSideEmitWithAck('anyone').catch(() => undefined)
    expect(await ann.emitWithAck('echo', 'alone')).toBe('alone')
    await redis.start()
    await vi.waitUntil(
      () => {
        nodes.ios[0].emit('back')
        return heard.length > 0
      },
      { timeout: 30_000, interval: 50 },
    )
  })
})
