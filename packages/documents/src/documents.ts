/**
 * The documents of a server: opened when somebody comes, closed when nobody is left, listed, made, renamed and removed.
 * A document is a room of a namespace: the room's rules say who may read it (`join`) and who may write (`publish`).
 */
import { join } from 'node:path'
import { CLOSE_CODES, isPersonalRoom, isRoomId } from '@roomful/protocol'
import { type Peer, type PeerHandler, type Roomful, RoomfulError } from '@roomful/server'
import type * as Y from 'yjs'
import { DocumentPeer } from './document-peer.ts'
import { OpenDocuments } from './open-documents.ts'
import { type DocumentStore, openDocumentStore } from './store/document-store.ts'
import type { DocumentChange, DocumentRecord, ListPage } from './store/record.ts'
import { encodePermissionDenied } from './wire/messages.ts'

export interface DocumentsOptions {
  /** Clients come on `<path>/<document>`. Default: `/yjs`. */
  readonly path?: string
  /** Whether the first change to a name that nobody has yet makes the document. Default: true. */
  readonly createOnWrite?: boolean
  /** Largest document, as Yjs encodes it. Default: 8 MiB. */
  readonly maxBytes?: number
  /** Most documents; more cannot be made. Default: 100,000. */
  readonly maxDocuments?: number
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
  private readonly options: Required<DocumentsOptions>
  private readonly openDocuments: OpenDocuments
  private store: DocumentStore | undefined

  constructor(roomful: Roomful, name: string, options: DocumentsOptions) {
    this.roomful = roomful
    this.options = { ...DEFAULTS, ...options }
    const { path, maxBytes } = this.options
    this.openDocuments = new OpenDocuments({
      ...this.options,
      report: (error) => roomful.observer.observe({ type: 'notice', message: error.message, isRisky: true }),
    })
    roomful.protocol(path, roomful.get(name), {
      name: 'yjs',
      maxMessageBytes: maxBytes + MESSAGE_OVERHEAD_BYTES,
      ratePerSecond: RATE_PER_SECOND,
      refusal: ({ message }) => encodePermissionDenied(message),
      open: (peer) => this.handlePeer(peer),
    })
    roomful.whileOpen(() => this.begin())
  }

  /** @throws RoomfulError (rejects) UNAVAILABLE */
  async find(id: string): Promise<DocumentRecord | undefined> {
    return this.stored.find(id)
  }

  /** Newest change first. @throws RoomfulError (rejects) UNAVAILABLE */
  async list(page: ListPage): Promise<DocumentRecord[]> {
    return this.stored.list(page)
  }

  /**
   * @param id names it for good; a name that was removed is not given again
   * @throws RoomfulError (rejects) ROOM_NAME_INVALID, INVALID_MESSAGE, CONFLICT, UNAVAILABLE
   */
  async create({ id, title, ownerId }: { id: string; title: string; ownerId: string }): Promise<DocumentRecord> {
    if (!isRoomId(id) || isPersonalRoom(id)) throw new RoomfulError('ROOM_NAME_INVALID', undefined, { field: 'id' })
    await this.checkCount()
    const record = await this.stored.create({ id, title: checkTitle(title), ownerId, at: Date.now() })
    if (!record)
      throw new RoomfulError('CONFLICT', 'There is a document of this name, or there was one', { field: 'id' })
    return record
  }

  /** Renames or locks. Rules are asked again for those who have it open. @throws RoomfulError (rejects) NOT_FOUND */
  async change(id: string, change: DocumentChange): Promise<DocumentRecord> {
    const title = change.title === undefined ? undefined : checkTitle(change.title)
    const record = await this.stored.change(id, { ...change, title }, Date.now())
    if (!record) throw new RoomfulError('NOT_FOUND', 'There is no such document')
    await this.recheck(id)
    return record
  }

  /** For good: everyone in it is closed with 4003. @returns false when there was none */
  async remove(id: string): Promise<boolean> {
    const isRemoved = await this.stored.remove(id)
    this.openDocuments.close(id, CLOSE_CODES.FORBIDDEN.code, 'The document was removed')
    return isRemoved
  }

  /** Asks the rules again who may write: call it when what they depend on has changed. */
  async recheck(id: string): Promise<void> {
    await this.openDocuments.recheck(id)
  }

  /**
   * Reads or changes a document from the server. Changes are stored and told to everyone like anybody's.
   * @throws RoomfulError (rejects) UNAVAILABLE, FORBIDDEN when it was removed; and what `work` throws
   */
  async use<Result>(id: string, work: (doc: Y.Doc) => Result): Promise<Result> {
    const document = await this.openDocuments.pin(id)
    try {
      const result = document.doc.transact(() => work(document.doc))
      await document.stored()
      return result
    } finally {
      this.openDocuments.unpin(document)
    }
  }

  private async handlePeer(peer: Peer): Promise<PeerHandler> {
    const document = await this.openDocuments.pin(peer.roomId)
    try {
      if (document.isNew) await this.checkNew()
      const handler = new DocumentPeer({
        peer,
        document,
        canWrite: await peer.may('publish'),
        now: () => performance.now(),
        onClosed: (closed) => this.openDocuments.leave(closed),
      })
      document.peers.add(handler)
      handler.begin()
      return handler
    } finally {
      this.openDocuments.unpin(document)
    }
  }

  private async checkNew(): Promise<void> {
    if (!this.options.createOnWrite) throw new RoomfulError('FORBIDDEN', 'There is no such document')
    await this.checkCount()
  }

  private async checkCount(): Promise<void> {
    const { maxDocuments } = this.options
    if ((await this.stored.count()) < maxDocuments) return
    throw new RoomfulError('FORBIDDEN', `There are ${maxDocuments} documents already: remove one first`)
  }

  private begin(): () => Promise<void> {
    const { folder, sync } = this.roomful.storage
    const path = folder === ':memory:' ? folder : join(folder, 'documents.db')
    const { foldUpdates } = this.options
    const store = openDocumentStore({ path, sync, foldUpdates, foldBytes: FOLD_BYTES })
    this.store = store
    this.openDocuments.begin(store)
    return async () => {
      await this.openDocuments.end()
      await store.close()
    }
  }

  private get stored(): DocumentStore {
    if (this.store) return this.store
    throw new RoomfulError('UNAVAILABLE', 'The server has not started')
  }
}

/** @throws RoomfulError INVALID_MESSAGE */
function checkTitle(title: string): string {
  const trimmed = title.trim()
  if (trimmed !== '' && trimmed.length <= TITLE_MAX_LENGTH) return trimmed
  throw new RoomfulError('INVALID_MESSAGE', `A title has 1 to ${TITLE_MAX_LENGTH} characters`, { field: 'title' })
}
