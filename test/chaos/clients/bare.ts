/**
 * A bare WebSocket, as anyone can write it: it comes back by itself, tells its position when it joins again, and says again
 * under the same key what was not answered.
 */
import { WebSocket } from 'ws'
import type { Publisher, PublisherOptions } from './publisher.ts'
import { type Message, record, retryMs, type Subscriber, type SubscriberOptions } from './subscriber.ts'

/** Nothing heard for this long, pings included: the link is dead. The server pings every second. */
const SILENCE_MS = 3_000
const PATIENCE_MS = 2_000

/** What a server that cannot tell now says, so that a client does not take it for a refusal for good. */
const TRY_LATER = 1013
const FOR_GOOD = [1008, 4001, 4003]

export interface ReturningOptions {
  readonly url: string
  readonly onOpen: () => void
  readonly onMessage: (message: Message) => void
  /** It was refused for good, though it is one that must be let in. */
  readonly onRefused: (why: string) => void
}

/** A socket that comes back until it is closed. */
export class Returning {
  private readonly options: ReturningOptions
  private socket: WebSocket | undefined
  private isOver = false

  constructor(options: ReturningOptions) {
    this.options = options
    this.connect()
  }

  send(message: Message): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message))
  }

  close(): void {
    this.isOver = true
    this.socket?.close()
  }

  /** Goes away without a word, for good. */
  vanish(): void {
    this.isOver = true
    this.socket?.terminate()
  }

  private connect(): void {
    const { url, onOpen, onMessage, onRefused } = this.options
    const socket = new WebSocket(url, { handshakeTimeout: SILENCE_MS })
    this.socket = socket
    const watch = setTimeout(() => socket.terminate(), SILENCE_MS)
    socket.on('ping', () => watch.refresh())
    socket.on('message', (data: Buffer) => {
      watch.refresh()
      const message = JSON.parse(data.toString()) as Message
      if (message.type === 'auth_ok') onOpen()
      else onMessage(message)
    })
    socket.on('error', () => undefined) // always followed by close
    socket.on('close', (code, reason) => {
      clearTimeout(watch)
      if (FOR_GOOD.includes(code)) onRefused(`closed with ${code} (${reason.toString()}) instead of ${TRY_LATER}`)
      if (!this.isOver) setTimeout(() => this.connect(), retryMs())
    })
  }
}

export function bareSubscriber(options: SubscriberOptions): Subscriber {
  const { name, url, room, token, history } = options
  let position: { epoch: string; seq: number } | undefined
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const joined = ({ data }: Message): void => {
    const { epoch, seq, recovered, reason, from, to } = data
    if (recovered === undefined) {
      position ??= { epoch, seq }
      history.record(name, { what: 'enters', room, epoch, seq })
      return resolve()
    }
    if (recovered) history.record(name, { what: 'resumes', room, epoch, seq: position?.seq ?? 0 })
    else history.record(name, { what: 'gap', room, epoch, reason, from, to })
    position = { epoch, seq: recovered ? (position?.seq ?? 0) : from - 1 }
  }
  const join = (): void =>
    socket.send({ type: 'room:join', id: 1, roomId: room, ...(position ? { after: position } : {}) })
  const socket = new Returning({
    url: `${url.replace('http', 'ws')}/ws?token=${token}`,
    onOpen: join,
    onMessage: (message) => {
      if (message.type === 'ack') {
        if (message.error === undefined) joined(message)
        else setTimeout(join, retryMs())
        return
      }
      options.onEvent?.(message)
      if (position && record(options, message, position.epoch)) position = { ...position, seq: message.seq }
      if (position && message.type === 'reset' && message.roomId === room) {
        position = { epoch: message.epoch, seq: message.from - 1 }
      }
    },
    onRefused: (why) => history.violate(`${name} was ${why}`),
  })
  return { name, ready, close: () => socket.close() }
}

export function barePublisher({ name, url, room, token, history, paceMs }: PublisherOptions): Publisher {
  let count = 0
  let current = ''
  let isOver = false
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const say = (): void =>
    socket.send({ type: 'message:send', id: current, key: current, roomId: room, content: `${name} ${count}` })
  const next = (): void => {
    if (isOver) return resolve()
    current = crypto.randomUUID()
    count++
    history.record(name, { what: 'says', room, key: current })
    say()
  }
  const socket = new Returning({
    url: `${url.replace('http', 'ws')}/ws?token=${token}`,
    onOpen: () => (current === '' ? next() : say()),
    onMessage: ({ type, ack, data, error }) => {
      if (type !== 'ack' || ack !== current || error) return
      history.record(name, { what: 'answered', room, key: current, seq: data.seq })
      current = 'answered'
      setTimeout(next, paceMs)
    },
    onRefused: (why) => history.violate(`${name} was ${why}`),
  })
  const impatience = setInterval(() => current !== 'answered' && say(), PATIENCE_MS)
  return {
    name,
    finish: async () => {
      isOver = true
      await done
      clearInterval(impatience)
      socket.close()
    },
  }
}
