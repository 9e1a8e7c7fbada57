/** Runs in the page of every-client.test.ts: one person by each kind of client, in one room. */
import { connect } from '@roomful/client'
import type { io as connectSocketIo } from 'socket.io-client'

interface Told {
  readonly id: string
  readonly seq: number
  readonly ts: number
  readonly userId: string
  readonly content: string
}

interface Person {
  readonly heard: Told[]
  say(content: string): Promise<unknown>
}

declare global {
  interface Window {
    /** @returns what each kind of client heard, once all of them have spoken twice */
    meet(url: string, tokens: Readonly<Record<string, string>>): Promise<Record<string, Told[]>>
    io: typeof connectSocketIo
  }
}

type Enter = (url: string, token: string) => Promise<Person>

const ROOM = 'browser'

const ENTER: Readonly<Record<string, Enter>> = {
  WebSocket: bareWebSocket,
  EventSource: eventSource,
  'Socket.IO polling': (url, token) => socketIo(url, token, ['polling']),
  'Socket.IO': (url, token) => socketIo(url, token, ['polling', 'websocket']),
  'long poll': (url, token) => poll(url, token, 5),
  'short poll': (url, token) => poll(url, token, 0),
  SDK: sdk,
}

window.meet = async (url, tokens) => {
  const people: Record<string, Person> = {}
  for (const [kind, token] of Object.entries(tokens)) people[kind] = await (ENTER[kind] as Enter)(url, token)
  const everyone = Object.values(people)
  for (const content of ['Hello 👋', 'two\nlines']) await Promise.all(everyone.map((person) => person.say(content)))
  while (everyone.some(({ heard }) => heard.length < 2 * everyone.length)) await pause()
  return Object.fromEntries(Object.entries(people).map(([kind, { heard }]) => [kind, heard]))
}

async function bareWebSocket(url: string, token: string): Promise<Person> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?token=${token}`)
  const heard: Told[] = []
  const say = (message: object): void => socket.send(JSON.stringify(message))
  await new Promise<void>((resolve) => {
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data) as { type: string }
      if (message.type === 'auth_ok') say({ type: 'room:join', roomId: ROOM })
      if (message.type === 'room:joined') resolve()
      if (message.type === 'chat:message') heard.push(told(message))
    }
  })
  return { heard, say: async (content) => say({ type: 'chat:message', roomId: ROOM, content }) }
}

async function eventSource(url: string, token: string): Promise<Person> {
  const source = new EventSource(`${url}/sse?room=${ROOM}&token=${token}`)
  const heard: Told[] = []
  await new Promise<void>((resolve) => {
    source.onmessage = ({ data }) => {
      const message = JSON.parse(data) as { type: string }
      if (message.type === 'room:joined') resolve()
      if (message.type === 'chat:message') heard.push(told(message))
    }
  })
  return { heard, say: (content) => post(url, token, content) }
}

async function socketIo(url: string, token: string, transports: string[]): Promise<Person> {
  const socket = window.io(url, { transports, auth: { token }, forceNew: true })
  const heard: Told[] = []
  socket.on('message:new', (message: object) => heard.push(told(message)))
  await socket.emitWithAck('room:join', ROOM)
  return { heard, say: (content) => socket.emitWithAck('message:send', { roomId: ROOM, content }) }
}

async function poll(url: string, token: string, waitS: number): Promise<Person> {
  const heard: Told[] = []
  const ask = async (after?: string): Promise<string> => {
    const position = after === undefined ? '' : `&after=${after}&wait=${waitS}`
    const response = await fetch(`${url}/poll?room=${ROOM}&token=${token}${position}`)
    const { events, cursor } = (await response.json()) as { events: { type: string }[]; cursor: string }
    for (const event of events) if (event.type === 'chat:message') heard.push(told(event))
    return cursor
  }
  const follow = async (first: string): Promise<void> => {
    for (let cursor = first; ; cursor = await ask(cursor)) if (waitS === 0) await pause()
  }
  void follow(await ask())
  return { heard, say: (content) => post(url, token, content) }
}

async function sdk(url: string, token: string): Promise<Person> {
  const room = connect(url, { token }).room(ROOM)
  const heard: Told[] = []
  room.on('message:new', (message) => heard.push(told(message)))
  await room.ready
  return { heard, say: (content) => room.send(content) }
}

async function post(url: string, token: string, content: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ type: 'chat:message', roomId: ROOM, content })
  const response = await fetch(`${url}/send`, { method: 'POST', headers, body })
  if (!response.ok) throw new Error(`POST /send was answered with ${response.status}`)
}

function told(message: object): Told {
  const { id, seq, ts, userId, content } = message as Told
  return { id, seq, ts, userId, content }
}

/** Short enough to keep the test quick, and a pause between short polls. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50))
}
