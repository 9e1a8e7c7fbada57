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

/** A socket that comes back until it is closed. */
class Returning {
  private readonly url: string
  private readonly onOpen: () => void
  private readonly onMessage: (message: Message) => void
  private socket: WebSocket | undefined
  private isOver = false

  constructor(url: string, onOpen: () => void, onMessage: (message: Message) => void) {
    this.url = url
    this.onOpen = onOpen
    this.onMessage = onMessage
    this.connect()
  }

  send(message: Message): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message))
  }

  close(): void {
    this.isOver = true
    this.socket?.close()
  }

  private connect(): void {
    const socket = new WebSocket(this.url, { handshakeTimeout: SILENCE_MS })
    this.socket = socket
    const watch = setTimeout(() => socket.terminate(), SILENCE_MS)
    socket.on('ping', () => watch.refresh())
    socket.on('message', (data: Buffer) => {
      watch.refresh()
      const message = JSON.parse(data.toString()) as Message
      if (message.type === 'auth_ok') this.onOpen()
      else this.onMessage(message)
    })
    socket.on('error', () => undefined) // always followed by close
    socket.on('close', () => {
      clearTimeout(watch)
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
  const socket = new Returning(
    `${url.replace('http', 'ws')}/ws?token=${token}`,
    () => socket.send({ type: 'room:join', id: 1, roomId: room, ...(position ? { after: position } : {}) }),
    (message) => {
      if (message.type === 'ack' && message.error === undefined) return joined(message)
      if (position && record(options, message, position.epoch)) position = { ...position, seq: message.seq }
      if (position && message.type === 'reset') position = { ...position, seq: message.from - 1 }
    },
  )
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
  const socket = new Returning(
    `${url.replace('http', 'ws')}/ws?token=${token}`,
    () => (current === '' ? next() : say()),
    ({ type, ack, data, error }) => {
      if (type !== 'ack' || ack !== current || error) return
      history.record(name, { what: 'answered', room, key: current, seq: data.seq })
      current = 'answered'
      setTimeout(next, paceMs)
    },
  )
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
