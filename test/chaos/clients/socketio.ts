/** The official Socket.IO client with its own recovery; where the server could not give it, it joins again from where it stood. */
import { setTimeout as delay } from 'node:timers/promises'
import { io } from 'socket.io-client'
import { keepSaying, type Publisher, type PublisherOptions } from './publisher.ts'
import { type Message, record, retryMs, type Subscriber, type SubscriberOptions } from './subscriber.ts'

const OFTEN = { reconnectionDelay: 50, reconnectionDelayMax: 300, forceNew: true }

/** By polling alone, or beginning so and upgrading. */
export const pollingSubscriber = (options: SubscriberOptions): Subscriber => socketIoSubscriber(options, ['polling'])

export function socketIoSubscriber(options: SubscriberOptions, transports = ['polling', 'websocket']): Subscriber {
  const { name, url, room, token, history } = options
  let position: { epoch: string; seq: number } | undefined
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const socket = io(url, { ...OFTEN, auth: { token }, transports })
  const join = (): void => {
    if (!socket.connected) return // it joins when it is
    const asked = position
    socket.emit('room:join', { roomId: room, ...(asked ? { after: asked } : {}) }, (answer: Message) => {
      const { status, epoch, seq, recovered, reason, from, to } = answer
      if (status === 'error') return void setTimeout(join, retryMs())
      if (!asked) history.record(name, { what: 'enters', room, epoch, seq })
      else if (recovered) history.record(name, { what: 'resumes', room, epoch, seq: asked.seq })
      else history.record(name, { what: 'gap', room, epoch, reason, from, to })
      position = { epoch, seq: asked === undefined ? seq : recovered ? asked.seq : from - 1 }
      resolve()
    })
  }
  socket.on('connect', () => {
    if (!socket.recovered || !position) return join()
    history.record(name, { what: 'resumes', room, epoch: position.epoch, seq: position.seq })
  })
  const hear = (type: string) => (data: Message) => {
    const message: Message = { ...data, type }
    if (position && record(options, message, position.epoch)) position = { ...position, seq: message.seq }
    if (position && type === 'reset' && message.roomId === room) {
      position = { epoch: message.epoch, seq: message.from - 1 }
    }
  }
  socket.on('message:new', hear('message:new'))
  socket.on('reset', hear('reset'))
  return { name, ready, close: () => void socket.disconnect() }
}

const ANSWER_MS = 4_000

/** Says by polling alone, each thing under its key until it is answered. */
export function pollingPublisher(options: PublisherOptions): Publisher {
  const { name, url, room, token } = options
  const socket = io(url, { ...OFTEN, auth: { token }, transports: ['polling'] })
  const say = async (key: string, content: string): Promise<number> => {
    for (;;) {
      const request = { roomId: room, content, key }
      const answer: Message = await socket
        .timeout(ANSWER_MS)
        .emitWithAck('message:send', request)
        .catch(() => ({}))
      if (answer.status === 'ok') return answer.seq
      await delay(retryMs())
    }
  }
  const stop = keepSaying(options, say)
  return {
    name,
    finish: async () => {
      await stop()
      socket.disconnect()
    },
  }
}
