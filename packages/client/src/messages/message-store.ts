/**
 * The messages of one room, shared by all components that show them: joined once, loaded once, with new events applied.
 * Pending messages from the outbox and refused ones are at the end.
 */
import type { Client } from '../client.ts'
import { RoomfulError } from '../errors.ts'
import type { OutboxEntry } from '../outbox.ts'
import type { RoomOf as Room } from '../room.ts'
import type { AnyContract } from '../types.ts'
import type { FailedMessage, Message, PendingMessage } from './message.ts'
import { type MessageWriter, writeMessage } from './message-writer.ts'
import { RoomLog } from './room-log.ts'
import { TIMELINE_EVENTS, Timeline } from './timeline.ts'

/** What `useMessages` shows: the same object until something changes. */
export interface MessagesSnapshot {
  /** Oldest first: those in the log, then pending ones, then refused ones. */
  readonly messages: readonly Message[]
  /** There are older messages to load. */
  readonly hasMore: boolean
  /** What loads now: `first`, the newest page; `older`, the page before. */
  readonly loading: 'first' | 'older' | undefined
  /** Why the last load of history failed; the next one clears it. */
  readonly error: RoomfulError | undefined
}

/** So many of the newest messages may still be in the outbox too. */
const RECENT = 100
/** A store that is used again within this time, ms, keeps its messages: as long as the client stays in a released room. */
const LINGER_MS = 100
/** Most refused messages of one room; another one replaces the oldest. */
const MAX_FAILED = 50

export class MessageStore {
  private readonly client: Client
  private readonly roomId: string
  private readonly onUnused: () => void
  private readonly timeline = new Timeline()
  private readonly listeners = new Set<() => void>()
  private failed: readonly FailedMessage[] = []
  /** This user, as on the latest connection. */
  private author = { userId: '', name: '' }
  private readonly log: RoomLog
  private off: (() => void) | undefined
  private outbox: readonly OutboxEntry[] | undefined
  private snapshot: MessagesSnapshot | undefined
  private leaving: ReturnType<typeof setTimeout> | undefined
  /** Who shows the text of a message, by its number. */
  private readonly readers = new Map<number, Set<() => void>>()
  /** The latest event added to a text, and changed nothing else. */
  private grown: number | undefined

