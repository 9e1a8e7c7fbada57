/**
 * The messages of one room, shared by every component that shows them: one join and one load of history behind them, live
 * events folded in, what waits in the outbox and what was refused at the end.
 */
import { type Client, type OutboxEntry, type Room, RoomfulError } from '@roomful/client'
import type { FailedMessage, Message, PendingMessage } from './message.ts'
import { RoomLog } from './room-log.ts'
import { TIMELINE_EVENTS, Timeline } from './timeline.ts'

export interface MessagesSnapshot {
  /** Oldest first: what is in the log, then what waits, then what was refused. */
  readonly messages: readonly Message[]
  /** There are older ones to load. */
  readonly hasMore: boolean
  /** `first`: nothing is there yet; `older`: what lies before. */
  readonly loading: 'first' | 'older' | undefined
  /** Why the last load of history failed; the next one clears it. */
  readonly error: RoomfulError | undefined
}

/** Of the latest messages, how many may still be in the outbox as well. */
const RECENT = 100
/** A store that is used again within this time keeps what it has: as long as a room is held after its release. */
const LINGER_MS = 100
/** Refused messages that are kept for one room; the oldest makes room. */
const MAX_FAILED = 50

export class MessageStore {
  private readonly client: Client
  private readonly roomId: string
  private readonly onUnused: () => void
  private readonly timeline = new Timeline()
  private readonly listeners = new Set<() => void>()
  private failed: readonly FailedMessage[] = []
  /** Who we are, as the latest connection knew. */
  private author = { userId: '', name: '' }
  private readonly log: RoomLog
  private off: (() => void) | undefined
  private outbox: readonly OutboxEntry[] | undefined
  private snapshot: MessagesSnapshot | undefined
  private leaving: ReturnType<typeof setTimeout> | undefined

  constructor(client: Client, roomId: string, onUnused: () => void) {
    this.client = client
    this.roomId = roomId
    this.onUnused = onUnused
    const { timeline } = this
    this.log = new RoomLog({
      ...{ client, roomId, events: TIMELINE_EVENTS },
      apply: (event) => timeline.apply(event),
      clear: () => timeline.clear(),
      onChange: () => this.changed(),
    })
  }

  readonly getSnapshot = (): MessagesSnapshot => {
    const { hasMore, loading, error } = this.log
    this.snapshot ??= { messages: this.listMessages(), hasMore, loading, error }
    return this.snapshot
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    clearTimeout(this.leaving)
    if (!this.log.room) this.enter()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.leaving = setTimeout(() => this.leave(), LINGER_MS)
    }
  }

  /** Says something; it is in the list at once. Never rejects: a refusal becomes a message that `failed`. */
  readonly send = (content: string, options: { replyTo?: string } = {}): void => {
    const key = this.client.createKey()
    const draft = { localId: key, ...this.author, content, replyTo: options.replyTo, ts: this.client.serverNow() }
    this.held()
      .send(content, { ...options, key })
      .then(
        ({ id, seq, ts }) => {
          // The event itself may come later, when this link lags behind: what was stored is shown without a gap.
          const { userId, name, replyTo } = draft
          const body = { userId, name, content, ...(replyTo === undefined ? {} : { replyTo }) }
          const meta = { event: 'message:new', roomId: this.roomId, id, seq, ts, key }
          if (this.log.room) this.timeline.apply({ event: 'message:new', args: [body], meta })
          this.changed()
        },
        (error: RoomfulError) => {
          if (error.code === 'CLOSED') return
          this.failed = [...this.failed, { ...draft, status: 'failed' as const, error }].slice(-MAX_FAILED)
          this.changed()
        },
      )
  }

  /** Sends what was refused once more. */
  readonly retry = (localId: string): void => {
    const message = this.failed.find((each) => each.localId === localId)
    if (!message) return
    this.discard(localId)
    this.send(message.content, message.replyTo === undefined ? {} : { replyTo: message.replyTo })
  }

  /** Forgets what was refused. */
  readonly discard = (localId: string): void => {
    this.failed = this.failed.filter((each) => each.localId !== localId)
    this.changed()
  }

  /** @throws RoomfulError (rejects) FORBIDDEN, NOT_FOUND, … */
  readonly edit = async (seq: number, content: string): Promise<void> => {
    await this.held().edit(seq, content)
  }

  /** Takes a message back. @throws RoomfulError (rejects) FORBIDDEN, NOT_FOUND, … */
  readonly redact = async (seq: number): Promise<void> => {
    await this.held().redact(seq)
  }

  /** @throws RoomfulError (rejects) FORBIDDEN, … */
  readonly react = async (messageId: string, emoji: string): Promise<void> => {
    await this.held().react(emoji, messageId)
  }

  /** Takes a reaction of one's own back. @throws RoomfulError (rejects) FORBIDDEN, … */
  readonly removeReaction = async (messageId: string, emoji: string): Promise<void> => {
    await this.held().removeReaction(emoji, messageId)
  }

  /** Loads what lies before; nothing happens while that is under way, or when there is nothing. Never rejects. */
  readonly loadOlder = (): void => this.log.loadOlder()

  private enter(): void {
    this.outbox = this.client.outbox
    this.learnAuthor()
    this.off = this.client.subscribe(() => this.handleClient())
    this.log.open()
  }

  private leave(): void {
    this.off?.()
    this.log.close()
    if (this.failed.length === 0) this.onUnused()
  }

  private handleClient(): void {
    this.learnAuthor()
    const { outbox } = this.client
    if (outbox === this.outbox) return
    this.outbox = outbox
    this.changed()
  }

  private listMessages(): readonly Message[] {
    const sent = this.timeline.messages
    const stored = new Set(sent.slice(-RECENT).map(({ localId }) => localId))
    const pending = this.client.outbox.flatMap((entry) => (stored.has(entry.key) ? [] : this.toPending(entry)))
    return pending.length + this.failed.length === 0 ? sent : [...sent, ...pending, ...this.failed]
  }

  private toPending({ key, event, args, createdMs }: OutboxEntry): PendingMessage[] {
    const { roomId, content, replyTo } = args[0] as { roomId?: string; content?: string; replyTo?: string }
    if (event !== 'message:send' || roomId !== this.roomId || content === undefined) return []
    return [{ status: 'pending', localId: key, ...this.author, content, replyTo, ts: createdMs }]
  }

  private learnAuthor(): void {
    const { state } = this.client
    if ('user' in state) this.author = { userId: state.user.sub, name: state.user.name }
  }

  private held(): Room {
    if (this.log.room) return this.log.room
    throw new RoomfulError('CLOSED', 'The component that shows this room is not on the page')
  }

  private changed(): void {
    this.snapshot = undefined
    for (const listener of this.listeners) listener()
  }
}
