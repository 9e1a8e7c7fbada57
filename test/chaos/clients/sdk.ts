/** The SDK as a subscriber, and as a publisher whose outbox does the retrying. */
import { type Client, connect } from '@roomful/client'
import { contentOf } from '@roomful/testkit/history'
import type { Publisher, PublisherOptions } from './publisher.ts'
import type { Subscriber, SubscriberOptions } from './subscriber.ts'

export function sdkSubscriber({ name, url, room: roomId, token, history }: SubscriberOptions): Subscriber {
  const client = connect(url, { token })
  const room = client.room(roomId)
  room.on('message:new', (data, { seq, n, key }) => {
    if (seq === undefined) return
    const epoch = room.position?.epoch
    history.record(name, { what: 'receives', room: roomId, epoch, seq, n, key, content: contentOf(data) })
  })
  room.onReset(({ reason, from, to }) => {
    history.record(name, { what: 'gap', room: roomId, epoch: room.position?.epoch, reason, from, to })
  })
  const ready = room.ready.then(() => {
    const { epoch, seq = 0 } = room.position ?? {}
    history.record(name, { what: 'enters', room: roomId, epoch, seq })
  })
  return { name, ready, close: () => client.close() }
}

export function sdkPublisher({ name, url, room: roomId, token, history, paceMs }: PublisherOptions): Publisher {
  const client: Client = connect(url, { token })
  const room = client.room(roomId)
  let isOver = false
  const run = async (): Promise<void> => {
    for (let count = 0; !isOver; count++) {
      const key = crypto.randomUUID()
      history.record(name, { what: 'says', room: roomId, key })
      const { seq } = await room.send(`${name} ${count}`, { key })
      history.record(name, { what: 'answered', room: roomId, key, seq })
      await new Promise((resolve) => setTimeout(resolve, paceMs))
    }
  }
  const done = run()
  return {
    name,
    finish: async () => {
      isOver = true
      await done
      client.close()
    },
  }
}
