/**
 * The documents of a server: loaded for the first client, unloaded after the last, listed, created, renamed and removed.
 * A document is a room of a namespace: the room's rules say who may read it (`join`) and who may write (`publish`).
 */
import { join } from 'node:path'
import { CLOSE_CODES, isPersonalRoom, isRoomId } from '@roomful/protocol'
import { type ProtocolConnection, type ProtocolHandler, type Roomful, RoomfulError } from '@roomful/server'
import type * as Y from 'yjs'
import { DocumentConnection } from './document-connection.ts'
import { OpenDocuments } from './open-documents.ts'
import { Quotas } from './quotas.ts'
import { openDocumentStore } from './store/document-store.ts'
import type { DocumentStore } from './store/port.ts'
import type { DocumentChange, DocumentRecord, ListPage } from './store/record.ts'
import { RedisStore } from './store/redis/redis-store.ts'
import { encodePermissionDenied } from './wire/messages.ts'

export interface DocumentsOptions {
  /** Clients connect to `<path>/<document>`. Default: `/yjs`. */
  readonly path?: string
  /** Whether the first change to an unused name creates the document. Default: true. */
  readonly createOnWrite?: boolean
  /** Largest document, as Yjs encodes it. Default: 8 MiB. */
  readonly maxBytes?: number
  /** Most documents; more cannot be created. Default: 100,000. */
  readonly maxDocuments?: number
  /** Documents of one user, or of the guests of one address. Default: 1,000. */
  readonly maxDocumentsPerUser?: number
  /** Their bytes together. Default: 256 MiB. */
  readonly maxBytesPerUser?: number
  /** Bytes of all documents together. Default: 4 GiB. */
  readonly maxTotalBytes?: number
  /** All documents that are open at once, together. Default: 256 MiB. */
  readonly maxOpenBytes?: number
  /** Updates of a document that are kept apart before they are folded into one. Default: 500. */
  readonly foldUpdates?: number
}

const MIB = 1024 ** 2
const DEFAULTS = {
  path: '/yjs',
  createOnWrite: true,
  maxBytes: 8 * MIB,
  maxDocuments: 100_000,
  maxDocumentsPerUser: 1_000,
  maxBytesPerUser: 256 * MIB,
  maxTotalBytes: 4096 * MIB,
  maxOpenBytes: 256 * MIB,
  foldUpdates: 500,
} as const
/** Updates are folded when they are as large as the snapshot and this. */
const FOLD_BYTES = 256 * 1024
/** A message is at most a whole document and what is around it. */
const MESSAGE_OVERHEAD_BYTES = 1_024
/** Typing and a moving cursor are about sixty messages a second. */
const RATE_PER_SECOND = 100
const TITLE_MAX_LENGTH = 200

/**
 * Adds documents to a namespace of the server. Before it starts.
 * @param name a namespace that is declared; its rooms are the documents
 */
export function addDocuments(roomful: Roomful, name: string, options: DocumentsOptions = {}): Documents {
  return new Documents(roomful, name, options)
}

export class Documents {
  private readonly roomful: Roomful
  private readonly namespace: string
  private readonly options: Required<DocumentsOptions>
  private readonly openDocuments: OpenDocuments
  private readonly quotas: Quotas
  private store: DocumentStore | undefined

  constructor(roomful: Roomful, name: string, options: DocumentsOptions) {
    this.roomful = roomful
    this.namespace = name
    this.options = { ...DEFAULTS, ...options }
    const { path, maxBytes } = this.options
    this.quotas = new Quotas(this.options, (what) => roomful.observer.observe({ type: 'quota-refused', what }))
    this.openDocuments = new OpenDocuments({
      ...this.options,
      quotas: this.quotas,
      report: (error) => roomful.observer.observe({ type: 'notice', message: error.message, isRisky: true }),
    })
    roomful.protocol(path, roomful.get(name), {
      name: 'yjs',
      maxMessageBytes: maxBytes + MESSAGE_OVERHEAD_BYTES,
      ratePerSecond: RATE_PER_SECOND,
      refusal: ({ message }) => encodePermissionDenied(message),
      open: (connection) => this.handleConnection(connection),
    })
    roomful.whileOpen((closing) => this.begin(closing))
  }

  /** @throws RoomfulError (rejects) UNAVAILABLE */
  async find(id: string): Promise<DocumentRecord | undefined> {
    return this.stored.find(normal(id))
  }

  /** Newest change first. @throws RoomfulError (rejects) UNAVAILABLE */
  async list(page: ListPage): Promise<DocumentRecord[]> {
    return this.stored.list(page)
  }

  /**
   * @param id names it for good; a name that was removed is not given again
   * @param account whose quota it counts towards, if that is not its owner's: `context.account` for guests
   * @throws RoomfulError (rejects) ROOM_NAME_INVALID, INVALID_MESSAGE, CONFLICT, TOO_MANY_DOCUMENTS, QUOTA_EXCEEDED,
   *   UNAVAILABLE
   */
  async create(document: NewDocument): Promise<DocumentRecord> {
    const { title, ownerId, account = ownerId } = document
    const id = normal(document.id)
    if (!isRoomId(id) || isPersonalRoom(id)) throw new RoomfulError('ROOM_NAME_INVALID', undefined, { field: 'id' })
    const named = checkTitle(title)
    await this.quotas.pin(account)
    try {
      this.quotas.checkNew(account)
      this.quotas.made(account)
      const creating = this.stored.create({ id, title: named, ownerId, account, at: Date.now() })
      const record = await creating.finally(() => this.quotas.stored(account, { documents: 1, bytes: 0 }))
      if (record) return record
      throw new RoomfulError('CONFLICT', 'There is a document of this name, or there was one', { field: 'id' })
    } catch (error) {
      await this.quotas.removed(account).catch(() => undefined) // the error says more
      throw error
    } finally {
      this.quotas.unpin(account)
    }
  }

