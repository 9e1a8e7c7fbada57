/**
 * How far this person has read everywhere: kept by the server for people with an account, so that it survives a reload and is
 * the same on their other devices; kept in this browser for guests. What is marked while there is no connection is sent later.
 */
import type { Client } from '@roomful/client'
import type { Mark, readsContract } from '../../features/reads/contract.ts'

export interface ReadsSnapshot {
  readonly marks: ReadonlyMap<string, Mark>
  /** By user: up to when they read what was written to them. */
  readonly receipts: ReadonlyMap<string, number>
  /** The marks are known: until then nothing counts as unread. */
  readonly isLoaded: boolean
}

type ReadsClient = Client<typeof readsContract>

/** What is marked within this time goes to the server together. */
const SEND_AFTER_MS = 400

export class Reads {
  private readonly client: ReadsClient
  private readonly storageKey: string
  private readonly isShared: boolean
  private readonly marks = new Map<string, Mark>()
  private readonly receipts = new Map<string, number>()
  /** Marked here, and not known to the server. */
  private readonly unsent = new Set<string>()
  private readonly listeners = new Set<() => void>()
  private isLoaded: boolean
  private connectionId: string | undefined
  private sending: ReturnType<typeof setTimeout> | undefined
  private snapshot: ReadsSnapshot | undefined

  /** @param person id of the user; `undefined` for a guest, whose marks the server does not keep */
  constructor(client: Client, person: string | undefined) {
    this.client = client as unknown as ReadsClient
    this.storageKey = `commons.reads.${person ?? 'guest'}`
    this.isShared = person !== undefined
    this.isLoaded = this.load() || !this.isShared
  }

  readonly getSnapshot = (): ReadsSnapshot => {
    const { isLoaded } = this
    this.snapshot ??= { marks: new Map(this.marks), receipts: new Map(this.receipts), isLoaded }
    return this.snapshot
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Keeps in step with the server and with other tabs. @returns what ends it */
  open(): () => void {
    const handleStorage = ({ key }: StorageEvent): void => {
      if (key !== this.storageKey || this.isShared) return
      this.marks.clear()
      this.load()
      this.changed()
    }
    globalThis.addEventListener('storage', handleStorage)
    const offs = [() => globalThis.removeEventListener('storage', handleStorage)]
    if (this.isShared) {
      // The page may be closed next: then no timer runs any more, and other devices would still show it as unread.
      const handleVisibility = (): void => {
        if (document.visibilityState === 'hidden' && this.sending !== undefined) this.sendAll() // never rejects
      }
      document.addEventListener('visibilitychange', handleVisibility)
      offs.push(
        () => document.removeEventListener('visibilitychange', handleVisibility),
        this.client.subscribe(() => this.handleConnection()),
        this.client.on('reads:marked', (mark) => this.learn(mark)),
        this.client.on('reads:forgotten', ({ about }) => this.lose(about)),
        this.client.on('direct:read', ({ userId, at }) => this.learnReceipt(userId, at)),
      )
      this.handleConnection()
    }
    return () => {
      for (const off of offs) off()
      clearTimeout(this.sending)
      this.sending = undefined
      this.connectionId = undefined
    }
  }

  /** Number of the last event that was read there; 0 when nothing was. */
  until(about: string): number {
    return this.marks.get(about)?.until ?? 0
  }

  /** @param at when that event happened, by the server's clock */
  mark(about: string, until: number, at: number): void {
    const known = this.marks.get(about)
    if (known && known.until >= until) return
    this.marks.set(about, { about, until, at: Math.max(0, Math.floor(at)) })
    if (this.isShared) {
      this.unsent.add(about)
      this.sending ??= setTimeout(() => this.sendAll(), SEND_AFTER_MS)
    }
    this.changed()
  }

  forget(about: string): void {
    this.lose(about)
    // A request that waits in the outbox, so that a room that was left offline does not come back.
    if (this.isShared) this.client.request('reads:forget', { about }, { durable: true }).catch(() => undefined)
  }

  private handleConnection(): void {
    const { state } = this.client
    // A session that comes back keeps the id of its connection, so a cut is seen by the state in between.
    if (state.status !== 'open') this.connectionId = undefined
    if (state.status !== 'open' || state.connectionId === this.connectionId) return
    this.connectionId = state.connectionId
    this.ask(state.connectionId) // never rejects
  }

  private async ask(connectionId: string): Promise<void> {
    try {
      const { marks, receipts } = await this.client.request('reads:list')
      if (this.connectionId !== connectionId) return
      const listed = new Set(marks.map(({ about }) => about))
      for (const about of [...this.marks.keys()]) {
        if (!listed.has(about) && !this.unsent.has(about)) this.marks.delete(about)
      }
      for (const mark of marks) if (mark.until >= this.until(mark.about)) this.marks.set(mark.about, mark)
      for (const { userId, at } of receipts) this.receipts.set(userId, Math.max(at, this.receipts.get(userId) ?? 0))
      this.isLoaded = true
      this.changed()
      await this.sendAll()
    } catch {
      if (this.connectionId === connectionId) this.connectionId = undefined // asked again at the next change of state
    }
  }

  private async sendAll(): Promise<void> {
    clearTimeout(this.sending)
    this.sending = undefined
    for (const about of [...this.unsent]) {
      const mark = this.marks.get(about)
      if (!mark || this.client.state.status !== 'open') continue
      try {
        await this.client.request('reads:mark', mark)
        if (this.marks.get(about) === mark) this.unsent.delete(about)
      } catch {
        return // sent again with the next mark, or on the next connection
      }
    }
    this.save()
  }

  private learn(mark: Mark): void {
    if (mark.until <= this.until(mark.about) && this.marks.has(mark.about)) return
    const { about, until, at } = mark
    this.marks.set(about, { about, until, at })
    this.unsent.delete(about)
    this.changed()
  }

  private learnReceipt(userId: string, at: number): void {
    if (at <= (this.receipts.get(userId) ?? 0)) return
    this.receipts.set(userId, at)
    this.changed()
  }

  private lose(about: string): void {
    this.unsent.delete(about)
    if (this.marks.delete(about)) this.changed()
  }

  private changed(): void {
    this.snapshot = undefined
    this.save()
    for (const listener of this.listeners) listener()
  }

  private save(): void {
    try {
      const kept = { marks: [...this.marks.values()], unsent: [...this.unsent] }
      localStorage.setItem(this.storageKey, JSON.stringify(kept))
    } catch {
      // A browser that keeps nothing: it holds as long as this page does.
    }
  }

  /** @returns false when this browser knows nothing yet */
  private load(): boolean {
    try {
      const kept = JSON.parse(localStorage.getItem(this.storageKey) ?? 'null') as {
        marks: readonly Mark[]
        unsent: readonly string[]
      } | null
      for (const mark of kept?.marks ?? []) this.marks.set(mark.about, mark)
      for (const about of kept?.unsent ?? []) this.unsent.add(about)
      return kept !== null
    } catch {
      return false
    }
  }
}
