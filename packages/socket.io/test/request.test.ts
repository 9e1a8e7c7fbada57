/** The first request of a client and its handshake: what an application sees of them, whether or not the request was let go. */
import { IncomingMessage } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Server, Socket } from '../src/index.ts'
import { client, connected, open, until } from './lib/harness.ts'

const headers = { cookie: 'a=1; b=2', 'user-agent': 'a test', 'x-list': 'one, two' }

async function enter(io: Server, url: string, transports = ['websocket']): Promise<Socket> {
  const arrived = new Promise<Socket>((resolve) => void io.once('connection', resolve))
  await connected(client(url, transports, { extraHeaders: headers, query: { room: 'r 1' }, auth: { token: 't' } }))
  const socket = await arrived
  for (let i = 0; i < 3; i++) await turn()
  return socket
}

/** Whether the object that Node made is still there. */
function isLetGo(socket: Socket): boolean {
  return typeof (socket.client.session as unknown as { arrived: unknown }).arrived === 'string'
}

describe('the request of a client', () => {
  it('is let go once the client is connected, and made again when it is asked for', async () => {
    const { io, url } = open({ cors: { origin: '*' } })
    const socket = await enter(io, url)
    expect(isLetGo(socket)).toBe(true)
    const { request } = socket
    expect(isLetGo(socket)).toBe(false)
    expect(request).toBeInstanceOf(IncomingMessage)
    expect(request.headers).toMatchObject({ ...headers, upgrade: 'websocket' })
    expect(request).toMatchObject({
      method: 'GET',
      httpVersion: '1.1',
      _query: { room: 'r 1', transport: 'websocket' },
    })
    expect(request.url).toContain('room=r%201')
    expect(request.socket.remotePort).toBeGreaterThan(0)
    expect(socket.request).toBe(request)
    expect(socket.conn.request).toBe(request)
  })

  it('stays the very object where a middleware, a check, a listener or the application has seen it', async () => {
    const seen: unknown[] = []
    const { io, url } = open()
    io.engine.use((req: unknown, _res: unknown, next: () => void) => {
      seen.push(req)
      next()
    })
    expect((await enter(io, url)).request).toBe(seen[0])

    const checked = open({ allowRequest: (req, done) => done(null, seen.unshift(req) > 0) })
    expect((await enter(checked.io, checked.url)).request).toBe(seen[0])

    const listened = open()
    listened.io.engine.on('initial_headers', (_headers, req) => seen.unshift(req))
    expect((await enter(listened.io, listened.url)).request).toBe(seen[0])

    const used = open()
    used.io.use(({ request }, next) => {
      seen.unshift(request)
      next()
    })
    expect((await enter(used.io, used.url)).request).toBe(seen[0])
  })

  it('stays where something was added to it', async () => {
    const { io, url } = open()
    const { emit } = io.httpServer
    io.httpServer.emit = function added(this: typeof io.httpServer, event: string, ...args: unknown[]) {
      if (event === 'upgrade') Object.assign(args[0] as object, { user: 'ann' })
      return Reflect.apply(emit, this, [event, ...args])
    } as never
    const socket = await enter(io, url)
    expect(isLetGo(socket)).toBe(false)
    expect(socket.request).toMatchObject({ user: 'ann' })
  })

  it('is let go after the change from polls to a WebSocket, and has the first URL', async () => {
    const { io, url } = open()
    const socket = await enter(io, url, ['polling', 'websocket'])
    await until(() => isLetGo(socket))
    expect(socket.request.url).toContain('transport=polling')
    expect(socket.handshake.query.transport).toBe('polling')
  })
})

describe('the handshake of a socket', () => {
  it.each([
    ['with its request', (socket: Socket) => socket.request],
    ['after its request was let go', () => undefined],
  ])('has all parts as properties of its own, %s', async (_case, look) => {
    const { io, url } = open()
    const socket = await enter(io, url)
    look(socket)
    const { handshake } = socket
    const parts = ['headers', 'time', 'address', 'xdomain', 'secure', 'issued', 'url', 'query', 'auth']
    expect(Object.keys(handshake)).toEqual(parts)
    const copy = JSON.parse(JSON.stringify(handshake))
    expect(copy).toEqual({ ...handshake })
    expect(copy).toMatchObject({ auth: { token: 't' }, query: { room: 'r 1' }, headers, xdomain: false, secure: false })
    expect(new Date(copy.time).getTime()).toBe(Math.floor(copy.issued / 1000) * 1000)
    expect(copy.address).toMatch(/127\.0\.0\.1|::1/)
    expect(inspect(handshake)).toContain("token: 't'")
  })

  it('keeps what the application changes in it', async () => {
    const { io, url } = open()
    const { handshake } = await enter(io, url)
    handshake.query.extra = 'x'
    handshake.headers['x-added'] = 'y'
    Object.assign(handshake.auth, { user: 'ann' })
    Object.assign(handshake, { session: { id: 1 }, address: '203.0.113.1' })
    expect(handshake.query.extra).toBe('x')
    expect({ ...handshake }).toMatchObject({
      session: { id: 1 },
      address: '203.0.113.1',
      auth: { token: 't', user: 'ann' },
      headers: { 'x-added': 'y' },
    })
  })
})
