/** The official Socket.IO client with its own recovery; where the server could not give it, it joins again from where it stood. */
import { io } from 'socket.io-client'
import { type Message, record, type Subscriber, type SubscriberOptions } from './subscriber.ts'

export function socketIoSubscriber(options: SubscriberOptions): Subscriber {
  const { name, url, room, token, history } = options
  let position: { epoch: string; seq: number } | undefined
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const socket = io(url, { auth: { token }, reconnectionDelay: 50, reconnectionDelayMax: 300, forceNew: true })
  socket.on('connect', () => {
    if (socket.recovered && position) {
      history.record(name, { what: 'resumes', room, epoch: position.epoch, seq: position.seq })
      return
    }
    const asked = position
    socket.emit('room:join', { roomId: room, ...(asked ? { after: asked } : {}) }, (answer: Message) => {
      const { status, epoch, seq, recovered, reason, from, to } = answer
      if (status === 'error') return void socket.disconnect().connect()
      if (!asked) history.record(name, { what: 'enters', room, epoch, seq })
      else if (recovered) history.record(name, { what: 'resumes', room, epoch, seq: asked.seq })
      else history.record(name, { what: 'gap', room, epoch, reason, from, to })
      position = { epoch, seq: asked === undefined ? seq : recovered ? asked.seq : from - 1 }
      resolve()
    })
  })
  const hear = (type: string) => (message: Message) => {
    if (position && record(options, { ...message, type }, position.epoch)) position = { ...position, seq: message.seq }
    if (position && type === 'reset') position = { ...position, seq: message.from - 1 }
  }
  socket.on('message:new', hear('message:new'))
  socket.on('reset', hear('reset'))
  return { name, ready, close: () => void socket.disconnect() }
}
