/** Hostile and slow clients: what ends, what goes on, and the options that bound what Socket.IO does not. */
import { connect as connectTcp, type Socket as TcpSocket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { Server } from '../src/index.ts'
import { client, collect, connected, open, until } from './lib/harness.ts'

/** A WebSocket that says what it likes; `gone` is the code with which it ends. */
async function raw(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ ws: WebSocket; gone: Promise<number> }> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, { headers })
  onTestFinished(() => ws.terminate())
  const gone = new Promise<number>((resolve) => ws.once('close', resolve))
  ws.on('error', () => undefined)
  await new Promise((resolve, reject) =>
    ws
      .once('message', resolve)
      .once('unexpected-response', (_, { statusCode }) => reject(new Error(String(statusCode)))),
  )
  return { ws, gone }
}

/** Connects to `/`: what comes before the answer would be a breach. */
function enter(ws: WebSocket): Promise<unknown> {
  ws.send('40')
  return new Promise((resolve) => ws.once('message', resolve))
}

function ends(io: Server): string[] {
  const reasons: string[] = []
  io.on('connection', (socket) =>
    socket.on('disconnect', (reason, description) =>
      reasons.push(`${reason}: ${(description as Error | undefined)?.message ?? ''}`),
    ),
  )
  return reasons
}

describe('a client that breaks the protocol', () => {
  it.each([
    ['no packet', '4abc'],
    ['a type that does not exist', '49'],
    ['an event before it connected', '42["x"]', 'first'],
    ['a second CONNECT', '40'],
    ['text where an attachment should be', '451-["x",{"_placeholder":true,"num":0}]', '42["x"]'],
    ['more attachments than may be', '4511-["x"]'],
    ['an event without a name', '42[]'],
    ['100,000 levels', `42["x",${'['.repeat(100_000)}${']'.repeat(100_000)}]`],
    ['`__proto__` as a name', '42["__proto__"]', 'stays'],
  ])('sends %s, and everyone else goes on', async (_what: string, message: string, more?: string) => {
    const { io, url } = open({ maxHttpBufferSize: 1e6 })
    const ann = client(url)
    await connected(ann)
    io.on('connection', (socket) => socket.on('ping', (answer) => answer()))
    const { ws, gone } = await raw(url)
    if (more !== 'first') await enter(ws)
    ws.send(message)
    if (more?.startsWith('42')) ws.send(more)
    if (more === 'stays') {
      ws.send('421["ping"]')
      await new Promise<void>((resolve) => ws.on('message', (data) => String(data).startsWith('431') && resolve()))
    } else await gone
    const ben = client(url)
    await ben.timeout(5_000).emitWithAck('ping')
    expect(ann.connected).toBe(true)
  })

  it('is gone after connectTimeout when it joins no namespace', async () => {
    const { url } = open({ connectTimeout: 60 })
    await (await raw(url)).gone
  })

  it('sends more than maxHttpBufferSize: the reason is a transport error, with a RangeError', async () => {
    const { io, url } = open({ maxHttpBufferSize: 1_000 })
    const reasons = ends(io)
    const { ws, gone } = await raw(url)
    await enter(ws)
    ws.send(`42["x","${'x'.repeat(2_000)}"]`)
    expect(await gone).toBe(1009)
    await until(() => reasons.length === 1)
    expect(reasons).toEqual(['transport error: Max payload size exceeded'])
  })
})

describe('the option roomful', () => {
  it('refuses foreign pages on every transport with `origins`', async () => {
    const { url } = open({ roomful: { origins: ['https://app.example.com'] } })
    await raw(url, { origin: 'https://app.example.com' })
    await expect(raw(url, { origin: 'https://evil.example.com' })).rejects.toThrow('400')
    const poll = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, {
      headers: { origin: 'https://evil.example.com' },
    })
    expect([poll.status, await poll.json()]).toEqual([403, { code: 4, message: 'Origin not allowed' }])
  })

  it('closes a link that sends more than `packetsPerSecond`', async () => {
    const { io, url } = open({ roomful: { packetsPerSecond: 5 } })
    const reasons = ends(io)
    const { ws, gone } = await raw(url)
    await enter(ws)
    for (let i = 0; i < 10; i++) ws.send('42["x"]')
    await gone
    await until(() => reasons.length === 1)
    expect(reasons).toEqual(['forced close: More than 5 packets in a second'])
  })

  it('takes deeper packets, and more attachments, when it says so', async () => {
    const { io, url } = open({ roomful: { maxDepth: 5, maxAttachments: 1 } })
    io.on('connection', (socket) => socket.on('x', (_value, answer) => answer()))
    const ann = client(url, ['websocket'], { reconnection: false })
    await connected(ann)
    await ann.emitWithAck('x', [[[1]]])
    await ann.emitWithAck('x', Buffer.from('a'))
    ann.emit('x', [[[[[[[[[[1]]]]]]]]]])
    await until(() => ann.disconnected)
  })

  it('refuses what it does not know', () => {
    expect(() => open({ roomful: { pakets: 1 } as never })).toThrow('roomful.pakets is not an option')
    expect(() => open({ roomful: { maxDepth: -1 } })).toThrow('roomful.maxDepth is a whole number')
    expect(() => open({ roomful: { origins: ['example.com'] } })).toThrow('is not an origin')
  })

  it('keeps volatile events of a turn with `volatile: behind`', async () => {
    const { io, url } = open({ roomful: { volatile: 'behind' } })
    const ann = client(url)
    const seen = collect(ann)
    io.on('connection', (socket) => {
      socket.on('go', () => {
        socket.emit('a')
        socket.volatile.emit('b')
        io.volatile.emit('c')
      })
    })
    await connected(ann)
    ann.emit('go')
    await until(() => seen.length === 3)
    expect(seen.flat()).toEqual(['a', 'b', 'c'])
  })
})

it('closes a client that never reads once `maxWaitingBytes` wait for it, and others go on', async () => {
  const { io, url } = open({ roomful: { maxWaitingBytes: 4 * 1024 * 1024 } })
  const reasons = ends(io)
  const ann = client(url)
  await connected(ann)
  const deaf: TcpSocket = connectTcp(Number(new URL(url).port), 'localhost')
  onTestFinished(() => void deaf.destroy())
  deaf.write(
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cm9vbWZ1bHJvb21mdWxybw==\r\n\r\n',
  )
  const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]) // 40
  deaf.write(frame)
  deaf.pause()
  await until(() => io.engine.clientsCount === 2 && io.sockets.sockets.size === 2)
  const text = 'x'.repeat(100_000)
  let sent = 0
  while (reasons.length === 0 && sent < 400) {
    io.emit('flood', text)
    sent++
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(reasons).toEqual(['transport close: The client reads too slowly: too much waited for it'])
  expect(ann.connected).toBe(true)
})
