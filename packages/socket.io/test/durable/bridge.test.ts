/** One room through `io` and through Roomful's own server: every kind of client, the same events, the same numbers. */
import { createServer } from 'node:http'
import { createRoomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import { Server } from '../../src/index.ts'
import { client, collect, connected, until, urlOf } from '../lib/harness.ts'

interface Message {
  readonly type: string
  readonly seq?: number
  readonly text?: string
  readonly content?: string
  readonly roomId?: string
}

/** Guests of other clients, each with the name in its URL. */
async function serve(): Promise<{ io: Server; url: string }> {
  const roomful = createRoomful({
    data: ':memory:',
    authenticate: ({ url }) => ({ sub: new URL(url ?? '/', 'http://x').searchParams.get('name') ?? 'anyone' }),
  })
  roomful.chat(roomful.namespace('/', undefined, { open: true }))
  const httpServer = createServer()
  roomful.attach(httpServer)
  const io = new Server(httpServer, { durable: { events: ['message:new'], server: roomful } })
  io.on('connection', (socket) => {
    if (!socket.recovered) socket.join('room')
    socket.on('say', (text, answer) => {
      io.to('room').emit('message:new', { text })
      answer('ok')
    })
  })
  onTestFinished(async () => {
    await io.close()
    await roomful.close()
  })
  await new Promise<void>((resolve) => httpServer.listen(0, resolve))
  return { io, url: urlOf(io) }
}

/** A bare WebSocket in the room. */
async function bare(url: string): Promise<{ heard: Message[]; send: (message: object) => void }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?name=bare`)
  onTestFinished(() => socket.close())
  const heard: Message[] = []
  socket.addEventListener('message', ({ data }) => void heard.push(JSON.parse(String(data)) as Message))
  await until(() => heard.length > 0)
  socket.send(JSON.stringify({ type: 'room:join', roomId: 'room' }))
  await until(() => heard.some(({ type }) => type === 'room:joined'))
  return { heard, send: (message) => socket.send(JSON.stringify(message)) }
}

/** What comes over `GET /sse`. */
async function stream(url: string): Promise<Message[]> {
  const ended = new AbortController()
  onTestFinished(() => ended.abort())
  const { body } = await fetch(`${url}/sse?room=room&name=sse`, { signal: ended.signal })
  const heard: Message[] = []
  const read = async (): Promise<void> => {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of body as ReadableStream<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = block.split('\n').filter((line) => line.startsWith('data: '))
        if (data.length > 0) heard.push(JSON.parse(data.map((line) => line.slice(6)).join('\n')) as Message)
      }
    }
  }
  read().catch(() => undefined) // it is aborted
  return heard
}

/** A bare client's name for `message:new`. */
const isMessage = ({ type }: Message): boolean => type === 'chat:message'
const numbered = ({ seq, text, content }: Message): unknown[] => [seq, text ?? content]

it('has a Socket.IO client, a bare WebSocket, a stream, polls and POST in it', async () => {
  const { io, url } = await serve()
  const ann = client(url)
  const bob = client(url, ['polling'])
  await Promise.all([connected(ann), connected(bob)])
  const socketio = collect(bob)
  const ws = await bare(url)
  const sse = await stream(url)
  const { cursor } = (await (await fetch(`${url}/poll?room=room&name=poll`)).json()) as { cursor: string }
  await ann.emitWithAck('say', 'by io')
  ws.send({ type: 'message:send', roomId: 'room', content: 'by a WebSocket' })
  await until(() => socketio.length === 2)
  const posted = await fetch(`${url}/send?name=post`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'message:send', roomId: 'room', content: 'by POST' }),
  })
  expect(posted.status).toBe(200)
  await ann.emitWithAck('say', 'by io again')
  const expected = [[1, 'by io'], [2, 'by a WebSocket'], [3, 'by POST'], [4, 'by io again']] // biome-ignore format: rows
  await until(
    () => socketio.length === 4 && ws.heard.filter(isMessage).length === 4 && sse.filter(isMessage).length === 4,
  )
  expect(ws.heard.filter(isMessage).map(numbered)).toEqual(expected)
  expect(sse.filter(isMessage).map(numbered)).toEqual(expected)
  const { events } = (await (await fetch(`${url}/poll?room=room&name=poll&after=${cursor}&wait=0`)).json()) as {
    events: Message[]
  }
  expect(events.filter(isMessage).map(numbered)).toEqual(expected)
  const texts = socketio.map(([type, message]) => [type, (message as Message).text ?? (message as Message).content])
  expect(texts).toEqual(expected.map(([, text]) => ['message:new', text]))
  const history = await io.history('room')
  expect(history.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
})

it('brings a Socket.IO client what others said while it was away', async () => {
  const { url } = await serve()
  const ann = client(url, ['websocket'], { reconnectionDelay: 10 })
  await connected(ann)
  const ws = await bare(url)
  await ann.emitWithAck('say', 'before')
  const heard = collect(ann)
  const gone = new Promise((resolve) => ann.once('disconnect', resolve))
  ann.io.engine.close()
  await gone
  ws.send({ type: 'message:send', roomId: 'room', content: 'while it was away' })
  await connected(ann)
  expect(ann.recovered).toBe(true)
  await until(() => heard.length === 1)
  expect(heard[0]?.slice(0, 2)).toMatchObject(['message:new', { content: 'while it was away' }])
})
