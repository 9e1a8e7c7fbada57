/** A client that listens to one room, in its own way, and writes down what it is told. */
import { contentOf, type History } from '@roomful/testkit/history'

export interface SubscriberOptions {
  readonly name: string
  readonly url: string
  readonly room: string
  readonly token: string
  readonly history: History
}

export interface Subscriber {
  readonly name: string
  /** Resolves when it is in the room for the first time. */
  readonly ready: Promise<void>
  close(): void
}

/** One message of the plain form: what SSE, polls and bare WebSockets hear, and Socket.IO under `event`. */
// biome-ignore lint/suspicious/noExplicitAny: messages have every shape
export type Message = Record<string, any>

/** How often something that broke is tried again, with some chance in it. */
export function retryMs(): number {
  return 50 + Math.random() * 250
}

/** Writes down what matters in a message of the room. @returns whether it was an event of the log */
export function record({ name, room, history }: SubscriberOptions, message: Message, epoch?: string): boolean {
  if (message.roomId !== room) return false
  if (message.type === 'reset') {
    const { reason, from, to } = message
    history.record(name, { what: 'gap', room, epoch, reason, from, to })
    return false
  }
  if (message.seq === undefined || message.ts === undefined) return false
  const { seq, key } = message
  history.record(name, { what: 'receives', room, epoch, seq, key, content: contentOf(message) })
  return true
}