  /** Renames or locks. Rules are asked again for those who have it open. @throws RoomfulError (rejects) NOT_FOUND */
  async change(name: string, change: DocumentChange): Promise<DocumentRecord> {
    const id = normal(name)
    const title = change.title === undefined ? undefined : checkTitle(change.title)
    const record = await this.stored.change(id, { ...change, title }, Date.now())
    if (!record) throw new RoomfulError('NOT_FOUND', 'There is no such document')
    await this.openDocuments.recheck(id) // on other nodes the store has asked for it
    return record
  }

  /** For good: everyone in it is closed with 4003. @returns false when there was none */
  async remove(name: string): Promise<boolean> {
    const id = normal(name)
    const account = await this.stored.remove(id, Date.now())
    this.openDocuments.close(id, CLOSE_CODES.FORBIDDEN.code, 'The document was removed')
    if (account === undefined) return false
    await this.quotas.removed(account)
    return true
  }

  /**
   * Asks the rules again who may write, on every node: call it when what they depend on has changed.
   * @throws RoomfulError (rejects) UNAVAILABLE when other nodes cannot be reached
   */
  async recheck(name: string): Promise<void> {
    const id = normal(name)
    await Promise.all([this.openDocuments.recheck(id), this.stored.nodes?.recheck(id)])
  }

  /**
   * Reads or changes a document from the server. Changes are stored and sent to every client.
   * @throws RoomfulError (rejects) UNAVAILABLE, FORBIDDEN when it was removed; and what `work` throws
   */
  async use<Result>(id: string, work: (doc: Y.Doc) => Result): Promise<Result> {
    const document = await this.openDocuments.pin(normal(id))
    try {
      const result = document.doc.transact(() => work(document.doc))
      await document.stored()
      return result
    } finally {
      this.openDocuments.unpin(document)
    }
  }

  private async handleConnection(connection: ProtocolConnection): Promise<ProtocolHandler> {
    const { account } = connection
    const document = await this.openDocuments.pin(connection.roomId)
    await this.quotas.pin(account)
    let isServed = false
    try {
      if (document.account === undefined) this.checkNew(account)
      const handler = new DocumentConnection({
        connection,
        document,
        account,
        canWrite: await connection.may('publish'),
        now: () => performance.now(),
        onClosed: (closed) => {
          this.openDocuments.leave(closed, document)
          this.quotas.unpin(account)
        },
      })
      document.connections.add(handler)
      isServed = true
      handler.begin()
      return handler
    } finally {
      if (!isServed) this.quotas.unpin(account)
      this.openDocuments.unpin(document)
    }
  }

  /** A provider that may not make the document should not try again, so the close says FORBIDDEN. */
  private checkNew(account: string): void {
    if (!this.options.createOnWrite) throw new RoomfulError('FORBIDDEN', 'There is no such document')
    try {
      this.quotas.checkNew(account)
    } catch (error) {
      throw error instanceof RoomfulError ? new RoomfulError('FORBIDDEN', error.message) : error
    }
  }

  private async begin(closing: AbortSignal): Promise<() => Promise<void>> {
    const store = await this.openStore(closing)
    this.store = store
    this.openDocuments.begin(store)
    this.quotas.begin(store).catch((cause: unknown) => {
      const message = `The documents could not be counted: ${cause instanceof Error ? cause.message : String(cause)}`
      this.roomful.observer.observe({ type: 'notice', message, isRisky: true })
    })
    return async () => {
      await this.openDocuments.end()
      await store.close()
    }
  }

  /** @throws Error (rejects) with a sentence when the documents are of a newer version, or cannot be used */
  private async openStore(closing: AbortSignal): Promise<DocumentStore> {
    const { clock, random, observer, storage } = this.roomful
    const { folder, sync, redis } = storage
    const { foldUpdates } = this.options
    if (redis === undefined) {
      const path = folder === ':memory:' ? folder : join(folder, 'documents.db')
      return openDocumentStore({ path, sync, foldUpdates, foldBytes: FOLD_BYTES })
    }
    let last = ''
    const store = new RedisStore({
      redis,
      namespace: this.namespace,
      clock,
      random,
      limits: this.options,
      foldUpdates,
      foldBytes: FOLD_BYTES,
      report: (error) => {
        const message = `The documents in Redis: ${error instanceof Error ? error.message : String(error)}`
        if (message !== last) observer.observe({ type: 'notice', message, isRisky: true })
        last = message
      },
    })
    closing.addEventListener('abort', () => store.hurry())
    try {
      await store.opened()
      return store
    } catch (error) {
      await store.close()
      throw error
    }
  }

  private get stored(): DocumentStore {
    if (this.store) return this.store
    throw new RoomfulError('UNAVAILABLE', 'The server has not started')
  }
}

/** What `Documents.create` is given. */
export interface NewDocument {
  readonly id: string
  readonly title: string
  readonly ownerId: string
  readonly account?: string
}

/** Keyboards and file systems write the same name in several forms of Unicode; rooms have the composed one. */
function normal(id: string): string {
  return id.normalize('NFC')
}

/** @throws RoomfulError INVALID_MESSAGE */
function checkTitle(title: string): string {
  const trimmed = title.trim()
  if (trimmed !== '' && trimmed.length <= TITLE_MAX_LENGTH) return trimmed
  throw new RoomfulError('INVALID_MESSAGE', `A title has 1 to ${TITLE_MAX_LENGTH} characters`, { field: 'title' })
}
