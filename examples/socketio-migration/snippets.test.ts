/**
 * A tutorial's server and client for Socket.IO, word for word but for the import, on Socket.IO's own server and on Roomful's: both print
 * and send the same. The texts name things that a page or an application has around them; those are given here.
 */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Socket as ServerSocket } from 'socket.io'
import { io as connect, type Socket } from 'socket.io-client'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const SECRET = 'of this test only'
const [serverText, clientText] = ['server', 'client'].map((name) =>
  readFileSync(join(import.meta.dirname, `snippets/${name}.js.txt`), 'utf8'),
) as [string, string]
const libraries = {
  'socket.io': () => import('socket.io'),
  '@roomful/socket.io': () => import('@roomful/socket.io'),
}

function sign(payload: object): string {
  const [header, body] = [{ alg: 'HS256', typ: 'JWT' }, payload].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  return `${header}.${body}.${signatureOf(`${header}.${body}`)}`
}

function signatureOf(text: string): string {
  return createHmac('sha256', SECRET).update(text).digest('base64url')
}

/** What the package jsonwebtoken does for the server. */
const jwt = {
  verify(token: string, secret: string): unknown {
    const [header, body, signature] = token.split('.')
    if (secret !== SECRET || signature !== signatureOf(`${header}.${body}`)) throw new Error('invalid signature')
    return JSON.parse(Buffer.from(body as string, 'base64url').toString('utf8'))
  },
}

interface Running {
  readonly url: string
  readonly printed: unknown[][]
  /** Runs the part "Emit Patterns", which the text shows outside of any listener. */
  emitPatterns(socket: ServerSocket | undefined, data: unknown): void
  readonly sockets: readonly ServerSocket[]
}

/** Runs the server's text. Only the module's name differs, and the port, which the text fixes. */
async function runServer(library: keyof typeof libraries): Promise<Running> {
  const text = serverText.replace("require('socket.io')", `require('${library}')`)
  if (library !== 'socket.io') expect(text).not.toBe(serverText)
  const { Server } = (await libraries[library]()) as unknown as { Server: typeof import('socket.io').Server }
  const httpServer = http.createServer()
  const listen = httpServer.listen.bind(httpServer)
  httpServer.listen = (() => listen(0, 'localhost')) as never
  let server: InstanceType<typeof Server> | undefined
  const sockets: ServerSocket[] = []
  const modules: Record<string, unknown> = {
    http: { createServer: () => httpServer },
    [library]: {
      Server: class extends Server {
        constructor(...args: ConstructorParameters<typeof Server>) {
          super(...args)
          server = this
          this.on('connection', (socket) => sockets.push(socket))
        }
      },
    },
  }
  const printed: unknown[][] = []
  const [before, after] = text.split('// ── Emit Patterns ──') as [string, string]
  const [patterns, rest] = after.split('httpServer.listen') as [string, string]
  const run = new Function(
    ...['require', 'console', 'jwt', 'SECRET'],
    `${before}\nconst patterns = (socket, data) => {${patterns}}\nhttpServer.listen${rest}\nreturn patterns`,
  )
  const emitPatterns = run(
    (name: string) => modules[name] ?? createRequire(import.meta.url)(name),
    { log: (...line: unknown[]) => printed.push(line) },
    jwt,
    SECRET,
  )
  onTestFinished(() => server?.close())
  await once(httpServer, 'listening')
  return { url: `http://localhost:${(httpServer.address() as AddressInfo).port}`, printed, sockets, emitPatterns }
}

interface Page {
  readonly socket: Socket
  readonly printed: unknown[][]
  readonly messages: unknown[]
  readonly typing: unknown[]
  /** Reaches the last line of the text, which it does at once as it stands. */
  leave(): void
}

/** Runs the client's text as a page does. */
function runClient(url: string, token: string): Page {
  const printed: unknown[][] = []
  const messages: unknown[] = []
  const typing: unknown[] = []
  let socket: Socket | undefined
  let leave = (): void => undefined
  const page = {
    console: {
      log: (...line: unknown[]) => printed.push(line),
      error: (...line: unknown[]) => printed.push(line),
    },
    localStorage: { getItem: (name: string) => (name === 'jwt' ? token : null) },
    appendMessage: (message: unknown) => messages.push(message),
    showTypingIndicator: (userId: unknown) => typing.push(userId),
    io: (_address: string, options: object) => {
      socket = connect(url, { ...options, forceNew: true })
      const disconnect = socket.disconnect.bind(socket)
      leave = () => void disconnect()
      socket.disconnect = () => socket as Socket
      onTestFinished(leave)
      return socket
    },
  }
  const text = clientText.replace(/^import .*$/m, '')
  new Function(...Object.keys(page), text)(...Object.values(page))
  return { socket: socket as unknown as Socket, printed, messages, typing, leave }
}

