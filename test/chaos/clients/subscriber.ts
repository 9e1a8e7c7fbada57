/** A client that listens to one room, in its own way, and writes down what it is told. */
import { contentOf, type History } from '@roomful/testkit/history'

export interface SubscriberOptions {
  readonly name: string
  readonly url: string
  readonly room: string
  readonly token: string
  readonly history: History
  /** Of the room when the run begins, for clients that are not sent it. */
  readonly epoch?: string | undefined
  /** Whatever else a bare WebSocket hears. */
  readonly onEvent?: (message: Message) => void
}

export interface Subscriber {
  readonly name: string
  /** Resolves when it is in the room for the first time. */
  readonly ready: Promise<void>
  /** False while it would wait for longer after the next cut, since the last ones came soon after each other. */
  readonly isSettled?: () => boolean
  close(): void
}

/** One message of the plain form: what SSE, polls and bare WebSockets hear, and Socket.IO under `event`. */
// biome-ignore lint/suspicious/noExplicitAny: messages have every shape
export type Message = Record<string, any>

let unnamed = 0

/** Of which log events are after a reset; to a client with a cursor it is not said, so that log gets a name of its own. */
function epochAfter({ reason, epoch }: Message, before: string | undefined): string | undefined {
  if (reason !== 'epoch') return before
  return epoch ?? `another log (${++unnamed})`
}

/** How often something that broke is tried again, with some chance in it. */
export function retryMs(): number {
  return 50 + Math.random() * 250
}

/**
 * Writes down what matters in a message of the room; a reset says then which epoch follows.
 * @returns whether it was an event of the log
 */
export function record({ name, room, history }: SubscriberOptions, message: Message, epoch?: string): boolean {
  if (message.roomId !== room) return false
  if (message.type === 'reset') {
    const { reason, from, to } = message
    message.epoch = epochAfter(message, epoch)
    history.record(name, { what: 'gap', room, epoch: message.epoch, reason, from, to })
    return false
  }
  if (message.seq === undefined || message.ts === undefined) return false
  const { seq, key } = message
  history.record(name, { what: 'receives', room, epoch, seq, key, content: contentOf(message) })
  return true
}
