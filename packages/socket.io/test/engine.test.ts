/** The engine below Socket.IO: clients of version 2, middlewares, compression, heartbeats, and what an HTTP server shares. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, get, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { gunzipSync } from 'node:zlib'
import session from 'express-session'
import helmet from 'helmet'
import { io as connect } from 'socket.io-client'
import connect2 from 'socket.io-client-2'
import { afterEach, describe, expect, it } from 'vitest'
import { attach } from '../src/engine/index.ts'
import { decodeBinary3, decodeText3, payload3 } from '../src/engine/payload-3.ts'
import { frameOf } from '../src/frames.ts'
import { Server, type ServerOptions } from '../src/index.ts'

const after: (() => unknown)[] = []

afterEach(async () => {
  for (const each of after.splice(0).reverse()) await each()
})

function open(options: Partial<ServerOptions> = {}): { io: Server; port: number } {
  const io = new Server(0, options)
  after.push(() => io.close())
  return { io, port: portOf(io.httpServer as HttpServer) }
}

function portOf(server: HttpServer): number {
  return (server.address() as AddressInfo).port
}

async function listening(server: HttpServer): Promise<number> {
  server.listen(0)
  await once(server, 'listening')
  after.push(() => server.close())
  return portOf(server)
}

/** A session that polls by hand. */
async function poll(port: number): Promise<{ url: string; read(headers?: Record<string, string>): Promise<Answer> }> {
  const base = `http://localhost:${port}/socket.io/?EIO=4&transport=polling`
  const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1))
  const url = `${base}&sid=${sid}`
  await fetch(url, { method: 'POST', body: '40' })
  const read = (headers: Record<string, string> = {}): Promise<Answer> => request(url, headers)
  await read()
  return { url, read }
}

interface Answer {
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

function request(url: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }))
    }).on('error', reject)
  })
}

describe('clients of Socket.IO 2', () => {
  it.each([['websocket'], ['polling']])('are in / at once over %s, and exchange texts and bytes', async (transport) => {
    const { io, port } = open({ allowEIO3: true })
    io.on('connection', (socket) => socket.on('echo', (...args) => socket.emit('echoed', ...args)))
    io.of('/other').on('connection', (socket) => socket.emit('query', socket.handshake.auth))
    const client = connect2(`http://localhost:${port}`, { transports: [transport], forceNew: true })
    after.push(() => client.close())
    await new Promise((resolve) => client.once('connect', resolve))
    const echoed = new Promise<unknown[]>((resolve) => client.once('echoed', (...args: unknown[]) => resolve(args)))
    client.emit('echo', 'Grüße', Buffer.from([0, 1, 255]), { a: [1] })
    expect(await echoed).toEqual(['Grüße', Buffer.from([0, 1, 255]), { a: [1] }])
    const other = connect2(`http://localhost:${port}/other?token=abc`, { transports: [transport], forceNew: true })
    after.push(() => other.close())
    expect(await new Promise((resolve) => other.once('query', resolve))).toEqual({ token: 'abc' })
  })

  it('are refused by default, with the code of Engine.IO', async () => {
    const { port } = open()
    const answer = await fetch(`http://localhost:${port}/socket.io/?EIO=3&transport=polling`)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ code: 5, message: 'Unsupported protocol version' })
  })

  it('write payloads as text or bytes, and broken ones are errors', () => {
    const frames = [frameOf('Grüße €', 3), frameOf(Buffer.from([9, 8]), 3)]
    const message = { type: 'message', data: 'Grüße €' }
    const bytes = { type: 'message', data: Buffer.from([9, 8]) }
    const text = payload3(frames, false)
    expect(text.type).toBe('text/plain; charset=UTF-8')
    expect(decodeText3(text.body.toString('utf8'))).toEqual([message, bytes])
    const binary = payload3(frames, true)
    expect(binary.type).toBe('application/octet-stream')
    expect(decodeBinary3(binary.body)).toEqual([message, bytes])
    const error = { type: 'error', data: 'parser error' }
    for (const broken of ['', '5', '9:4a', '0:', '-1:4a', '1:x', '99999999999999999999:4']) {
      expect(decodeText3(broken).at(-1)).toEqual(error)
    }
    for (const broken of [[0], [0, 255], [0, 9, 255, 52], [0, 10, 255], [0, ...Array(30).fill(9), 255]]) {
      expect(decodeBinary3(Buffer.from(broken)).at(-1)).toEqual(error)
    }
  })
})

