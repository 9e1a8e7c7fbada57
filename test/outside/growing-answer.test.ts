/** One growing answer, followed by every kind of client through `kill -9` of the server: never a piece twice, none missing. D17. */
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@roomful/client'
import { EventSource } from 'eventsource'
import { io } from 'socket.io-client'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Server, UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { until } from './lib/wait.ts'

const roomId = 'answer'
const PIECES = 120
const KILLED_AT = 50
const pieceOf = (index: number): string => `${index} wörds 👩‍👩‍👧 `
const WHOLE = Array.from({ length: PIECES }, (_, index) => pieceOf(index)).join('')

type Message = Record<string, unknown>

/** What PROTOCOL.md tells a client that reads: three rules, and nothing else. */
class Reader {
  text: string | undefined
  state: string | undefined
  /** Number of the latest durable event, to come back after. */
  seq: number | undefined
  readonly faults: string[] = []
  private target: unknown

  take(type: string, message: Message): void {
    if (type === 'message:piece' && message.seq === this.target) {
      if (message.at === this.text?.length) this.text += String(message.text)
      else this.faults.push(`a piece at ${message.at} after ${this.text?.length}`)
    }
    if (type === 'message:new' || type === 'chat:message') {
      this.target = message.seq
      this.text = String(message.content)
    }
    if (type === 'message:ended' && message.target === this.target) {
      this.state = String(message.state)
      if (message.length !== this.text?.length)
        this.faults.push(`it ended at ${message.length}, not ${this.text?.length}`)
    }
    if (type !== 'message:piece' && typeof message.seq === 'number') this.seq = Math.max(this.seq ?? 0, message.seq)
    if (!WHOLE.startsWith(this.text ?? '')) this.faults.push(`no prefix: ${this.text?.slice(-40)}`)
  }
}

/** Begins to read; ends with what it returns. */
type Follow = (server: Server, sub: string, reader: Reader) => Promise<() => void> | (() => void)

const followers: Readonly<Record<string, Follow>> = {
  'a bare WebSocket': (server, sub, reader) => {
    let isOver = false
    let socket: WebSocket | undefined
    const open = (): void => {
      if (isOver) return
      socket = new WebSocket(`${server.ws}/ws?token=${token({ sub })}`)
      socket.on('open', () => socket?.send(JSON.stringify({ type: 'room:join', roomId, after: reader.seq, id: 1 })))
      socket.on('message', (text: Buffer) => {
        const message = JSON.parse(text.toString()) as Message
        reader.take(String(message.type), message)
      })
      socket.on('error', () => undefined)
      socket.on('close', () => setTimeout(open, 200))
    }
    open()
    return () => {
      isOver = true
      socket?.terminate()
    }
  },
  'Socket.IO over polling': (server, sub, reader) => socketIo(server, sub, reader, ['polling']),
  'Socket.IO over a WebSocket': (server, sub, reader) => socketIo(server, sub, reader, ['websocket']),
  'an EventSource': (server, sub, reader) => {
    let source: EventSource | undefined
    let last = ''
    let isOver = false
    // A refused connection ends an EventSource for good; a page would load again.
    const open = (): void => {
      if (isOver) return
      source = new EventSource(`${server.http}/sse?room=${roomId}&token=${token({ sub })}${last && `&after=${last}`}`)
      source.onmessage = ({ data, lastEventId }) => {
        last = lastEventId
        const message = JSON.parse(data as string) as Message
        reader.take(String(message.type), message)
      }
      source.onerror = () => {
        if (source?.readyState === 2) setTimeout(open, 200)
      }
    }
    open()
    return () => {
      isOver = true
      source?.close()
    }
  },
  'a long poll': (server, sub, reader) => poll(server, sub, reader, 5),
  'a short poll': (server, sub, reader) => poll(server, sub, reader, 0),
  'the SDK': async (server, sub, reader) => {
    const client = connect(server.http, { token: token({ sub }) })
    const room = client.room(roomId)
    for (const type of ['message:new', 'message:piece', 'message:ended'] as const) {
      room.on(type, (message: unknown) => reader.take(type, message as Message))
    }
    await room.ready
    return () => client.close()
  },
}

