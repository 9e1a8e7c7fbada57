/**
 * One's private messages: the personal room's log as conversations, what waits in the outbox, what was refused, and how far
 * each was read, by oneself and by the other. Every tab and device has the same, because each gets what any of them sends. B23.
 */
import type { Client, OutboxEntry, ReceivedEvent, RoomfulError } from '@roomful/client'
import { type FailedMessage, type Message, type PendingMessage, RoomLog, type SentMessage } from '@roomful/react'
import type { Reads } from '../../web/reads/reads.ts'

export type Delivery = 'delivered' | 'queued'

export interface Conversation {
  readonly peerId: string
  /** As of the latest message from them; `undefined` before the first one. */
  readonly name: string | undefined
  readonly messages: readonly Message[]
  readonly hasNews: boolean
  /** Up to when the other read what one wrote; 0 when nothing was read yet. */
  readonly readByPeerAt: number
}

export interface InboxSnapshot {
  /** The latest first. */
  readonly conversations: readonly Conversation[]
  readonly hasMore: boolean
  readonly loading: RoomLog['loading']
  /** Of what was sent from this tab, by `localId`. */
  readonly deliveries: ReadonlyMap<string, Delivery>
  /** Conversations with something new. */
  readonly unread: number
}

interface PrivateMessage {
  readonly fromUser: string
  readonly name: string
  readonly to: string
  readonly content: string
}

interface Draft {
  readonly peerId: string
  readonly message: FailedMessage
}

const MAX_FAILED = 50

export class Inbox {
  private readonly client: Client
  private readonly reads: Reads
  private readonly own: { readonly userId: string; readonly name: string }
  private readonly listeners = new Set<() => void>()
  private readonly sent = new Map<number, { readonly peerId: string; readonly message: SentMessage }>()
  private readonly deliveries = new Map<string, Delivery>()
  private failed: readonly Draft[] = []
  private readonly log: RoomLog
  private offs: (() => void)[] = []
  private outbox: readonly OutboxEntry[] = []
  private snapshot: InboxSnapshot | undefined

  constructor(client: Client, reads: Reads, own: { readonly userId: string; readonly name: string }) {
    this.client = client
    this.reads = reads
    this.own = own
    this.log = new RoomLog({
      ...{ client, roomId: `user:${own.userId}`, events: ['message:private'] },
      apply: (event) => this.add(event),
      clear: () => this.sent.clear(),
      onChange: () => this.changed(),
    })
  }

  readonly getSnapshot = (): InboxSnapshot => {
    const { hasMore, loading } = this.log
    if (this.snapshot) return this.snapshot
    const conversations = this.list()
    const unread = conversations.filter(({ hasNews }) => hasNews).length
    this.snapshot = { conversations, hasMore, loading, deliveries: new Map(this.deliveries), unread }
    return this.snapshot
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    if (!this.log.room) this.enter()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.leave()
    }
  }

  /** Never rejects: a refusal becomes a message that `failed`. */
  readonly send = async (peerId: string, content: string): Promise<void> => {
    const key = this.client.createKey()
    const draft = { localId: key, ...this.own, content, replyTo: undefined, ts: this.client.serverNow() }
    try {
      const options = { key, durable: true }
      const { delivery } = await this.client.request('message:private', { to: peerId, content }, options)
      this.deliveries.set(key, delivery)
    } catch (thrown) {
      const error = thrown as RoomfulError // a request rejects with nothing else
      if (error.code === 'CLOSED') return
      const message = { ...draft, status: 'failed' as const, error }
      this.failed = [...this.failed, { peerId, message }].slice(-MAX_FAILED)
    }
    this.changed()
  }

  readonly retry = (localId: string): void => {
    const draft = this.failed.find(({ message }) => message.localId === localId)
    if (!draft) return
    this.discard(localId)
    this.send(draft.peerId, draft.message.content) // never rejects
  }

  readonly discard = (localId: string): void => {
    this.failed = this.failed.filter(({ message }) => message.localId !== localId)
    this.changed()
  }

  readonly loadOlder = (): void => this.log.loadOlder()

  /** Number of the last message that was read. */
  readUntil(peerId: string): number {
    return this.reads.until(`direct:${peerId}`)
  }

  /** @param message the latest one that was seen */
  markRead(peerId: string, { seq, ts }: Pick<SentMessage, 'seq' | 'ts'>): void {
    this.reads.mark(`direct:${peerId}`, seq, ts)
  }

  private enter(): void {
    this.offs = [this.reads.subscribe(() => this.changed()), this.client.subscribe(() => this.handleClient())]
    this.handleClient()
    this.log.open()
  }

  private leave(): void {
    for (const off of this.offs.splice(0)) off()
    this.log.close()
  }

  private add({ args, meta: { seq, id = '', ts = 0, key = id } }: ReceivedEvent): void {
    const { fromUser: userId, name, to, content } = (args[0] ?? {}) as Partial<PrivateMessage>
    if (seq === undefined || userId === undefined || name === undefined || to === undefined || content === undefined)
      return
    const message: SentMessage = {
      ...{ status: 'sent', localId: key, id, seq, userId, name, content, ts },
      ...{ replyTo: undefined, editedAt: undefined, isRedacted: false, reactions: [] },
    }
    this.sent.set(seq, { peerId: userId === this.own.userId ? to : userId, message })
  }

  private handleClient(): void {
    if (this.client.outbox === this.outbox) return
    this.outbox = this.client.outbox
    this.changed()
  }

  private list(): readonly Conversation[] {
    const byPeer = new Map<string, Message[]>()
    const put = (peerId: string, message: Message): void => {
      const messages = byPeer.get(peerId) ?? []
      messages.push(message)
      byPeer.set(peerId, messages)
    }
    const stored = new Set<string>()
    for (const [, { peerId, message }] of [...this.sent].sort(([a], [b]) => a - b)) {
      put(peerId, message)
      stored.add(message.localId)
    }
    for (const { key, event, args, createdMs } of this.outbox) {
      const { to, content } = (args[0] ?? {}) as { to?: string; content?: string }
      if (event !== 'message:private' || to === undefined || content === undefined || stored.has(key)) continue
      const pending: PendingMessage = {
        status: 'pending',
        localId: key,
        ...this.own,
        content,
        replyTo: undefined,
        ts: createdMs,
      }
      put(to, pending)
    }
    for (const { peerId, message } of this.failed) put(peerId, message)
    return [...byPeer]
      .map(([peerId, messages]) => this.toConversation(peerId, messages))
      .sort((a, b) => (b.messages.at(-1)?.ts ?? 0) - (a.messages.at(-1)?.ts ?? 0))
  }

  private toConversation(peerId: string, messages: readonly Message[]): Conversation {
    const theirs = messages.filter((message) => message.userId === peerId)
    const last = theirs.at(-1)
    const { isLoaded, receipts } = this.reads.getSnapshot()
    const isUnread = last?.status === 'sent' && last.seq > this.readUntil(peerId)
    const hasNews = isLoaded && peerId !== this.own.userId && isUnread
    return { peerId, name: last?.name, messages, hasNews, readByPeerAt: receipts.get(peerId) ?? 0 }
  }

  private changed(): void {
    this.snapshot = undefined
    for (const listener of this.listeners) listener()
  }
}