describe('middlewares of the engine', () => {
  it.each([['websocket'], ['polling']])('of express-session and helmet work over %s', async (transport) => {
    const { io, port } = open()
    io.engine.use(session({ secret: 'test', resave: true, saveUninitialized: true }) as never)
    io.engine.use(helmet() as never)
    io.engine.on('headers', (headers, req) => {
      headers['x-of'] = req._query.transport
    })
    const seen: Record<string, string>[] = []
    io.engine.on('initial_headers', (headers) => seen.push(headers))
    io.on('connection', (socket) => {
      const asked = socket.request as unknown as { session: { visits?: number }; sessionID: string }
      asked.session.visits = (asked.session.visits ?? 0) + 1
      socket.emit('session', asked.sessionID, asked.session.visits)
    })
    const client = connect(`http://localhost:${port}`, { transports: [transport], forceNew: true })
    after.push(() => client.close())
    const [id, visits] = await new Promise<unknown[]>((resolve) => client.on('session', (...got) => resolve(got)))
    expect(visits).toBe(1)
    expect(id).toMatch(/^[\w-]{32}$/)
    expect(seen).toHaveLength(1)
  })
})

describe('compression of polls', () => {
  it('is for long answers, of which something may be compressed, to clients that take it', async () => {
    const { io, port } = open()
    const { read } = await poll(port)
    const gzip = { 'Accept-Encoding': 'gzip, deflate' }
    const long = 'x'.repeat(2_000)
    io.emit('long', long)
    const answer = await read(gzip)
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(answer.body).toString()).toBe(`42["long","${long}"]`)
    io.emit('long', long)
    expect((await read()).headers['content-encoding']).toBeUndefined()
    io.emit('short')
    expect((await read(gzip)).headers['content-encoding']).toBeUndefined()
    io.compress(false).emit('long', long)
    expect((await read(gzip)).headers['content-encoding']).toBeUndefined()
  })
})

