/** deploy/nginx.conf, run by the real nginx: every kind of client comes through it, over TLS, and all sit in one room. B8. */

import { execFile } from 'node:child_process'
import diagnostics from 'node:diagnostics_channel'
import { setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { connect } from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { EventSource } from 'eventsource'
import { io, type Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { hmacToken } from '../../packages/server/test/auth/bad-tokens.ts'
import { type Nginx, startNginx } from './nginx.ts'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const tokenOf = (sub: string): string => hmacToken(SECRET, { sub, name: sub })

// biome-ignore lint/suspicious/noExplicitAny: a test looks into messages of every shape
type Message = Record<string, any>
type Heard = [seq: number, from: string, content: string][]

let roomful: Roomful
let nginx: Nginx

beforeAll(async () => {
  const limits = { ratePerSecond: 0, ratePerMinute: 0 }
  const settings = { data: ':memory:', jwtSecret: SECRET, trustProxy: ['127.0.0.1'], ...limits }
  roomful = createRoomful(settings).standardNamespaces()
  const { port } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  nginx = await startNginx([port])
  setDefaultCACertificates([nginx.ca])
})

afterAll(async () => {
  await roomful.close()
  await nginx.stop()
})

/** Somebody who is in the room: what they hear, and a way to speak. */
interface Person {
  readonly heard: Heard
  say(content: string): Promise<unknown>
}

function note(heard: Heard, { seq, userId, content }: Message): void {
  heard.push([seq, userId, content])
}

async function bareWebSocket(sub: string, options: { localAddress?: string; headers?: Record<string, string> } = {}) {
  const ws = new WebSocket(`${nginx.url.replace('https', 'wss')}/ws?token=${tokenOf(sub)}`, options)
  onTestFinished(() => ws.close())
  const heard: Heard = []
  const answers = new Map<number, (data: Message) => void>()
  let lastId = 0
  const ask = (message: Message): Promise<Message> =>
    new Promise((resolve) => {
      answers.set(++lastId, resolve)
      ws.send(JSON.stringify({ ...message, id: lastId }))
    })
  const known = new Promise<void>((resolve) => {
    ws.on('message', (text: Buffer) => {
      const message: Message = JSON.parse(text.toString())
      if (message.type === 'auth_ok') resolve()
      else if (message.type === 'chat:message') note(heard, message)
      else if (message.type === 'ack') answers.get(message.ack)?.(message.data)
    })
  })
  await known
  await ask({ type: 'room:join', roomId: 'lobby' })
  return { heard, say: (content: string) => ask({ type: 'chat:message', roomId: 'lobby', content }) }
}

async function socketIo(sub: string, transports: string[]): Promise<Person & { socket: Socket }> {
  const socket = io(nginx.url, { forceNew: true, transports, auth: { token: tokenOf(sub) } })
  onTestFinished(() => void socket.disconnect())
  const heard: Heard = []
  socket.on('message:new', (message: Message) => note(heard, message))
  await new Promise((resolve) => socket.once('connect', () => resolve(undefined)))
  const { engine } = socket.io
  if (transports.length > 1 && engine.transport.name !== 'websocket') {
    await new Promise((resolve) => engine.once('upgrade', () => resolve(undefined)))
  }
  await socket.emitWithAck('room:join', 'lobby')
  return { socket, heard, say: (content) => socket.emitWithAck('message:send', { roomId: 'lobby', content }) }
}

const post = (sub: string, content: string) =>
  fetch(`${nginx.url}/send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokenOf(sub)}` },
    body: JSON.stringify({ type: 'chat:message', roomId: 'lobby', content }),
  })

async function eventSource(sub: string): Promise<Person> {
  const source = new EventSource(`${nginx.url}/sse?room=lobby&token=${tokenOf(sub)}`)
  onTestFinished(() => source.close())
  const heard: Heard = []
  await new Promise<void>((resolve) => {
    source.onmessage = ({ data }) => {
      const message: Message = JSON.parse(data)
      if (message.type === 'room:joined') resolve()
      if (message.type === 'chat:message') note(heard, message)
    }
  })
  return { heard, say: (content) => post(sub, content) }
}

async function longPoller(sub: string): Promise<Person> {
  const heard: Heard = []
  const poll = async (after: string): Promise<string> => {
    const response = await fetch(`${nginx.url}/poll?room=lobby&token=${tokenOf(sub)}${after}`)
    const { events, cursor } = (await response.json()) as { events: Message[]; cursor: string }
    for (const event of events) if (event.type === 'chat:message') note(heard, event)
    return cursor
  }
  let cursor = await poll('')
  let isOver = false
  onTestFinished(() => {
    isOver = true
  })
  const go = async (): Promise<void> => {
    while (!isOver) cursor = await poll(`&after=${cursor}&wait=1`)
  }
  go().catch(() => undefined)
  return { heard, say: (content) => post(sub, content) }
}

async function sdk(sub: string): Promise<Person> {
  const client = connect(nginx.url, { token: tokenOf(sub) })
  onTestFinished(() => client.close())
  const room = client.room('lobby')
  const heard: Heard = []
  room.on('message:new', (message) => note(heard, message))
  await room.ready
  return { heard, say: (content) => room.send(content) }
}

