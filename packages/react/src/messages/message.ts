/** What a page shows of a message: everything that was ever said about it, folded into one value. */
import type { RoomfulError } from '@roomful/client'

/** One emoji under a message. */
export interface Reaction {
  readonly emoji: string
  /** Who reacted so, in the order in which they did. */
  readonly userIds: readonly string[]
}

interface Common {
  /** The same from the first keystroke's send to the log and back: a key for lists. */
  readonly localId: string
  readonly userId: string
  readonly name: string
  readonly content: string
  /** Id of the message that this one answers. */
  readonly replyTo: string | undefined
  /** Milliseconds since 1970, by the server's clock. */
  readonly ts: number
}

/** In the room's log. */
export interface SentMessage extends Common {
  readonly status: 'sent'
  readonly id: string
  /** Its number in the room. */
  readonly seq: number
  /** When its present wording is from; `undefined` while it is the first one. */
  readonly editedAt: number | undefined
  /** Taken back: its content is gone. */
  readonly isRedacted: boolean
  readonly reactions: readonly Reaction[]
}

/** Waits in the outbox; it will be sent, whatever the network does. */
export interface PendingMessage extends Common {
  readonly status: 'pending'
}

/** Refused: it is not in the log, and will not be unless somebody tries again. */
export interface FailedMessage extends Common {
  readonly status: 'failed'
  readonly error: RoomfulError
}

export type Message = SentMessage | PendingMessage | FailedMessage
