/** The SDK as a subscriber, and as a publisher whose outbox does the retrying. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Client, connect } from '@roomful/client'
import { contentOf } from '@roomful/testkit/history'
import { keepSaying, type Publisher, type PublisherOptions } from './publisher.ts'
import { retryMs, type Subscriber, type SubscriberOptions } from './subscriber.ts'

type Transport = 'websocket' | 'sse' | 'poll'

/** A link of the SDK that lasted less counts as one more failure, which doubles its next wait. */
const STABLE_MS = 10_000

function isSettled({ state }: Client): boolean {
  return state.status === 'open' && (state.failures === 0 || Date.now() - state.sinceMs >= STABLE_MS)
}

/** By one of its transports alone. */
export const sdkBy =
  (transport: Transport) =>
  (options: SubscriberOptions): Subscriber =>
    sdkSubscriber(options, [transport])

export function sdkSubscriber(options: SubscriberOptions, transports?: readonly Transport[]): Subscriber {
  const { name, url, room: roomId, token, history } = options
  const client = connect(url, { token, ...(transports && { transports }) })
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
  return { name, ready, isSettled: () => isSettled(client), close: () => client.close() }
}

export function sdkPublisher(options: PublisherOptions): Publisher {
  const { name, url, room: roomId, token, history } = options
  const client: Client = connect(url, { token })
  const room = client.room(roomId)
  /** What the SDK gives up on (nothing for as long as it may try) is said again under its key. */
  const say = async (key: string, content: string): Promise<number> => {
    for (;;) {
      try {
        return (await room.send(content, { key })).seq
      } catch (error) {
        history.note(name, `${key}: ${String(error)}`)
        await delay(retryMs())
      }
    }
  }
  const stop = keepSaying(options, say)
  return {
    name,
    isSettled: () => isSettled(client),
    finish: async () => {
      await stop()
      client.close()
    },
  }
}
