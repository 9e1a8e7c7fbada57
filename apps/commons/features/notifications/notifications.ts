/**
 * The notifications of whoever is here, as this browser knows them: those of the log, those that come, and how far they were
 * read. One for the page, filled by whoever holds the connection. Tabs share how far was read.
 */
import type { Client, EventMeta, Room } from '@roomful/client'
import type { Told } from './contract.ts'

export interface Notification extends Told {
  readonly id: string
  /** Its number in the inbox. */
  readonly seq: number
  readonly ts: number
}

export interface NotificationsSnapshot {
  /** The latest first. */
  readonly notifications: readonly Notification[]
  /** Number of the last one that was read. */
  readonly readUntil: number
  /** Among those that are loaded. */
  readonly unread: number
  readonly isLoaded: boolean
  readonly hasMore: boolean
}

const PAGE = 100
const NOTHING: NotificationsSnapshot = { notifications: [], readUntil: 0, unread: 0, isLoaded: false, hasMore: false }

class Notifications {
  private readonly listeners = new Set<() => void>()
  private bySeq = new Map<number, Notification>()
  private readUntil = 0
  private isLoaded = false
  private isAsking = false
  private hasMore = false
  private oldest: number | undefined
  private storageKey: string | undefined
  private room: Room | undefined
  private snapshot = NOTHING

  readonly getSnapshot = (): NotificationsSnapshot => this.snapshot

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /**
   * @param client of `/notifications`
   * @param onNews hears what comes while the page is open
   * @returns what ends it
   */
  collect(client: Client, userId: string, onNews: (news: Notification) => void): () => void {
    this.forget()
    const room = client.room(`user:${userId}`)
    this.room = room
    this.storageKey = `commons.notifications.${userId}`
    this.loadRead()
    const onStorage = ({ key }: StorageEvent): void => {
      if (key === this.storageKey) this.loadRead()
    }
    globalThis.addEventListener('storage', onStorage)
    room.on('notification', (told, meta) => {
      const news = this.add(told, meta)
      this.changed()
      if (news && this.isLoaded && news.seq > this.readUntil) onNews(news)
    })
    room.onReset(() => {
      this.forget()
      this.load(room) // never rejects
    })
    room.subscribe(() => !this.isLoaded && this.load(room)) // never rejects
    return () => {
      globalThis.removeEventListener('storage', onStorage)
      room.release()
      this.room = undefined
      this.storageKey = undefined
      this.readUntil = 0
      this.forget()
    }
  }

  /** Loads what lies before. Never rejects. */
  readonly loadOlder = (): void => {
    if (this.room && this.hasMore) this.load(this.room)
  }

  /** Those that are here count as read, in every tab. */
  readonly markAllRead = (): void => {
    const last = Math.max(0, ...this.bySeq.keys())
    if (last <= this.readUntil || this.storageKey === undefined) return
    this.readUntil = last
    try {
      localStorage.setItem(this.storageKey, String(last))
    } catch {
      // A browser that keeps nothing: it holds as long as this page does.
    }
    this.changed()
  }

  private async load(room: Room): Promise<void> {
    if (this.isAsking || room.getSnapshot().status !== 'joined') return
    this.isAsking = true
    try {
      const { oldest: before } = this
      const { events, more } = await room.history({ limit: PAGE, ...(before === undefined ? {} : { before }) })
      if (this.room !== room) return
      for (const { event, args, meta } of events) if (event === 'notification') this.add(args[0], meta)
      this.oldest = events[0]?.meta.seq ?? this.oldest
      this.hasMore = more
      this.isLoaded = true
    } catch {
      // Asked for again with the next join, or by the person.
    } finally {
      this.isAsking = false
      this.changed()
    }
  }

  /** @returns nothing for one that is known, or was taken back */
  private add(given: unknown, { seq, id = '', ts = 0 }: EventMeta): Notification | undefined {
    const { title, message, link } = (given ?? {}) as Partial<Told>
    if (seq === undefined || typeof message !== 'string' || this.bySeq.has(seq)) return undefined
    const notification = { id, seq, ts, message, ...(title && { title }), ...(link && { link }) }
    this.bySeq.set(seq, notification)
    return notification
  }

  private forget(): void {
    this.bySeq = new Map()
    this.isLoaded = false
    this.hasMore = false
    this.oldest = undefined
    this.changed()
  }

  private loadRead(): void {
    if (this.storageKey === undefined) return
    try {
      this.readUntil = Number(localStorage.getItem(this.storageKey)) || 0
    } catch {
      this.readUntil = 0
    }
    this.changed()
  }

  private changed(): void {
    const { readUntil, isLoaded, hasMore } = this
    const notifications = [...this.bySeq.values()].sort((a, b) => b.seq - a.seq)
    const unread = notifications.filter(({ seq }) => seq > readUntil).length
    this.snapshot = { notifications, readUntil, unread, isLoaded, hasMore }
    for (const listener of this.listeners) listener()
  }
}

export const notifications = new Notifications()