  constructor(client: Client, roomId: string, onUnused: () => void) {
    this.client = client
    this.roomId = roomId
    this.onUnused = onUnused
    const { timeline } = this
    this.log = new RoomLog({
      ...{ client, roomId, events: TIMELINE_EVENTS },
      apply: (event) => {
        this.grown = event.event === 'message:piece' ? (event.args[0] as { seq?: number }).seq : undefined
        timeline.apply(event)
      },
      clear: () => timeline.clear(),
      onChange: () => (this.grown === undefined ? this.changed() : this.hasGrown(this.grown)),
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

  /** Sends a message. It is in the list at once; a refusal makes it `failed`. */
  readonly send = (content: string, options: { replyTo?: string } = {}): void => {
    const key = this.client.createKey()
    const draft = { localId: key, ...this.author, content, replyTo: options.replyTo, ts: this.client.serverNow() }
    this.room()
      .send(content, { ...options, key })
      .then(
        ({ id, seq, ts }) => {
          // The event may arrive later than the acknowledgement: without this the message would be missing meanwhile.
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

  /** Sends a `failed` message again. */
  readonly retry = (localId: string): void => {
    const message = this.failed.find((each) => each.localId === localId)
    if (!message) return
    this.discard(localId)
    this.send(message.content, message.replyTo === undefined ? {} : { replyTo: message.replyTo })
  }

  /** Removes a `failed` message from the list. */
  readonly discard = (localId: string): void => {
    this.failed = this.failed.filter((each) => each.localId !== localId)
    this.changed()
  }

  /** Edits a message of this user, by its number. @throws RoomfulError (rejects) FORBIDDEN, NOT_FOUND, … */
  readonly edit = async (seq: number, content: string): Promise<void> => {
    await this.room().edit(seq, content)
  }

  /** Takes a message back, by its number. @throws RoomfulError (rejects) FORBIDDEN, NOT_FOUND, … */
  readonly redact = async (seq: number): Promise<void> => {
    await this.room().redact(seq)
  }

  /** Reacts to a message, by its id. @throws RoomfulError (rejects) FORBIDDEN, … */
  readonly react = async (messageId: string, emoji: string): Promise<void> => {
    await this.room().react(emoji, messageId)
  }

  /** Takes a reaction of this user back. @throws RoomfulError (rejects) FORBIDDEN, … */
  readonly removeReaction = async (messageId: string, emoji: string): Promise<void> => {
    await this.room().removeReaction(emoji, messageId)
  }

  /**
   * Begins a message that is written in pieces; members see it grow.
   * @param content the text that it begins with
   * @throws RoomfulError (rejects) FORBIDDEN, RATE_LIMITED, …
   * @example
   * const writer = await store.stream()
   * for await (const text of source) writer.append(text)
   * await writer.complete()
   */
  readonly stream = (content?: string, options: { replyTo?: string } = {}): Promise<MessageWriter> =>
    writeMessage(this.client, this.roomId, { ...options, ...(content === undefined ? {} : { content }) })

  /** Stops a message that is being written, by whatever user of the room. @throws RoomfulError (rejects) FORBIDDEN, NOT_FOUND, … */
  readonly stop = async (seq: number): Promise<void> => {
    await this.client.request('message:stop', { roomId: this.roomId, seq })
  }

  /**
   * The text of one message, as long as it is: a store of its own, so that a message that grows renders alone and the list
   * stays as it is.
   */
  readonly textOf = (seq: number): { subscribe: (listener: () => void) => () => void; getSnapshot: () => string } => ({
    subscribe: (listener) => {
      const readers = this.readers.get(seq) ?? new Set()
      this.readers.set(seq, readers.add(listener))
      const off = this.subscribe(listener)
      return () => {
        off()
        readers.delete(listener)
        if (readers.size === 0) this.readers.delete(seq)
      }
    },
    getSnapshot: () => this.timeline.textOf(seq),
  })

  /** Loads the page before. Does nothing while a load is under way, or without older messages. */
  readonly loadOlder = (): void => this.log.loadOlder()

  private enter(): void {
    this.outbox = this.client.outbox
    this.updateAuthor()
    this.off = this.client.subscribe(() => this.handleClient())
    this.log.open()
  }

  private leave(): void {
    this.off?.()
    this.log.close()
    if (this.failed.length === 0) this.onUnused()
  }

  private handleClient(): void {
    this.updateAuthor()
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

  private updateAuthor(): void {
    const { state } = this.client
    if ('user' in state) this.author = { userId: state.user.sub, name: state.user.name }
  }

  private room(): Room {
    if (this.log.room) return this.log.room
    throw new RoomfulError('CLOSED', 'The component that shows this room is not mounted')
  }

  private hasGrown(seq: number): void {
    this.grown = undefined
    for (const reader of [...(this.readers.get(seq) ?? [])]) reader()
  }

  private changed(): void {
    this.snapshot = undefined
    for (const listener of this.listeners) listener()
  }
}

/** What can be done with the messages of a room. The functions need no `this`. */
export type MessageActions = Pick<
  MessageStore,
  'send' | 'retry' | 'discard' | 'edit' | 'redact' | 'react' | 'removeReaction' | 'stream' | 'stop' | 'loadOlder'
>

/** The actions of whichever store `store` returns when one is called: for bindings whose room id may change. */
export function messageActionsOf(store: () => MessageStore): MessageActions {
  return {
    send: (...args) => store().send(...args),
    retry: (...args) => store().retry(...args),
    discard: (...args) => store().discard(...args),
    edit: (...args) => store().edit(...args),
    redact: (...args) => store().redact(...args),
    react: (...args) => store().react(...args),
    removeReaction: (...args) => store().removeReaction(...args),
    stream: (...args) => store().stream(...args),
    stop: (...args) => store().stop(...args),
    loadOlder: (...args) => store().loadOlder(...args),
  }
}

const stores = new WeakMap<Client, Map<string, MessageStore>>()

/**
 * The messages of a room, for a page: one store for everything that shows them. It joins the room while it has a subscriber.
 * @example
 * const store = messagesOf(client, 'lobby')
 * const stop = store.subscribe(() => render(store.getSnapshot().messages))
 */
export function messagesOf<C extends AnyContract>(client: Client<C>, roomId: string): MessageStore {
  const owner = client as unknown as Client
  const rooms = stores.get(owner) ?? new Map<string, MessageStore>()
  stores.set(owner, rooms)
  const store = rooms.get(roomId) ?? new MessageStore(owner, roomId, () => rooms.delete(roomId))
  rooms.set(roomId, store)
  return store
}
