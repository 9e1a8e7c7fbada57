/** A message as a page shows it, with its edits and reactions. */
import type { RoomfulError } from '../errors.ts'

/** One emoji under a message. */
export interface Reaction {
  readonly emoji: string
  /** Users who gave it, in the order in which they did. */
  readonly userIds: readonly string[]
}

interface Common {
  /** The same while it is pending and after it is stored: a key for lists. */
  readonly localId: string
  readonly userId: string
  readonly name: string
  readonly content: string
  /** Id of the message that this one replies to. */
  readonly replyTo: string | undefined
  /** Milliseconds since 1970, by the server's clock. */
  readonly ts: number
}

/** How a message that is written in pieces stands. */
export type MessageState = 'streaming' | 'complete' | 'cancelled' | 'interrupted'

/** A message in the room's log. */
export interface SentMessage extends Common {
  readonly status: 'sent'
  /** Unique in the namespace. */
  readonly id: string
  /** Its number in the room. */
  readonly seq: number
  /** When it was last edited, ms since 1970; `undefined` if never. */
  readonly editedAt: number | undefined
  /** It was taken back: its content is empty. */
  readonly isRedacted: boolean
  /**
   * How a message in pieces stands: while it is `streaming`, its text grows, and `content` is what it was when the list last
   * changed. `undefined` for other messages.
   */
  readonly state?: MessageState | undefined
  readonly reactions: readonly Reaction[]
}

/** A message that waits in the outbox; it is sent once the network allows. */
export interface PendingMessage extends Common {
  readonly status: 'pending'
}

/** A message that the server refused: it is not in the log. `retry` sends it again. */
export interface FailedMessage extends Common {
  readonly status: 'failed'
  /** Why it was refused. */
  readonly error: RoomfulError
}

/** A message of a list, by `status`. */
export type Message = SentMessage | PendingMessage | FailedMessage