function socketIo(server: Server, sub: string, reader: Reader, transports: string[]): () => void {
  const auth = { token: token({ sub }) }
  const socket = io(server.http, {
    transports,
    auth,
    forceNew: true,
    reconnectionDelay: 200,
    reconnectionDelayMax: 400,
  })
  for (const type of ['message:new', 'message:piece', 'message:ended']) {
    socket.on(type, (message: Message) => reader.take(type, message))
  }
  socket.on('connect', () => {
    if (!socket.recovered)
      socket.emit('room:join', { roomId, ...(reader.seq === undefined ? {} : { after: reader.seq }) })
  })
  return () => void socket.disconnect()
}

function poll(server: Server, sub: string, reader: Reader, wait: number): () => void {
  let isOver = false
  const run = async (): Promise<void> => {
    let cursor: string | undefined
    while (!isOver) {
      try {
        const position = cursor === undefined ? '' : `&after=${cursor}&wait=${wait}`
        const response = await fetch(`${server.http}/poll?room=${roomId}&token=${token({ sub })}${position}`)
        if (!response.ok) throw new Error(String(response.status))
        const answer = (await response.json()) as { events: Message[]; cursor: string }
        ;({ cursor } = answer)
        for (const event of answer.events) reader.take(String(event.type), event)
      } catch {
        await delay(200) // the server is away
      }
      if (wait === 0) await delay(50)
    }
  }
  run() // never rejects
  return () => {
    isOver = true
  }
}

/** Writes by plain HTTP, and repeats what was not answered until it is. */
async function insist(server: Server, body: Message, key?: string): Promise<Message> {
  const headers = { authorization: `Bearer ${token({ sub: 'writer' })}` }
  for (;;) {
    try {
      const response = await server.post('/send', { ...body, ...(key === undefined ? {} : { key }) }, headers)
      const answer = (await response.json()) as Message
      if (response.ok) return answer
      if (response.status !== 503) throw new RangeError(JSON.stringify(answer))
    } catch (error) {
      if (error instanceof RangeError) throw error
    }
    await delay(100)
  }
}

it('[D17] [D1] every kind of client follows one answer through kill -9, piece by piece', {
  timeout: 60_000,
}, async () => {
  const env = { ...UNLIMITED, ROOMFUL_STREAM_PIECES_PER_SECOND: '0' }
  let server = await Server.start({ env })
  const { port, data } = server
  const readers = new Map<string, Reader>()
  const offs: (() => void)[] = []
  try {
    for (const [kind, follow] of Object.entries(followers)) {
      const reader = new Reader()
      readers.set(kind, reader)
      offs.push(await follow(server, `user-${offs.length}`, reader))
    }
    await server.untilClients(offs.length)
    const key = 'answer-of-sixteen-or-more'
    const { seq } = await insist(server, { type: 'message:stream', roomId }, key)
    let at = 0
    for (let index = 0; index < PIECES; index++) {
      const text = pieceOf(index)
      if (index === KILLED_AT) {
        await server.kill()
        server = await Server.start({ env, port, data })
        // The same key leads to the same message.
        expect((await insist(server, { type: 'message:stream', roomId }, key)).seq).toBe(seq)
      }
      expect(await insist(server, { type: 'message:append', roomId, seq, at, text })).toMatchObject({
        length: at + text.length,
      })
      at += text.length
      if (index % 10 === 0) await delay(50)
    }
    for (const [kind, reader] of readers) {
      await until(() => (reader.text?.length ?? 0) > WHOLE.length / 2, { what: `${kind} reads on`, timeoutMs: 20_000 })
    }
    await insist(server, { type: 'message:complete', roomId, seq })
    for (const [kind, reader] of readers) {
      await until(() => reader.state === 'complete', { what: `the end at ${kind}`, timeoutMs: 20_000 })
      expect([kind, reader.faults, reader.text === WHOLE]).toEqual([kind, [], true])
    }
  } finally {
    for (const off of offs) off()
    await server.dispose()
  }
})
