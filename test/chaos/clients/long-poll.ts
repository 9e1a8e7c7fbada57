/** A client that polls, each time from the cursor of the answer before; and one that posts, each time until it is answered. */
import { setTimeout as delay } from 'node:timers/promises'
import { keepSaying, type Publisher, type PublisherOptions } from './publisher.ts'
import { type Message, record, retryMs, type Subscriber, type SubscriberOptions } from './subscriber.ts'

const WAIT_S = 5
const TIMEOUT_MS = 8_000

/** Asks often, and is answered at once. */
export const shortPollSubscriber = (options: SubscriberOptions): Subscriber => longPollSubscriber(options, 0)

export function longPollSubscriber(options: SubscriberOptions, waitS = WAIT_S): Subscriber {
  const { name, url, room, token, history, epoch } = options
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  let cursor: string | undefined
  let current: string | undefined
  let isOver = false
  const poll = async (): Promise<void> => {
    const after = cursor === undefined ? '' : `&after=${cursor}&wait=${waitS}`
    const response = await fetch(`${url}/poll?room=${room}&token=${token}${after}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.status !== 200) throw new Error(`${response.status}`)
    const answer = (await response.json()) as { events: Message[]; cursor: string }
    if (cursor === undefined) {
      // The room is empty when the run begins, so it stands before everything.
      current = epoch
      history.record(name, { what: 'enters', room, epoch, seq: 0 })
      resolve()
    }
    for (const message of answer.events) {
      record(options, message, current)
      if (message.type === 'reset') current = message.epoch
    }
    cursor = answer.cursor
    if (waitS === 0) await delay(retryMs())
  }
  const run = async (): Promise<void> => {
    while (!isOver) await poll().catch(() => delay(retryMs()))
  }
  run() // never rejects
  return {
    name,
    ready,
    close: () => {
      isOver = true
    },
  }
}

export function postPublisher(options: PublisherOptions): Publisher {
  const { name, url, room, token } = options
  const post = async (key: string, content: string): Promise<number> => {
    const response = await fetch(`${url}/send`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ type: 'message:send', roomId: room, content, key }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.status !== 200) throw new Error(`${response.status}`)
    return ((await response.json()) as { seq: number }).seq
  }
  const say = async (key: string, content: string): Promise<number> => {
    for (;;) {
      try {
        return await post(key, content)
      } catch {
        await delay(retryMs()) // the network, or a server that ends or begins
      }
    }
  }
  const stop = keepSaying(options, say)
  return {
    name,
    finish: stop,
  }
}
