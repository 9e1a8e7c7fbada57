/** Compressed messages with clients that others wrote: each reads several, one compression serves all of them. D6, C22. */
import { once } from 'node:events'
import { deflateRawSync } from 'node:zlib'
import { createRoomful, type Roomful } from '@roomful/server'
import { io } from 'socket.io-client'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocketServer, WebSocket as WsClient } from 'ws'
import { within } from './lib/wait.ts'

const content = Array.from({ length: 80 }, (_, i) => `the ${i % 9}. line of a longer text`).join(', ')

interface Served {
  readonly roomful: Roomful
  readonly url: string
  publish(nth: number): Promise<unknown>
  /** Bytes of all messages that were compressed, before and after. */
  deflated(): Promise<{ plain: number; compressed: number }>
}

async function serve(): Promise<Served> {
  const roomful = createRoomful({ data: ':memory:', deflate: true }).standardNamespaces()
  onTestFinished(() => roomful.close())
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  const deflated = async (): Promise<{ plain: number; compressed: number }> => {
    const text = await (await fetch(`${url}/metrics`)).text()
    const count = (form: string): number =>
      Number(new RegExp(`roomful_deflated_bytes_total{form="${form}"} (\\d+)`).exec(text)?.[1] ?? 0)
    return { plain: count('plain'), compressed: count('compressed') }
  }
  const publish = (nth: number): Promise<unknown> =>
    roomful.get('/public').publish('lobby', 'message:new', [{ userId: 'ben', name: 'Ben', content: content + nth }])
  return { roomful, url, publish, deflated }
}

/** A client that has joined `lobby`, and the contents of messages that it was sent. */
interface Joined {
  readonly heard: string[]
  send(message: object): void
  close(): void
}

type Open = (url: string) => Promise<Joined>

/** Plain JSON over whichever `WebSocket`. */
function overWebSocket(socket: WsClient | WebSocket): Promise<Joined> {
  const heard: string[] = []
  return new Promise((resolve, reject) => {
    const send = (message: object): void => socket.send(JSON.stringify(message))
    socket.onerror = () => reject(new Error('The WebSocket failed'))
    socket.onopen = () => send({ type: 'room:join', roomId: 'lobby', id: 1 })
    socket.onmessage = ({ data }: { data: unknown }) => {
      const frame = JSON.parse(String(data)) as { type: string; ack?: number; content?: string }
      if (frame.type === 'chat:message') heard.push(String(frame.content))
      if (frame.type === 'ack' && frame.ack === 1) resolve({ heard, send, close: () => socket.close() })
    }
  })
}

function overSocketIo(url: string, options: object): Promise<Joined> {
  const heard: string[] = []
  const socket = io(`${url}/public`, { auth: { name: 'Ann' }, forceNew: true, ...options })
  socket.on('message:new', ({ content }: { content: string }) => heard.push(content))
  return new Promise((resolve, reject) => {
    socket.once('connect_error', reject)
    socket.emit('room:join', { roomId: 'lobby' }, () => {
      const joined = {
        heard,
        send: (message: object) => void socket.emit('message:send', message),
        close: () => void socket.close(),
      }
      if (socket.io.engine.transport.name === 'websocket') resolve(joined)
      else socket.io.engine.once('upgrade', () => resolve(joined))
    })
  })
}

const websocket = (url: string): string => `${url.replace('http', 'ws')}/ws/public?name=Ann`

const CLIENTS: Record<string, Open> = {
  ws: (url) => overWebSocket(new WsClient(websocket(url))),
  'ws, with a window of 512 bytes': (url) =>
    overWebSocket(new WsClient(websocket(url), { perMessageDeflate: { serverMaxWindowBits: 9 } })),
  "Node's WebSocket": (url) => overWebSocket(new WebSocket(websocket(url))),
  'Socket.IO over WebSocket': (url) =>
    overSocketIo(url, { transports: ['websocket'], perMessageDeflate: { threshold: 10 } }),
  'Socket.IO after an upgrade': (url) => overSocketIo(url, { perMessageDeflate: { threshold: 10 } }),
}

