/** A client that says one thing after another under keys, each until it is answered. */
import { setTimeout as delay } from 'node:timers/promises'
import type { History } from '@roomful/testkit/history'

export interface PublisherOptions {
  readonly name: string
  readonly url: string
  readonly room: string
  readonly token: string
  readonly history: History
  /** From an answer to what is said next. */
  readonly paceMs: number
}

export interface Publisher {
  readonly name: string
  /** As of a subscriber. */
  readonly isSettled?: () => boolean
  /** Says nothing more, and resolves when all is answered. */
  finish(): Promise<void>
}

/**
 * Does something again and again, once the last time is over.
 * @returns a function that stops it, and resolves when the last time is over
 */
export function repeat(act: (count: number) => Promise<void>, paceMs: number): () => Promise<void> {
  let isOver = false
  const run = async (): Promise<void> => {
    for (let count = 0; !isOver; count++) {
      await act(count)
      await delay(paceMs)
    }
  }
  const done = run()
  return async () => {
    isOver = true
    await done
  }
}

/**
 * Says one thing after another until it is stopped, and records what was said and answered.
 * @param say resolves with the number of the message once it is answered, however often it has to be said
 * @returns a function that stops, and resolves when all is answered
 */
export function keepSaying(
  { name, room, history, paceMs }: Pick<PublisherOptions, 'name' | 'room' | 'history' | 'paceMs'>,
  say: (key: string, content: string) => Promise<number>,
): () => Promise<void> {
  return repeat(async (count) => {
    const key = crypto.randomUUID()
    history.record(name, { what: 'says', room, key })
    const seq = await say(key, `${name} ${count}`)
    history.record(name, { what: 'answered', room, key, seq })
  }, paceMs)
}
