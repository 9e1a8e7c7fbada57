/** The documents in memory: loaded for the first client, unloaded after the last, checked for silent clients in between. */
import { CLOSE_CODES } from '@roomful/protocol'
import { RoomfulError } from '@roomful/server'
import { type DocumentClient, OpenDocument, type OpenDocumentOptions } from './open-document.ts'
import type { Quotas } from './quotas.ts'
import { GroupCommit } from './store/group-commit.ts'
import type { DocumentStore } from './store/port.ts'
import type { Loaded } from './store/record.ts'

export interface OpenDocumentsOptions {
  readonly maxBytes: number
  readonly maxOpenBytes: number
  readonly quotas: Quotas
  readonly report: (error: RoomfulError) => void
}

/** How often silent clients and silent links are looked for. */
const TEND_MS = 5_000
/** A provider gives a link up after 30 s without a message. */
const KEEP_ALIVE_MS = 15_000

export class OpenDocuments {
  private readonly options: OpenDocumentsOptions
  private readonly byId = new Map<string, Promise<OpenDocument>>()
  /** Those that have been loaded. */
  private readonly open = new Set<OpenDocument>()
  private store: DocumentStore | undefined
  private commits: GroupCommit | undefined
  private tending: NodeJS.Timeout | undefined

  constructor(options: OpenDocumentsOptions) {
    this.options = options
  }

  begin(store: DocumentStore): void {
    this.store = store
    this.commits = new GroupCommit(store)
    this.tending = setInterval(() => this.tend(), TEND_MS)
    this.tending.unref()
  }

  /** Resolves once every update is stored. */
  async end(): Promise<void> {
    clearInterval(this.tending)
    await this.commits?.settled()
  }

  /**
   * The document, kept open until it is unpinned.
   * @throws RoomfulError (rejects) UNAVAILABLE, FORBIDDEN when it was removed
   */
  async pin(id: string): Promise<OpenDocument> {
    for (;;) {
      let opening = this.byId.get(id)
      if (!opening) {
        opening = this.read(id)
        this.byId.set(id, opening)
        opening.catch(() => this.byId.delete(id))
      }
      const document = await opening
      if (this.byId.get(id) !== opening) continue // unloaded meanwhile
      document.pins++
      return document
    }
  }

  unpin(document: OpenDocument): void {
    document.pins--
    this.unloadIfIdle(document)
  }

  leave(connection: DocumentClient, document: OpenDocument): void {
    document.connections.delete(connection)
    document.spreadAwareness(document.awareness.release(connection))
    this.unloadIfIdle(document)
  }

  /** Closes every connection to it. */
  close(id: string, code: number, reason: string): void {
    for (const document of this.open) if (document.id === id) this.closeAll(document, code, reason)
  }

  async recheck(id: string): Promise<void> {
    for (const document of this.open) {
      if (document.id === id) await Promise.all(Array.from(document.connections, (connection) => connection.recheck()))
    }
  }

  private async read(id: string): Promise<OpenDocument> {
    const { store, commits } = this
    if (!store || !commits) throw new RoomfulError('UNAVAILABLE', 'The server has not started')
    try {
      const document = await this.create(id, await store.load(id), commits)
      this.open.add(document)
      store.nodes?.attach(id, document)
      return document
    } catch (error) {
      store.nodes?.release(id)
      throw error
    }
  }

  private async create(id: string, loaded: Loaded, commits: GroupCommit): Promise<OpenDocument> {
    const { record, account, isRemoved, updates } = loaded
    if (isRemoved) throw new RoomfulError('FORBIDDEN', 'The document was removed')
    this.checkRoom(updates.reduce((sum, { byteLength }) => sum + byteLength, 0))
    const { maxBytes, quotas } = this.options
    if (account !== undefined) await quotas.pin(account)
    return this.make({
      id,
      isNew: record === undefined,
      account,
      quotas,
      updates,
      commits,
      maxBytes,
      nodes: this.store?.nodes,
      now: Date.now,
      onFailed: (failed, error) => this.handleFailure(failed, error),
    })
  }

  private make(options: OpenDocumentOptions): OpenDocument {
    try {
      return new OpenDocument(options)
    } catch (error) {
      if (options.account !== undefined) options.quotas.unpin(options.account)
      throw error
    }
  }

  private checkRoom(bytes: number): void {
    let open = bytes
    for (const document of this.open) open += document.bytes
    if (open <= this.options.maxOpenBytes) return
    throw new RoomfulError('UNAVAILABLE', 'Too much is open at once; try again later', { retryAfterMs: 10_000 })
  }

  /** Clients that reconnect send again what was not stored, to a document that is loaded again. */
  private handleFailure(document: OpenDocument, error: RoomfulError): void {
    const { quotas, report } = this.options
    if (error.code === 'FORBIDDEN') return this.closeAll(document, CLOSE_CODES.FORBIDDEN.code, error.message)
    if (error.code === 'TOO_MANY_DOCUMENTS') quotas.refused('documents')
    else if (error.code === 'QUOTA_EXCEEDED') quotas.refused('bytes')
    else report(error)
    this.closeAll(document, CLOSE_CODES.TRY_LATER.code, 'The document could not be stored; try again later')
  }

  private closeAll(document: OpenDocument, code: number, reason: string): void {
    this.unload(document)
    for (const connection of [...document.connections]) connection.close(code, reason)
  }

  private unloadIfIdle(document: OpenDocument): void {
    if (!this.open.has(document)) return
    if (document.isIdle) return this.unload(document)
    if (document.connections.size === 0 && document.pins === 0) document.whenStored(() => this.unloadIfIdle(document))
  }

  private unload(document: OpenDocument): void {
    if (!this.open.delete(document)) return // it may be loading again already
    this.byId.delete(document.id)
    this.store?.nodes?.release(document.id)
    if (document.account !== undefined) this.options.quotas.unpin(document.account)
    document.destroy()
  }

  private tend(): void {
    const now = performance.now()
    for (const document of this.open) {
      document.spreadAwareness(document.awareness.expire(now))
      for (const connection of document.connections)
        if (now - connection.lastSentAt >= KEEP_ALIVE_MS) connection.keepAlive()
    }
  }
}
