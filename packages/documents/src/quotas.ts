/**
 * How many documents there are and how many bytes they have: of each user, of the guests of one address, and in all. What
 * is open is counted as it grows; the store is asked again when that is much, because folding makes documents smaller.
 */
import { RoomfulError } from '@roomful/server'
import type { DocumentStore } from './store/port.ts'
import type { Usage } from './store/record.ts'

export interface QuotaLimits {
  readonly maxDocuments: number
  readonly maxDocumentsPerUser: number
  readonly maxBytesPerUser: number
  readonly maxTotalBytes: number
}

export type QuotaKind = 'documents' | 'bytes'

interface Counted {
  documents: number
  bytes: number
  /** On the way to the store, which does not know of them yet. */
  waitingDocuments: number
  waitingBytes: number
  /** Bytes since the store was asked. */
  added: number
  /** Documents and peers that need the count to be here. */
  pins: number
}

const nothing = (): Counted => ({
  documents: 0,
  bytes: 0,
  waitingDocuments: 0,
  waitingBytes: 0,
  added: 0,
  pins: 0,
})

/** The store is asked again when this part of a limit was added. */
const MEASURE_STEP = 1 / 16

export class Quotas {
  private readonly limits: QuotaLimits
  private readonly onRefused: (what: QuotaKind) => void
  /** Bound: accounts with an open document or an open link. */
  private readonly accounts = new Map<string, Counted>()
  private readonly all = nothing()
  private store: DocumentStore | undefined

  constructor(limits: QuotaLimits, onRefused: (what: QuotaKind) => void) {
    this.limits = limits
    this.onRefused = onRefused
  }

  async begin(store: DocumentStore): Promise<void> {
    this.store = store
    await this.measure(undefined, this.all)
  }

  /** Counts this account until it is unpinned. @throws RoomfulError (rejects) UNAVAILABLE */
  async pin(account: string): Promise<void> {
    this.retain(account)
    try {
      await this.measure(account, this.accounts.get(account) as Counted)
    } catch (error) {
      this.unpin(account)
      throw error
    }
  }

  unpin(account: string): void {
    const counted = this.accounts.get(account)
    if (counted && --counted.pins === 0) this.accounts.delete(account)
  }

  /** Before a document is made. @throws RoomfulError TOO_MANY_DOCUMENTS, QUOTA_EXCEEDED */
  checkNew(account: string): void {
    const { maxDocuments, maxDocumentsPerUser } = this.limits
    const own = this.accounts.get(account)
    const full =
      own && account !== '' && own.documents >= maxDocumentsPerUser
        ? `You have ${maxDocumentsPerUser} documents already: remove one first`
        : this.all.documents >= maxDocuments
          ? `There are ${maxDocuments} documents already: remove one first`
          : undefined
    if (full !== undefined) {
      this.onRefused('documents')
      throw new RoomfulError('TOO_MANY_DOCUMENTS', full)
    }
    this.checkBytes(account, 1)
  }

  /** Before a document grows. @throws RoomfulError QUOTA_EXCEEDED */
  checkBytes(account: string, bytes: number): void {
    const { maxBytesPerUser, maxTotalBytes } = this.limits
    const own = this.accounts.get(account)
    const full =
      own && account !== '' && own.bytes + bytes > maxBytesPerUser
        ? `Your documents together may have ${maxBytesPerUser} bytes: remove one first`
        : this.all.bytes + bytes > maxTotalBytes
          ? `All documents together may have ${maxTotalBytes} bytes: remove one first`
          : undefined
    if (full === undefined) return
    this.onRefused('bytes')
    throw new RoomfulError('QUOTA_EXCEEDED', full)
  }

  /** As {@link pin}, for one that is pinned already, or that has no bounds. */
  retain(account: string): void {
    const counted = this.accounts.get(account) ?? nothing()
    this.accounts.set(account, counted)
    counted.pins++
  }

  /** A document is being made; {@link stored} follows. */
  made(account: string): void {
    for (const counted of this.both(account)) {
      counted.documents++
      counted.waitingDocuments++
    }
  }

  /** A document of the account grows; {@link stored} follows. */
  grew(account: string, bytes: number): void {
    for (const counted of this.both(account)) {
      counted.bytes += bytes
      counted.waitingBytes += bytes
      counted.added += bytes
    }
  }

  /** What was made, or grew, is in the store, or never will be. */
  stored(account: string, { documents, bytes }: Usage): void {
    const { maxBytesPerUser, maxTotalBytes } = this.limits
    for (const counted of this.both(account)) {
      counted.waitingDocuments = Math.max(0, counted.waitingDocuments - documents)
      counted.waitingBytes = Math.max(0, counted.waitingBytes - bytes)
    }
    const own = this.accounts.get(account)
    if (own && own.added > maxBytesPerUser * MEASURE_STEP) this.remeasure(account, own)
    if (this.all.added > maxTotalBytes * MEASURE_STEP) this.remeasure(undefined, this.all)
  }

  /** Another node was quicker to fill a bound, and the store refused. */
  refused(what: QuotaKind): void {
    this.onRefused(what)
  }

  /** A document of the account was removed. @throws RoomfulError (rejects) UNAVAILABLE */
  async removed(account: string): Promise<void> {
    await this.measure(undefined, this.all)
    const own = this.accounts.get(account)
    if (own) await this.measure(account, own)
  }

  private both(account: string): readonly Counted[] {
    const own = this.accounts.get(account)
    return own ? [this.all, own] : [this.all]
  }

  private remeasure(account: string | undefined, counted: Counted): void {
    counted.added = 0
    this.measure(account, counted).catch(() => undefined) // the store reports its trouble where something is stored
  }

  /** What is on the way when the store is asked, and what comes meanwhile, counts on top: rather too much than too little. */
  private async measure(account: string | undefined, counted: Counted): Promise<void> {
    if (!this.store) throw new RoomfulError('UNAVAILABLE', 'The server has not started')
    const documents = counted.documents - counted.waitingDocuments
    const bytes = counted.bytes - counted.waitingBytes
    const usage = await this.store.usage(account)
    counted.documents += usage.documents - documents
    counted.bytes += usage.bytes - bytes
    counted.added = 0
  }
}
