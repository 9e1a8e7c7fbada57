/**
 * The notifications of whoever is here, as this browser knows them: those of the log, those that come, and how far they were
 * read. One for the page, filled by whoever holds the connection. Tabs share how far was read.
 */
import type { Client, ReceivedEvent } from '@roomful/client'
import { RoomLog } from '@roomful/react'
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

const NOTHING: NotificationsSnapshot = { notifications: [], readUntil: 0, unread: 0, isLoaded: false, hasMore: false }

class Notifications {
  private readonly listeners = new Set<() => void>()
  private readonly bySeq = new Map<number, Notification>()
  private readUntil = 0
  private storageKey: string | undefined
  private log: RoomLog | undefined
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
    const log: RoomLog = new RoomLog({
      ...{ client, roomId: `user:${userId}`, events: ['notification'] },
      apply: (event) => {
        const { newest } = this
        const added = this.add(event)
        if (!added || added.seq < newest || log.loading === 'first') return
        this.changed()
        onNews(added)
      },
      clear: () => this.bySeq.clear(),
      onChange: () => this.changed(),
    })
    this.log = log
    this.storageKey = `commons.notifications.${userId}`
    this.loadRead()
    const onStorage = ({ key }: StorageEvent): void => {
      if (key === this.storageKey) this.loadRead()
    }
    globalThis.addEventListener('storage', onStorage)
    log.open()
    return () => {
      globalThis.removeEventListener('storage', onStorage)
      this.log = undefined
      this.storageKey = undefined
      this.readUntil = 0
      log.close()
      this.changed()
    }
  }

  /** Loads what lies before. Never rejects. */
  readonly loadOlder = (): void => this.log?.loadOlder()

  /** Those that are here count as read, in every tab. */
  readonly markAllRead = (): void => {
    const { newest: last } = this
    if (last <= this.readUntil || this.storageKey === undefined) return
    this.readUntil = last
    try {
      localStorage.setItem(this.storageKey, String(last))
    } catch {
      // A browser that keeps nothing: it holds as long as this page does.
    }
    this.changed()
  }

  private get newest(): number {
    return Math.max(0, ...this.bySeq.keys())
  }

  /** @returns nothing for one that is known, or was taken back */
  private add({ args, meta: { seq, id = '', ts = 0 } }: ReceivedEvent): Notification | undefined {
    const { title, message, link } = (args[0] ?? {}) as Partial<Told>
    if (seq === undefined || typeof message !== 'string' || this.bySeq.has(seq)) return undefined
    const notification = { id, seq, ts, message, ...(title && { title }), ...(link && { link }) }
    this.bySeq.set(seq, notification)
    return notification
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
    const { readUntil } = this
    const { hasMore = false, loading = undefined } = this.log ?? {}
    const isLoaded = this.log !== undefined && loading !== 'first'
    const notifications = [...this.bySeq.values()].sort((a, b) => b.seq - a.seq)
    const unread = notifications.filter(({ seq }) => seq > readUntil).length
    this.snapshot = { notifications, readUntil, unread, isLoaded, hasMore }
    for (const listener of this.listeners) listener()
  }
}

export const notifications = new Notifications()
