/**
 * One's private messages: the personal room's log as conversations, what waits in the outbox, what was refused, and how far
 * each was read. Every tab has the same, because each gets what any of them sends. B23.
 */
import type { Client, OutboxEntry, Room, RoomfulError } from '@roomful/client'
import type { FailedMessage, Message, PendingMessage, SentMessage } from '@roomful/react'

export type Delivery = 'delivered' | 'queued'

export interface Conversation {
  readonly peerId: string
  /** As of the latest message from them; `undefined` before the first one. */
  readonly name: string | undefined
  readonly messages: readonly Message[]
  readonly hasNews: boolean
}

export interface InboxSnapshot {
  /** The latest first. */
  readonly conversations: readonly Conversation[]
  readonly hasMore: boolean
  readonly loading: 'first' | 'older' | undefined
  /** Of what was sent from this tab, by `localId`. */
  readonly deliveries: ReadonlyMap<string, Delivery>
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

const PAGE = 100
const MAX_FAILED = 50

export class Inbox {
  private readonly client: Client
  private readonly own: { readonly userId: string; readonly name: string }
  private readonly listeners = new Set<() => void>()
  private readonly sent = new Map<number, { readonly peerId: string; readonly message: SentMessage }>()
  private readonly deliveries = new Map<string, Delivery>()
  private failed: readonly Draft[] = []
  private read: Record<string, number> = {}
  private room: Room | undefined
  private offs: (() => void)[] = []
  private outbox: readonly OutboxEntry[] = []
  private oldest: number | undefined
  private hasMore = true
  private loading: InboxSnapshot['loading'] = 'first'
  private isAsking = false
  private snapshot: InboxSnapshot | undefined

  constructor(client: Client, own: { readonly userId: string; readonly name: string }) {
    this.client = client
    this.own = own
  }

  readonly getSnapshot = (): InboxSnapshot => {
    const { hasMore, loading } = this
    this.snapshot ??= { conversations: this.list(), hasMore, loading, deliveries: new Map(this.deliveries) }
    return this.snapshot
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    if (!this.room) this.enter()
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

  readonly loadOlder = (): void => {
    if (this.room && this.hasMore && !this.loading) this.load(this.room, 'older') // never rejects
  }

  /** Number of the last message that was read. */
  readUntil(peerId: string): number {
    return this.read[peerId] ?? 0
  }

  markRead(peerId: string, seq: number): void {
    if (seq <= this.readUntil(peerId)) return
    this.read = { ...this.read, [peerId]: seq }
    try {
      localStorage.setItem(this.storageKey, JSON.stringify(this.read))
    } catch {
      // A browser that keeps nothing: it holds as long as this page does.
    }
    this.changed()
  }

  private get storageKey(): string {
    return `commons.direct.${this.own.userId}`
  }

  private enter(): void {
    const room = this.client.room(`user:${this.own.userId}`)
    this.room = room
    this.loadRead()
    const onStorage = ({ key }: StorageEvent): void => {
      if (key !== this.storageKey) return
      this.loadRead()
      this.changed()
    }
    globalThis.addEventListener('storage', onStorage)
    this.offs = [
      () => globalThis.removeEventListener('storage', onStorage),
      room.on('message:private', (data, { seq, id, ts, key }) => {
        this.add(data, { seq, id, ts, key })
        this.changed()
      }),
      room.onReset(() => this.startAgain()),
      room.subscribe(() => this.loadWhenJoined()),
      this.client.subscribe(() => this.handleClient()),
    ]
    this.handleClient()
    this.loadWhenJoined()
  }

  private leave(): void {
    for (const off of this.offs.splice(0)) off()
    this.room?.release()
    this.room = undefined
    this.startAgain()
  }

  private startAgain(): void {
    this.sent.clear()
    this.loading = 'first'
    this.hasMore = true
    this.oldest = undefined
    this.changed()
    this.loadWhenJoined()
  }

  private loadWhenJoined(): void {
    const { room } = this
    if (!room || this.loading !== 'first' || this.isAsking || room.getSnapshot().status !== 'joined') return
    this.load(room, 'first') // never rejects
  }

  private async load(room: Room, what: 'first' | 'older'): Promise<void> {
    this.loading = what
    this.isAsking = true
    this.changed()
    const before = what === 'older' ? this.oldest : undefined
    try {
      const { events, more } = await room.history({ limit: PAGE, ...(before === undefined ? {} : { before }) })
      if (this.room !== room) return
      for (const { event, args, meta } of events) {
        if (event === 'message:private') this.add(args[0] as PrivateMessage, meta)
      }
      this.oldest = events[0]?.meta.seq ?? this.oldest
      this.hasMore = more
      this.loading = undefined
    } catch {
      if (what === 'older') this.loading = undefined // asked for again by scrolling; the first page, by the next join
    } finally {
      this.isAsking = false
      this.changed()
    }
  }

  private add(
    data: PrivateMessage,
    {
      seq,
      id = '',
      ts = 0,
      key = id,
    }: { seq?: number | undefined; id?: string | undefined; ts?: number | undefined; key?: string | undefined },
  ): void {
    if (seq === undefined || data.content === undefined || this.sent.has(seq)) return
    const { fromUser: userId, name, to, content } = data
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
    const hasNews = peerId !== this.own.userId && last?.status === 'sent' && last.seq > this.readUntil(peerId)
    return { peerId, name: last?.name, messages, hasNews }
  }

  private loadRead(): void {
    try {
      this.read = JSON.parse(localStorage.getItem(this.storageKey) ?? '{}') as Record<string, number>
    } catch {
      this.read = {}
    }
  }

  private changed(): void {
    this.snapshot = undefined
    for (const listener of this.listeners) listener()
  }
}