describe('[B8] behind nginx', () => {
  it('[D1] every kind of client sits in one room: the same events, numbers and order', async () => {
    const upgraded = await socketIo('upgraded', ['polling', 'websocket'])
    const people: Record<string, Person> = {
      bare: await bareWebSocket('bare'),
      polling: await socketIo('polling', ['polling']),
      upgraded,
      websocket: await socketIo('websocket', ['websocket']),
      sse: await eventSource('sse'),
      poll: await longPoller('poll'),
      sdk: await sdk('sdk'),
    }
    expect(upgraded.socket.io.engine.transport.name).toBe('websocket')
    const names = Object.keys(people)
    for (const round of ['one', 'two 👋\n']) {
      await Promise.all(Object.values(people).map((person) => person.say(round)))
    }
    const count = 2 * names.length
    await expect
      .poll(() => Object.values(people).map(({ heard }) => heard.length), { timeout: 10_000 })
      .toEqual(names.map(() => count))
    const [first] = Object.values(people)
    expect(first?.heard.map(([seq]) => seq)).toEqual(Array.from({ length: count }, (_, at) => at + 1))
    expect(new Set(first?.heard.map(([, from]) => from))).toEqual(new Set(names))
    for (const [name, { heard }] of Object.entries(people)) expect(heard, name).toEqual(first?.heard)
  })

  it('[B32] the address is the client’s own, and none that it made up', async () => {
    const seen = new Promise<string>((resolve) => {
      hubOf(roomful)
        .namespace('/')
        ?.hook('connect', ({ user, ip }) => user.sub === 'elsewhere' && resolve(ip))
    })
    await bareWebSocket('elsewhere', { localAddress: '127.0.0.2', headers: { 'X-Forwarded-For': '6.6.6.6' } })
    expect(await seen).toBe('127.0.0.2')
  })

  it('[C19] a page of another site is refused, and the same origin passes with its port', async () => {
    const status = (origin: string) => fetch(`${nginx.url}/health`, { headers: { Origin: origin } })
    expect((await status(nginx.url)).status).toBe(200)
    expect((await status('https://evil.example')).status).toBe(403)
  })

  it('[L1] what is too large is refused by Roomful, with its code', async () => {
    const response = await post('large', 'x'.repeat(200_000))
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ error: { code: 'TOO_LARGE' } })
  })

  it('[P11] a server below a path of the host is found there by the SDK and by Socket.IO', async () => {
    const settings = { data: ':memory:', trustProxy: ['127.0.0.1'], basePath: '/realtime', socketioPath: '/io' }
    await using below = createRoomful(settings).standardNamespaces()
    const site = await startNginx([(await below.listen({ port: 0, host: '127.0.0.1' })).port])
    setDefaultCACertificates([site.ca]) // of the same name as the other one, so not beside it
    const client = connect(`${site.url}/realtime`, { namespace: '/public', name: 'Ann' })
    const socket = io(`${site.url}/public`, { path: '/realtime/io', auth: { name: 'Ben' }, forceNew: true })
    try {
      await new Promise((resolve, reject) => socket.on('connect', () => resolve(0)).on('connect_error', reject))
      await socket.emitWithAck('room:join', 'lobby')
      const heard = new Promise((resolve) => socket.on('message:new', ({ content }) => resolve(content)))
      await client.room('lobby').send('hello')
      expect(await heard).toBe('hello')
      expect(client.state).toMatchObject({ transport: 'websocket' })
    } finally {
      client.close()
      socket.disconnect()
      setDefaultCACertificates([nginx.ca])
      await site.stop()
    }
  })

  it('[P7] an offer of HTTP/2 is answered, and does not reach Roomful', async () => {
    const offers: (string | undefined)[] = []
    const note = ({ headers }: { headers: { upgrade?: string } }): void => void offers.push(headers.upgrade)
    diagnostics.subscribe('http.server.request.start', (message) => note((message as { request: never }).request))
    const offer = ['-H', 'Connection: Upgrade, HTTP2-Settings', '-H', 'Upgrade: h2c', '-H', 'HTTP2-Settings: AAMAAABk']
    const curl = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)('curl', ['--silent', '--show-error', '--insecure', '--max-time', '5', ...args])).stdout
    expect(await curl('--http1.1', ...offer, `${nginx.url}/api/status`)).toBe('{"status":"online"}')
    expect(await curl('--http2', `${nginx.url}/api/status`)).toBe('{"status":"online"}')
    expect(await curl('--http2', '--write-out', '%{http_code}', `http://localhost:${nginx.httpPort}/`)).toMatch(/301$/)
    expect(offers).toEqual([undefined, undefined])
  })

  it('[B9] a stream comes back after a restart, and everything else is told when to ask again', async () => {
    const serve = async (port: number): Promise<Roomful & { port: number }> => {
      const made = createRoomful({ data: ':memory:', trustProxy: ['127.0.0.1'] }).standardNamespaces()
      return Object.assign(made, await made.listen({ port, host: '127.0.0.1' }))
    }
    let restarting = await serve(0)
    const { port } = restarting
    const front = await startNginx([port])
    onTestFinished(async () => {
      await restarting.close()
      await front.stop()
    })
    setDefaultCACertificates([nginx.ca, front.ca])
    const source = new EventSource(`${front.url}/sse/public?room=lobby&name=Ann`)
    onTestFinished(() => source.close())
    const happened = (): Promise<string> =>
      new Promise((resolve) => {
        source.onopen = () => resolve('open')
        source.onerror = () => resolve(source.readyState === EventSource.CLOSED ? 'given up' : 'cut')
      })
    expect(await happened()).toBe('open')
    const [cut] = await Promise.all([happened(), restarting.close()])
    expect(cut).toBe('cut')
    expect(await happened()).toBe('cut') // by nginx
    const response = await fetch(`${front.url}/health`)
    expect([response.status, response.headers.get('retry-after')]).toEqual([502, '1'])
    restarting = await serve(port)
    await expect.poll(() => source.readyState, { timeout: 15_000 }).toBe(EventSource.OPEN)
  })

  it('[C16] plain HTTP is sent on to https', async () => {
    const response = await fetch(`http://localhost:${nginx.httpPort}/health`, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([301, 'https://localhost/health'])
  })
})
