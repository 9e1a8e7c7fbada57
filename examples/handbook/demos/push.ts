/** One update of 100 bytes, a hundred times, by HTTP/2 server push, SSE and WebSocket: bytes on the wire, measured. */
import { once } from 'node:events'
import { connect, createServer, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { Client, columns, type Demo, start } from '../demo.ts'

const UPDATES = 100
const TEXT = 'x'.repeat(100)

export const push: Demo = async (print) => {
  const rows = [
    ['', 'bytes an update', 'can the page read it'],
    ['HTTP/2 push', await byPush(), 'no: it fills a cache'],
    ['SSE', await overRoomful('SSE'), 'yes'],
    ['WebSocket', await overRoomful('WebSocket'), 'yes'],
  ]
  for (const line of columns(rows)) print(line)
}

/** Node's client takes what is pushed; browsers refuse it in their first frame. */
async function byPush(): Promise<string> {
  const server = createServer()
  const streams: ServerHttp2Stream[] = []
  server.on('stream', (stream: ServerHttp2Stream) => {
    streams.push(stream)
    stream.respond({ ':status': 200, 'content-type': 'text/html' })
    stream.write('<p>Hello</p>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  let pushed = 0
  const all = new Promise<void>((resolve) => {
    session.on('stream', (stream) => {
      stream.resume()
      stream.on('end', () => ++pushed === UPDATES && resolve())
    })
  })
  const page = session.request({ ':path': '/' })
  page.resume()
  await once(page, 'response')
  const before = session.socket.bytesRead
  for (let at = 0; at < UPDATES; at++) {
    streams[0]?.pushStream({ ':path': `/update/${at}` }, (error, stream) => {
      if (error) throw error
      stream.respond({ ':status': 200, 'content-type': 'application/json' })
      stream.end(TEXT)
    })
  }
  await all
  const bytes = (session.socket.bytesRead - before) / UPDATES
  session.destroy()
  server.close()
  return bytes.toFixed(0)
}

async function overRoomful(way: 'SSE' | 'WebSocket'): Promise<string> {
  await using server = await start((roomful) => roomful.namespace('/feed', undefined, { guests: true }))
  const feed = server.roomful.get('/feed')
  const reader = way === 'SSE' ? await openStream(server.port) : await openSocket(server.port)
  const before = reader.bytes()
  for (let at = 0; at < UPDATES; at++) await feed.publish('feed', 'update', [TEXT])
  await reader.has(UPDATES)
  const bytes = (reader.bytes() - before) / UPDATES
  reader.close()
  return bytes.toFixed(0)
}

interface Reader {
  bytes(): number
  has(count: number): Promise<void>
  close(): void
}

async function openSocket(port: number): Promise<Reader> {
  const client = new Client(`ws://127.0.0.1:${port}/ws/feed?name=Ann`)
  const [response] = (await once(client.socket, 'upgrade')) as [{ socket: { bytesRead: number } }]
  await client.next('auth_ok')
  await client.ask({ type: 'room:join', roomId: 'feed' })
  return {
    bytes: () => response.socket.bytesRead,
    has: async (count) => {
      for (let seen = 0; seen < count; seen++) await client.next('update')
    },
    close: () => client.socket.close(1000),
  }
}

async function openStream(port: number): Promise<Reader> {
  const socket = connectTcp(port, '127.0.0.1')
  socket.write('GET /sse/feed?room=feed&name=Ann HTTP/1.1\r\nHost: localhost\r\n\r\n')
  let text = ''
  let look = (): void => undefined
  const until = (isThere: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      look = () => isThere() && resolve()
      look()
    })
  socket.on('data', (chunk: Buffer) => {
    text += chunk
    look()
  })
  await until(() => text.includes('"room:joined"'))
  return {
    bytes: () => socket.bytesRead,
    has: (count) => until(() => text.split('"type":"update"').length > count),
    close: () => socket.destroy(),
  }
}