describe('requests that are refused', () => {
  it('of JSONP get a sentence', async () => {
    const { port } = open()
    const answer = await fetch(`http://localhost:${port}/socket.io/?EIO=4&transport=polling&j=0`)
    expect(answer.status).toBe(400)
    expect((await answer.json()).message).toMatch(/^JSONP is not supported/)
  })

  it('in more parts than a body has get 413, and end the session', async () => {
    const { io, port } = open()
    const closed = new Promise((resolve) =>
      io.on('connection', (socket) => socket.on('disconnect', (reason) => resolve(reason))),
    )
    const { url } = await poll(port)
    const parts = new ReadableStream({
      async start(controller) {
        for (let i = 0; i < 10_100; i++) {
          controller.enqueue(new Uint8Array([0x34]))
          if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        controller.close()
      },
    })
    const answer = await fetch(url, { method: 'POST', body: parts, duplex: 'half' } as never).catch(() => undefined)
    if (answer) expect(answer.status).toBe(413)
    expect(await closed).toBe('transport error')
  })

  it('transports and engines that there are not get a sentence at the start', () => {
    expect(() => new Server({ transports: ['webtransport'] }).attach(createServer())).toThrow('WebTransport')
  })
})

describe('heartbeats', () => {
  it('are answered by nothing but a pong', async () => {
    const { io, port } = open({ pingInterval: 60, pingTimeout: 60 })
    const reason = new Promise((resolve) =>
      io.on('connection', (socket) => socket.on('disconnect', (said) => resolve(said))),
    )
    const socket = new WebSocket(`ws://localhost:${port}/socket.io/?EIO=4&transport=websocket`)
    await once(socket, 'open')
    socket.send('40')
    const talking = setInterval(() => socket.readyState === 1 && socket.send('42["still here"]'), 10)
    after.push(() => clearInterval(talking))
    expect(await reason).toBe('ping timeout')
  })
})

describe('an HTTP server that is shared', () => {
  /** @returns whether the server ended the connection within the time */
  async function upgrade(port: number, withinMs: number): Promise<string> {
    const socket = connectTcp(port, 'localhost')
    after.push(() => socket.destroy())
    await once(socket, 'connect')
    socket.write('GET /foreign HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: IRC/6.9\r\n\r\n')
    const outcome = Promise.withResolvers<string>()
    socket.once('data', (data) => outcome.resolve(data.toString()))
    socket.once('end', () => outcome.resolve('ended'))
    const timer = setTimeout(() => outcome.resolve('open'), withinMs)
    after.push(() => clearTimeout(timer))
    return outcome.promise
  }

  it('has foreign upgrades ended only where no listener could take them', async () => {
    const server = createServer()
    attach(server, { destroyUpgradeTimeout: 20 })
    const port = await listening(server)
    expect(await upgrade(port, 2_000)).toBe('ended')
    server.on('upgrade', (_request, socket) => void setTimeout(() => socket.write('taken'), 100))
    expect(await upgrade(port, 2_000)).toBe('taken')
  })

  it('has them left open on demand', async () => {
    const server = createServer()
    attach(server, { destroyUpgrade: false, destroyUpgradeTimeout: 1 })
    expect(await upgrade(await listening(server), 100)).toBe('open')
  })

  it('carries several servers, each below its path', async () => {
    const server = createServer((_request, response) => response.end('the application'))
    const first = new Server(server, { path: '/first' })
    const second = new Server(server, { path: '/second' })
    const port = await listening(server)
    first.on('connection', (socket) => socket.emit('from', 'first'))
    second.on('connection', (socket) => socket.emit('from', 'second'))
    for (const name of ['first', 'second']) {
      const client = connect(`http://localhost:${port}`, { path: `/${name}`, forceNew: true })
      after.push(() => client.close())
      expect(await new Promise((resolve) => client.once('from', resolve))).toBe(name)
    }
    expect(await (await fetch(`http://localhost:${port}/`)).text()).toBe('the application')
  })

  it('listens again after it was closed', async () => {
    const io = new Server()
    io.on('connection', (socket) => socket.emit('hello'))
    for (let round = 0; round < 2; round++) {
      io.listen(0)
      const client = connect(`http://localhost:${portOf(io.httpServer as HttpServer)}`, { forceNew: true })
      await new Promise<void>((resolve) => client.once('hello', resolve))
      client.close()
      await io.close()
    }
  })
})

describe('the end of the process', () => {
  it('comes after what was sent in its turn', async () => {
    const entry = new URL('../src/index.ts', import.meta.url)
    const script = `
      import { Server } from ${JSON.stringify(entry.href)}
      const io = new Server(0)
      io.on('connection', (socket) => socket.on('quit', () => { socket.emit('last words'); process.exit() }))
      io.httpServer.on('listening', () => console.log(io.httpServer.address().port))`
    const node: ChildProcess = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', script])
    after.push(() => node.kill())
    const [port] = await once(node.stdout as NodeJS.ReadableStream, 'data')
    const client = connect(`http://localhost:${Number(port)}`, { transports: ['websocket'], reconnection: false })
    after.push(() => client.close())
    const heard = new Promise<string>((resolve) => {
      client.once('last words', () => resolve('last words'))
      client.once('disconnect', resolve)
    })
    client.once('connect', () => client.emit('quit'))
    expect(await heard).toBe('last words')
  })
})
