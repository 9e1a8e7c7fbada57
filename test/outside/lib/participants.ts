/** One person in a room by each kind of client, all of them clients that others wrote, and our SDK. D1. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { connect } from '@roomful/client'
import { EventSource } from 'eventsource'
import { io } from 'socket.io-client'
import { user } from './client.ts'
import type { Server } from './server.ts'
import { token } from './token.ts'

/** What of a message must be the same everywhere. */
export interface Told {
  readonly id: string
  readonly roomId: string
  readonly seq: number
  readonly ts: number
  readonly userId: string
  readonly content: string
}

export interface Participant {
  /** Messages, in the order in which they came; nothing for who only speaks. */
  readonly heard: readonly Told[] | undefined
  /** Resolves with the number that the server answered. */
  say(content: string): Promise<number>
  leave(): Promise<void> | void
}

export type Enter = (server: Server, roomId: string, sub: string) => Promise<Participant>

const run = promisify(execFile)

/** Everyone who sits in the room, by the name of what they use. */
export const PARTICIPANTS: Readonly<Record<string, Enter>> = {
  'a bare WebSocket': bareWebSocket,
  'Socket.IO over polling': (server, roomId, sub) => socketIo(server, roomId, sub, ['polling']),
  'Socket.IO over a WebSocket': (server, roomId, sub) => socketIo(server, roomId, sub, ['websocket']),
  'Socket.IO from one to the other': (server, roomId, sub) => socketIo(server, roomId, sub, ['polling', 'websocket']),
  'an EventSource': eventSource,
  'a long poll': (server, roomId, sub) => poller(server, roomId, sub, 5),
  'a short poll': (server, roomId, sub) => poller(server, roomId, sub, 0),
  curl,
  'the SDK': sdk,
}

async function bareWebSocket(server: Server, roomId: string, sub: string): Promise<Participant> {
  const client = await user(server, sub)
  await client.ok('room:join', { roomId })
  return {
    get heard() {
      return client.received.filter(({ type }) => type === 'chat:message').map(told)
    },
    say: async (content) => Number((await client.ok('chat:message', { roomId, content })).seq),
    leave: async () => void (await client.close()),
  }
}

async function socketIo(server: Server, roomId: string, sub: string, transports: string[]): Promise<Participant> {
  const socket = io(server.http, { transports, auth: { token: token({ sub }) }, reconnection: false, forceNew: true })
  const heard: Told[] = []
  socket.on('message:new', (message: Record<string, unknown>) => heard.push(told(message)))
  await socket.emitWithAck('room:join', { roomId })
  return {
    heard,
    say: async (content) => ((await socket.emitWithAck('message:send', { roomId, content })) as Told).seq,
    leave: () => void socket.disconnect(),
  }
}

async function eventSource(server: Server, roomId: string, sub: string): Promise<Participant> {
  const source = new EventSource(`${server.http}/sse?room=${roomId}&token=${token({ sub })}`)
  const heard: Told[] = []
  await new Promise<void>((resolve, reject) => {
    source.onerror = (error) => reject(new Error(`the stream failed: ${error.message}`))
    source.onmessage = ({ data }) => {
      const message = JSON.parse(data) as Record<string, unknown>
      if (message.type === 'room:joined') resolve()
      if (message.type === 'chat:message') heard.push(told(message))
    }
  })
  return { heard, say: (content) => post(server, roomId, sub, content), leave: () => source.close() }
}

/** Asks again at once when it was answered, or for a short poll soon. */
async function poller(server: Server, roomId: string, sub: string, waitS: number): Promise<Participant> {
  const url = `${server.http}/poll?room=${roomId}&token=${token({ sub })}`
  const heard: Told[] = []
  const ask = async (after?: string): Promise<string> => {
    const position = after === undefined ? '' : `&after=${after}&wait=${waitS}`
    const { events, cursor } = (await (await fetch(url + position)).json()) as {
      events: Record<string, unknown>[]
      cursor: string
    }
    for (const event of events) if (event.type === 'chat:message') heard.push(told(event))
    return cursor
  }
  let cursor = await ask()
  let isOver = false
  const done = (async () => {
    while (!isOver) {
      cursor = await ask(cursor)
      if (waitS === 0) await new Promise((resolve) => setTimeout(resolve, SHORT_POLL_MS))
    }
  })()
  return {
    heard,
    say: (content) => post(server, roomId, sub, content),
    leave: () => {
      isOver = true
      return done
    },
  }
}

const SHORT_POLL_MS = 50

/** Speaks, and hears nothing. */
async function curl(server: Server, roomId: string, sub: string): Promise<Participant> {
  return {
    heard: undefined,
    say: async (content) => {
      const body = JSON.stringify({ type: 'chat:message', roomId, content })
      const headers = ['-H', `authorization: Bearer ${token({ sub })}`, '-H', 'content-type: application/json']
      const { stdout } = await run('curl', ['-sS', ...headers, '--data-binary', body, `${server.http}/send`])
      return (JSON.parse(stdout) as Told).seq
    },
    leave: () => undefined,
  }
}

async function sdk(server: Server, roomId: string, sub: string): Promise<Participant> {
  const client = connect(server.http, { token: token({ sub }) })
  const room = client.room(roomId)
  const heard: Told[] = []
  room.on('message:new', (message) => heard.push(told(message as unknown as Record<string, unknown>)))
  await room.ready
  return {
    heard,
    say: async (content) => (await room.send(content)).seq,
    leave: () => client.close(),
  }
}

async function post(server: Server, roomId: string, sub: string, content: string): Promise<number> {
  const body = { type: 'chat:message', roomId, content }
  const response = await server.post('/send', body, { authorization: `Bearer ${token({ sub })}` })
  return ((await response.json()) as Told).seq
}

function told({ id, roomId, seq, ts, userId, content }: Record<string, unknown>): Told {
  return { id, roomId, seq, ts, userId, content } as Told
}
