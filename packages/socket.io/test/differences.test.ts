/** What differs from Socket.IO's own server, or might be expected to: the rows of docs/socket-io.md that have no other test. */
import { createServer } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Server, type Socket } from '../src/index.ts'
import { client, collect, connected, open, until } from './lib/harness.ts'

describe('a server', () => {
  it('that was never attached closes without an error', async () => {
    const io = new Server()
    const errors: unknown[] = []
    await io.close((error) => errors.push(error))
    expect(errors).toEqual([undefined])
  })

  it('refuses other engines and WebTransport with a sentence', () => {
    const io = new Server()
    expect(() => io.bind()).toThrow('give attach() an HTTP server')
    expect(() => io.attachApp()).toThrow('uWebSockets.js is not supported: give attach()')
    const httpServer = createServer()
    expect(() => new Server(httpServer, { transports: ['polling', 'webtransport'] })).toThrow(
      'WebTransport is not supported: leave it out of `transports`',
    )
  })

  it('refuses JSONP with a sentence, and reports it', async () => {
    const { io, url } = open()
    const reported: unknown[] = []
    io.engine.on('connection_error', ({ code, context }) => reported.push(code, context.name))
    const response = await fetch(`${url}/socket.io/?EIO=4&transport=polling&j=0`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 3, message: expect.stringContaining('JSONP is not supported') })
    expect(reported).toEqual([3, 'JSONP'])
  })

  it('keeps a namespace in which a middleware still looks at a client', async () => {
    const { io, url } = open({ cleanupEmptyChildNamespaces: true })
    let letIn: (() => void) | undefined
    const parent = io.of(/^\/room-/)
    parent.use((socket, next) => {
      if (socket.handshake.auth.slow) letIn = next
      else next()
    })
    const first = client(`${url}/room-1`)
    await connected(first)
    const second = client(`${url}/room-1`, ['websocket'], { auth: { slow: true } })
    await until(() => letIn !== undefined)
    first.disconnect()
    await until(() => io.of('/').server._nsps.get('/room-1')?.sockets.size === 0)
    letIn?.()
    await connected(second)
    expect(io._nsps.has('/room-1')).toBe(true)
    const seen = collect(second)
    io.of('/room-1').emit('hello')
    await until(() => seen.length === 1)
    second.disconnect()
    await until(() => !io._nsps.has('/room-1'))
  })
})

describe('recovery', () => {
  it.each([
    ['recovers a client that missed less than the bound', 3, true],
    ['does not recover one for which an event was dropped at the bound', 6, false],
  ])('%s', async (_name, events, isRecovered) => {
    const { io, url } = open({ connectionStateRecovery: {}, pingInterval: 25_000 })
    const sockets: Socket[] = []
    io.on('connection', (socket) => sockets.push(socket))
    const ann = client(url, ['websocket'], { reconnectionDelay: 300, randomizationFactor: 0 })
    const seen = collect(ann)
    await connected(ann)
    io.emit('first')
    await until(() => seen.length === 1)
    ann.io.engine.close() // and it comes back
    await until(() => sockets[0]?.connected === false)
    for (let i = 0; i < events; i++) io.emit('large', 'x'.repeat(1_000_000))
    await until(() => sockets.length === 2)
    expect(sockets[1]?.recovered).toBe(isRecovered)
    await until(() => ann.recovered === isRecovered && (!isRecovered || seen.length === 1 + events))
  })
})

describe('the server side of a known adapter', () => {
  it('may be a class, a function or an arrow function', () => {
    const made: string[] = []
    const { adapter } = new Server().sockets
    const Base = adapter.constructor as new (nsp: unknown) => object
    class Own extends Base {
      constructor(nsp: { name: string }) {
        super(nsp)
        made.push(`class ${nsp.name}`)
      }
    }
    function make(nsp: { name: string }): object {
      made.push(`function ${nsp.name}`)
      return new Base(nsp)
    }
    const servers = [Own, make, (nsp: { name: string }) => make(nsp)].map(
      (each) => new Server({ adapter: each as never }),
    )
    onTestFinished(async () => {
      for (const io of servers) await io.close()
    })
    servers[0]?.of('/x')
    expect(made).toEqual(['class /', 'function /', 'function /', 'class /x'])
    expect(servers.map((io) => io.sockets.adapter instanceof Base)).toEqual([true, true, true])
    servers[1]?.adapter(Own as never)
    expect(servers[1]?.sockets.adapter).toBeInstanceOf(Own)
  })
})
