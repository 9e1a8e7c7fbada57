/** Clients that follow a room beside its log, each in its own way, without anything that PROTOCOL.md does not say. */
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@roomful/client'
import { stateOf } from '@roomful/client/state'
import { EventSource } from 'eventsource'
import { io } from 'socket.io-client'
import { Returning } from '../clients/bare.ts'
import { type Message, retryMs } from '../clients/subscriber.ts'
import { type Growing, type Hole, Model } from './model.ts'

export interface FollowerOptions {
  readonly name: string
  readonly url: string
  readonly room: string
  readonly token: string
  wrong(problem: string): void
}

/** What it knows now. */
export interface Known {
  /** Values by name; undefined for a client that is not sent them. */
  readonly state: ReadonlyMap<string, unknown> | undefined
  readonly users: ReadonlyMap<string, unknown> | undefined
  readonly messages: ReadonlyMap<number, Growing>
}

export interface Follower {
  readonly name: string
  readonly ready: Promise<void>
  known(): Known
  close(): void
}

const POLL_S = 5
const POLL_MS = 8_000

export const FOLLOWERS: Readonly<Record<string, (options: FollowerOptions) => Follower>> = {
  ws: bare,
  'io-poll': (options) => socketIo(options, ['polling']),
  io: (options) => socketIo(options, ['polling', 'websocket']),
  sse: eventSource,
  sdk: (options) => sdk(options, 'websocket'),
  'sdk-sse': (options) => sdk(options, 'sse'),
  'sdk-poll': (options) => sdk(options, 'poll'),
  poll: longPoll,
}

function knownOf({ state, users, messages }: Model): Known {
  return { state: new Map([...state].map(([name, { value }]) => [name, value])), users, messages }
}

const positionOf = ({ epoch, seq }: Model): Message => (epoch === undefined ? {} : { after: { epoch, seq } })

function bare({ name, url, room: roomId, token, wrong }: FollowerOptions): Follower {
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const ask = (hole: Hole): void =>
    socket.send({ type: hole === 'state' ? 'state:get' : 'presence:get', id: hole, roomId })
  const model = new Model(wrong, ask)
  const join = (): void => socket.send({ type: 'room:join', id: 'join', roomId, ...positionOf(model) })
  const socket = new Returning({
    url: `${url.replace('http', 'ws')}/ws?token=${token}`,
    onOpen: () => {
      model.forget()
      join()
    },
    onMessage: (message) => {
      const { type, ack, error, data } = message
      if (type !== 'ack') return message.roomId === roomId ? model.take(type, message) : undefined
      if (error !== undefined) return void setTimeout(() => (ack === 'join' ? join() : ask(ack)), retryMs())
      if (ack === 'state') return model.takeState(data)
      if (ack === 'presence') return model.takePresence(data)
      model.joined(data)
      resolve()
    },
    onRefused: (why) => wrong(`was ${why}`),
  })
  return { name, ready, known: () => knownOf(model), close: () => socket.close() }
}

function socketIo({ name, url, room: roomId, token, wrong }: FollowerOptions, transports: string[]): Follower {
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const socket = io(url, {
    transports,
    auth: { token },
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 300,
  })
  const ask = (hole: Hole): void => {
    socket.emit(hole === 'state' ? 'state:get' : 'presence:get', { roomId }, (answer: Message) => {
      if (answer.status === 'error') return void setTimeout(() => socket.connected && ask(hole), retryMs())
      if (hole === 'state') model.takeState(answer)
      else model.takePresence(answer)
    })
  }
  const model = new Model(wrong, ask)
  let isIn = false
  const join = (): void => {
    if (!socket.connected) return
    socket.emit('room:join', { roomId, ...positionOf(model) }, (answer: Message) => {
      if (answer.status === 'error') return void setTimeout(join, retryMs())
      isIn = true
      model.joined(answer)
      resolve()
    })
  }
  socket.on('connect', () => {
    model.forget()
    if (!socket.recovered || !isIn) return join()
    // Its membership goes on; the snapshots are asked for.
    ask('state')
    ask('presence')
  })
  socket.onAny((type: string, message: Message) => {
    if (message?.roomId === roomId) model.take(type, message)
  })
  return { name, ready, known: () => knownOf(model), close: () => void socket.disconnect() }
}

function eventSource({ name, url, room, token, wrong }: FollowerOptions): Follower {
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  let source: EventSource
  let lastId = ''
  let isOver = false
  // There are no requests over it: what has a hole is begun again.
  const model = new Model(wrong, () => {
    source.close()
    setTimeout(open, retryMs())
  })
  const open = (): void => {
    if (isOver) return
    source = new EventSource(`${url}/sse?room=${room}&token=${token}${lastId ? `&after=${lastId}` : ''}`)
    const current = source
    source.onopen = () => model.forget()
    source.onmessage = ({ data, lastEventId }) => {
      if (current !== source || current.readyState === EventSource.CLOSED) return
      if (lastEventId) lastId = lastEventId
      const message = JSON.parse(data) as Message
      if (message.roomId !== room) return
      if (message.type !== 'room:joined') return model.take(message.type, message)
      model.joined(message)
      resolve()
    }
    source.onerror = () => {
      if (current === source && current.readyState === EventSource.CLOSED && !isOver) setTimeout(open, retryMs())
    }
  }
  open()
  const close = (): void => {
    isOver = true
    source.close()
  }
  return { name, ready, known: () => knownOf(model), close }
}

function sdk(
  { name, url, room: roomId, token, wrong }: FollowerOptions,
  transport: 'websocket' | 'sse' | 'poll',
): Follower {
  const client = connect(url, { token, transports: [transport] })
  const room = client.room(roomId)
  const model = new Model(wrong)
  for (const type of ['message:new', 'message:piece', 'message:ended'] as const) {
    room.on(type, (data: unknown) => model.take(type, data as Message))
  }
  const state = stateOf(client, roomId)
  const stop = state.subscribe(() => undefined)
  return {
    name,
    ready: room.ready.then(() => undefined),
    known: () => ({
      state: new Map(Object.entries(state.getSnapshot().state)),
      users: new Map(room.members.map((member) => [member.userId, member.state])),
      messages: model.messages,
    }),
    close: () => {
      stop()
      client.close()
    },
  }
}

/** Polls bring what is durable and messages in pieces; the others only while they wait. */
function longPoll({ name, url, room, token, wrong }: FollowerOptions): Follower {
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const model = new Model(wrong)
  let cursor: string | undefined
  let isOver = false
  const run = async (): Promise<void> => {
    while (!isOver) {
      try {
        const after = cursor === undefined ? '' : `&after=${cursor}&wait=${POLL_S}`
        const signal = AbortSignal.timeout(POLL_MS)
        const response = await fetch(`${url}/poll?room=${room}&token=${token}${after}`, { signal })
        if (!response.ok) throw new Error(String(response.status))
        const answer = (await response.json()) as { events: Message[]; cursor: string }
        cursor = answer.cursor
        for (const event of answer.events)
          if (event.type.startsWith('message:') || event.type === 'chat:message') model.take(event.type, event)
        resolve()
      } catch {
        await delay(retryMs())
      }
    }
  }
  run() // never rejects
  const close = (): void => {
    isOver = true
  }
  return { name, ready, known: () => ({ state: undefined, users: undefined, messages: model.messages }), close }
}
