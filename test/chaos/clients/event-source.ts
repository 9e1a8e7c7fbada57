/** An `EventSource` that this project did not write: it comes back by itself with the last id, or is made anew with it. */
import { EventSource } from 'eventsource'
import { type Message, record, retryMs, type Subscriber, type SubscriberOptions } from './subscriber.ts'

export function eventSourceSubscriber(options: SubscriberOptions): Subscriber {
  const { name, url, room, token, history } = options
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  let lastId = ''
  let epoch: string | undefined
  let isOver = false
  let source: EventSource
  const open = (): void => {
    source = new EventSource(`${url}/sse?room=${room}&token=${token}${lastId ? `&after=${lastId}` : ''}`)
    source.onmessage = ({ data, lastEventId }) => {
      const message = JSON.parse(data) as Message
      if (lastEventId) lastId = lastEventId
      if (message.type === 'reset') {
        record(options, message, epoch)
        epoch = message.epoch
      } else if (message.type !== 'room:joined') record(options, message, epoch)
      else if (epoch === undefined) {
        epoch = message.epoch
        history.record(name, { what: 'enters', room, epoch, seq: message.seq })
        resolve()
      }
    }
    // What is no broken network (503 while the server ends) ends an EventSource for good.
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED && !isOver) setTimeout(open, retryMs())
    }
  }
  open()
  return {
    name,
    ready,
    close: () => {
      isOver = true
      source.close()
    },
  }
}
