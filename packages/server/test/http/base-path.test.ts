/** A server that lives below a path of its host, and Socket.IO at a path of its own: every kind of client finds it there. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@roomful/client'
import { EventSource } from 'eventsource'
import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { type CreateOptions, createRoomful } from '../../src/index.ts'

const GUESTS = { guests: true } as const

async function serve(options: CreateOptions): Promise<string> {
  const roomful = createRoomful({ data: ':memory:', ...options })
  onTestFinished(() => roomful.close())
  roomful.chat(roomful.namespace('/', undefined, GUESTS))
  roomful.protocol('/board', roomful.get('/'), {
    name: 'board',
    maxMessageBytes: 100,
    ratePerSecond: 10,
    open: async () => ({ handleMessage: () => undefined, onDrained: () => undefined, onClosed: () => undefined }),
  })
  return (await roomful.listen({ port: 0, host: '127.0.0.1' })).url
}

/** `open`, or the status of the refusal. */
function upgrade(url: string): Promise<'open' | number | undefined> {
  const socket = new WebSocket(url.replace('http', 'ws'))
  onTestFinished(() => socket.terminate())
  socket.on('error', () => undefined)
  return new Promise((resolve) => {
    socket.on('open', () => resolve('open'))
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
  })
}

const status = async (url: string): Promise<number> => (await fetch(url, { redirect: 'manual' })).status

describe('[P11] below a base path', () => {
  it('everything is served, and nothing beside it', async () => {
    const url = await serve({ basePath: '/realtime/' })
    const { origin } = new URL(url)
    expect(url).toBe(`${origin}/realtime`)
    for (const path of ['/health', '/api/status', '/metrics', '/client.html', '/poll?room=a&name=Ann&wait=0']) {
      expect(await status(url + path), path).toBe(200)
      expect(await status(origin + path), path).toBe(404)
    }
    for (const path of ['', '/', '/ws', '/ws?name=Ann', '/board/one?name=Ann']) {
      expect(await upgrade(url + path), path).toBe('open')
    }
    for (const path of ['/', '/ws', '/board/one', '/realtimes/ws', '/socket.io/?EIO=4&transport=websocket']) {
      expect(await upgrade(origin + path), path).toBe(404)
    }
    expect(await status(`${url}/nowhere`)).toBe(404)
    const page = await fetch(url, { redirect: 'manual' })
    expect([page.status, page.headers.get('location')]).toEqual([302, '/realtime/client.html'])
    expect(await (await fetch(`${url}/api/openapi.json`)).json()).toMatchObject({ servers: [{ url: '/realtime' }] })
  })

  it.each(['websocket', 'sse', 'poll'] as const)(
    'the SDK finds it by the URL of the server, over %s',
    async (transport) => {
      const url = await serve({ basePath: '/realtime' })
      const client = connect(url, { name: 'Ann', transports: [transport] })
      onTestFinished(() => client.close())
      expect(await client.room('lobby').send('hello')).toMatchObject({ status: 'ok' })
      expect(client.state).toMatchObject({ status: 'open', transport })
    },
  )

  it.each([
    ['polling', '/realtime', '/socket.io'],
    ['websocket', '/realtime', '/socket.io'],
    ['polling', '', '/live/io'],
    ['websocket', '/a/b', '/io'],
  ])('a Socket.IO client finds it by its path, over %s (%s, %s)', async (transport, basePath, socketioPath) => {
    const { origin } = new URL(await serve({ basePath, socketioPath }))
    const options = { transports: [transport], auth: { name: 'Ann' }, reconnection: false, forceNew: true }
    const socket = io(origin, { ...options, path: basePath + socketioPath })
    onTestFinished(() => void socket.close())
    await new Promise((resolve, reject) => socket.on('connect', () => resolve(0)).on('connect_error', reject))
    expect(await socket.emitWithAck('room:join', 'lobby')).toMatchObject({ status: 'ok' })
    const elsewhere = io(origin, { ...options, path: basePath === '' ? '/socket.io' : socketioPath })
    onTestFinished(() => void elsewhere.close())
    await new Promise((resolve) => elsewhere.on('connect_error', resolve))
  })

  it('an EventSource and a POST find their room', async () => {
    const url = await serve({ basePath: '/realtime' })
    const source = new EventSource(`${url}/sse?room=lobby&name=Ann`)
    onTestFinished(() => source.close())
    const heard: string[] = []
    source.onmessage = ({ data }) => heard.push(JSON.parse(data).type)
    await expect.poll(() => heard).toContain('room:joined')
    const body = JSON.stringify({ type: 'chat:message', roomId: 'lobby', content: 'hello' })
    expect(await (await fetch(`${url}/send?name=Ben`, { method: 'POST', body })).json()).toMatchObject({ status: 'ok' })
    await expect.poll(() => heard).toContain('chat:message')
  })

  it('an application keeps every path outside it, with the URL as it came', async () => {
    const server = createServer((request, response) => response.end(`application ${request.url}`))
    const roomful = createRoomful({ data: ':memory:', basePath: '/realtime' }).standardNamespaces().attach(server)
    onTestFinished(async () => {
      await roomful.close()
      server.close()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const text = async (path: string): Promise<string> => (await fetch(origin + path)).text()
    for (const path of ['/health', '/ws', '/realtime/mine', '/realtime', '/socket.io/']) {
      expect(await text(path)).toBe(`application ${path}`)
    }
    expect(await text('/realtime/api/status')).toBe('{"status":"online"}')
  })
})

it.each([
  [{ basePath: 'realtime' }, /ROOMFUL_BASE_PATH|basePath/],
  [{ basePath: '/a/../b' }, /ROOMFUL_BASE_PATH|basePath/],
  [{ basePath: '/ws' }, /a part named ws/],
  [{ socketioPath: '/' }, /must not be \//],
  [{ socketioPath: '/api/io' }, /serves otherwise/],
])('[P11] a path that could not be found is refused: %o', (settings, sentence) => {
  expect(() => createRoomful({ data: ':memory:', ...settings })).toThrow(sentence)
})