const until = (isSo: () => boolean) => vi.waitUntil(isSo, { timeout: 5_000, interval: 5 })

describe.each(Object.keys(libraries) as (keyof typeof libraries)[])('a tutorial, word for word, on %s', (library) => {
  it('lets people in by their token, and into a room, where they hear each other', async () => {
    const server = await runServer(library)
    const ann = runClient(server.url, sign({ sub: 'ann' }))
    await until(() => server.printed.some(([line]) => String(line).endsWith('joined chat-room-123')))
    const annHears: unknown[][] = []
    ann.socket.onAny((...event) => annHears.push(event))
    const ben = runClient(server.url, sign({ sub: 'ben' }))
    await until(() => ann.messages.length > 0 || annHears.some(([name]) => name === 'user:joined'))
    expect(server.printed[0]).toEqual(['Connected:', ann.socket.id, 'ann'])
    expect(ann.printed).toEqual([['Connected:', ann.socket.id]])
    expect(annHears).toContainEqual(['user:joined', { userId: 'ben' }])

    ben.socket.emit('typing:start', 'chat-room-123')
    ben.socket.emit('message:send', { roomId: 'chat-room-123', content: 'Hello!' })
    await until(() => ann.messages.length === 1 && ben.messages.length === 1)
    expect(ann.typing).toEqual(['ben'])
    expect(ben.typing).toEqual([])
    const message = { id: expect.any(Number), userId: 'ben', content: 'Hello!', ts: expect.any(Number) }
    expect(ann.messages).toEqual([message])
    expect(ben.messages).toEqual([message])

    const toAnn = new Promise((resolve) => ann.socket.once('message:private', resolve))
    ben.socket.emit('message:private', { to: ann.socket.id, content: 'psst' })
    expect(await toAnn).toMatchObject({ from: ben.socket.id, fromUser: 'ben', content: 'psst' })

    const userLeft = new Promise((resolve) => ann.socket.once('user:left', resolve))
    ben.socket.emit('room:leave', 'chat-room-123')
    expect(await userLeft).toEqual({ userId: 'ben' })
    ben.leave()
    await until(() => server.printed.some(([line]) => line === 'Disconnected:'))
    expect(server.printed.at(-1)).toEqual(['Disconnected:', expect.any(String), 'client namespace disconnect'])
    expect(ben.printed.at(-1)).toEqual(['Disconnected:', 'io client disconnect'])
  })

  it('refuses a token that is not its own', async () => {
    const { url } = await runServer(library)
    const eve = runClient(url, `${sign({ sub: 'eve' })}x`)
    await until(() => eve.printed.length > 0)
    expect(eve.printed).toEqual([['Connection error:', 'Authentication failed']])
  })

  it('sends to everyone, one socket, a room with or without its sender, and several rooms', async () => {
    const server = await runServer(library)
    const ann = runClient(server.url, sign({ sub: 'ann' }))
    await until(() => server.sockets.length === 1)
    const ben = runClient(server.url, sign({ sub: 'ben' }))
    await until(() => server.sockets.length === 2 && ben.socket.connected)
    const heard = [ann, ben].map(({ socket }) => {
      const events: unknown[][] = []
      for (const name of ['global', 'event']) socket.on(name, (data) => events.push([name, data]))
      return events
    })
    const [own, other] = server.sockets
    own?.join(['room', 'room1', 'room2'])
    other?.join(['room', 'room2'])
    server.emitPatterns(own, { n: 1 })
    const event = ['event', { n: 1 }]
    const global = ['global', { n: 1 }]
    await until(() => heard[0]?.length === 4 && heard[1]?.length === 4)
    expect(heard[0]).toEqual([global, event, event, event])
    expect(heard[1]).toEqual([global, event, event, event])
  })
})