it.each(Object.entries(CLIENTS))('[W16] [D6] %s reads every one of several compressed messages', async (_, open) => {
  const { url, publish, deflated } = await serve()
  const client = await open(url)
  onTestFinished(() => client.close())
  const before = await deflated()
  for (const nth of [1, 2, 3]) await publish(nth)
  await expect.poll(() => client.heard).toEqual([1, 2, 3].map((nth) => content + nth))
  const { plain, compressed } = await deflated()
  expect(plain - before.plain).toBeGreaterThan(3 * content.length)
  expect(compressed - before.compressed).toBeLessThan((plain - before.plain) / 4)
})

it('[D6] a message is compressed once, for all clients in all kinds of rooms that read the same form', async () => {
  const { url, publish, deflated } = await serve()
  const clients = await Promise.all(Array.from({ length: 20 }, () => overWebSocket(new WsClient(websocket(url)))))
  onTestFinished(() => {
    for (const client of clients) client.close()
  })
  const before = await deflated()
  await publish(1)
  await expect.poll(() => clients.map(({ heard }) => heard.length)).toEqual(Array(20).fill(1))
  const { plain } = await deflated()
  expect(plain - before.plain).toBeLessThan(content.length * 1.3)
})

it('[D6] what a client compresses is read as what others send plain', async () => {
  const { url } = await serve()
  const compressing = await overWebSocket(new WsClient(websocket(url), { perMessageDeflate: { threshold: 0 } }))
  const plain = await overWebSocket(new WsClient(websocket(url), { perMessageDeflate: false }))
  for (const nth of [1, 2])
    compressing.send({ type: 'message:send', roomId: 'lobby', content: `${content}${nth}`.slice(-900) })
  plain.send({ type: 'message:send', roomId: 'lobby', content: 'uncompressed' })
  for (const { heard } of [plain, compressing]) {
    await expect
      .poll(() => heard.toSorted())
      .toEqual([`${content}1`.slice(-900), `${content}2`.slice(-900), 'uncompressed'].toSorted())
  }
  compressing.close()
  plain.close()
})

it('[D6] [P13] a message is as small as a server makes it that compresses for each client', async () => {
  const theirs = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: { serverNoContextTakeover: true },
  })
  onTestFinished(() => theirs.close())
  await once(theirs, 'listening')
  const { url, publish } = await serve()
  const client = new WsClient(websocket(url))
  const { heard } = await overWebSocket(client)
  const { _socket } = client as unknown as { _socket: { bytesRead: number } }
  const before = _socket.bytesRead
  const text = new Promise<string>((resolve) =>
    client.on('message', (data) => String(data).includes('"chat:message"') && resolve(String(data))),
  )
  await publish(1)
  const ours = await within(text, 5_000, 'the message')
  expect(heard).toHaveLength(1)
  const oursBytes = _socket.bytesRead - before
  const peer = new WsClient(`ws://127.0.0.1:${(theirs.address() as { port: number }).port}`)
  const [served] = (await once(theirs, 'connection')) as [WsClient]
  await once(peer, 'open')
  const { _socket: peerSocket } = peer as unknown as { _socket: { bytesRead: number } }
  const peerBefore = peerSocket.bytesRead
  served.send(ours)
  await once(peer, 'message')
  expect(oursBytes).toBeLessThanOrEqual(peerSocket.bytesRead - peerBefore)
  expect(oursBytes).toBeLessThan(deflateRawSync(ours).length + 10)
  client.close()
  peer.close()
})

it('[D6] nothing is compressed, and no offer accepted, unless the setting is on', async () => {
  const roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
  onTestFinished(() => roomful.close())
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  const client = new WsClient(websocket(url))
  await once(client, 'open')
  expect(client.extensions).toBe('')
  client.close()
})
