/**
 * The notifications of the person who is signed in: those of the log, those that come, and how far they were read. One store
 * for the page, filled by the component that holds the connection. What was said in one place is one entry of the list.
 */
import type { Client, ReceivedEvent } from '@roomful/client'
import { RoomLog } from '@roomful/react'
import type { Reads } from '../../web/reads/reads.ts'
import type { NotificationContent } from './contract.ts'

export interface Notification extends NotificationContent {
  readonly id: string
  /** Its number in the inbox. */
  readonly seq: number
  readonly ts: number
}

/** What is shown as one: a notification, or the latest of those about one place, with how many of them are unread. */
export interface Entry extends Notification {
  readonly isUnread: boolean
  /** Unread ones about this place; at least 1. */
  readonly count: number
}

export interface NotificationsSnapshot {
  /** The latest first. */
  readonly entries: readonly Entry[]
  /** Unread entries, among those that are loaded. */
  readonly unread: number
  readonly isLoaded: boolean
  readonly hasMore: boolean
}

const NOTHING: NotificationsSnapshot = { entries: [], unread: 0, isLoaded: false, hasMore: false }
const ALL = 'notifications'

class Notifications {
  private readonly listeners = new Set<() => void>()
  private readonly bySeq = new Map<number, Notification>()
  private reads: Reads | undefined
  private log: RoomLog | undefined
  private snapshot = NOTHING

  readonly getSnapshot = (): NotificationsSnapshot => this.snapshot

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /**
   * @param client of `/notifications`
   * @param onNews called with each that comes while the page is open
   * @returns what ends it
   */
  collect(client: Client, reads: Reads, userId: string, onNews: (news: Notification) => void): () => void {
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
    this.reads = reads
    const off = reads.subscribe(() => this.changed())
    log.open()
    return () => {
      off()
      this.log = undefined
      this.reads = undefined
      log.close()
      this.changed()
    }
  }

  /** Loads what lies before. Never rejects. */
  readonly loadOlder = (): void => this.log?.loadOlder()

  /** Those that are loaded count as read, on every device. */
  readonly markAllRead = (): void => {
    const { newest } = this
    if (newest > 0) this.reads?.mark(ALL, newest, this.bySeq.get(newest)?.ts ?? 0)
  }

  private get newest(): number {
    return Math.max(0, ...this.bySeq.keys())
  }

  /** Its list was looked at since, or the place that it is about was. */
  private isUnread({ seq, about, aboutSeq = 0 }: Notification): boolean {
    if (!this.reads?.getSnapshot().isLoaded || seq <= this.reads.until(ALL)) return false
    return about === undefined || aboutSeq > this.reads.until(about)
  }

  /** @returns nothing for one that is known, or was taken back */
  private add({ args, meta: { seq, id = '', ts = 0 } }: ReceivedEvent): Notification | undefined {
    const { title, message, link, about, aboutSeq } = (args[0] ?? {}) as Partial<NotificationContent>
    if (seq === undefined || this.bySeq.has(seq)) {
      if (seq !== undefined && message === undefined) this.bySeq.delete(seq)
      return undefined
    }
    if (typeof message !== 'string') return undefined
    const place = about === undefined ? {} : { about, aboutSeq: aboutSeq ?? 0 }
    const notification = { id, seq, ts, message, ...(title && { title }), ...(link && { link }), ...place }
    this.bySeq.set(seq, notification)
    return notification
  }

  private list(): readonly Entry[] {
    const entries: Entry[] = []
    const places = new Map<string, number>()
    for (const each of [...this.bySeq.values()].sort((a, b) => b.seq - a.seq)) {
      const isUnread = this.isUnread(each)
      // Read ones stay apart from those that came after: they are the past, and not part of what is new.
      const place = each.about === undefined ? undefined : `${isUnread} ${each.about}`
      const at = place === undefined ? undefined : places.get(place)
      const known = at === undefined ? undefined : entries[at]
      if (at !== undefined && known) {
        entries[at] = { ...known, count: known.count + 1 }
        continue
      }
      if (place !== undefined) places.set(place, entries.length)
      entries.push({ ...each, isUnread, count: 1 })
    }
    return entries
  }

  private changed(): void {
    const { hasMore = false, loading = undefined } = this.log ?? {}
    const isLoaded = this.log !== undefined && loading !== 'first'
    const entries = this.list()
    this.snapshot = { entries, unread: entries.filter(({ isUnread }) => isUnread).length, isLoaded, hasMore }
    for (const listener of this.listeners) listener()
  }
}

export const notifications = new Notifications()
