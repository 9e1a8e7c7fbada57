/**
 * A document while clients have it open: its content in memory, its connections, and updates that are being stored. An
 * update is stored before it is sent to others, so whatever a client saw survives the server.
 */
import { RoomfulError } from '@roomful/server'
import * as Y from 'yjs'
import { Awareness, type AwarenessHolder, type AwarenessStatement } from './awareness.ts'
import type { Quotas } from './quotas.ts'
import type { GroupCommit } from './store/group-commit.ts'
import type { DocumentCopy, DocumentNodes } from './store/port.ts'
import type { CheckedUpdate } from './wire/check-update.ts'
import { encodeAwareness, encodeStep2, encodeUpdate } from './wire/messages.ts'

/** What a document needs of a client's connection. */
export interface DocumentClient extends AwarenessHolder {
  /** The account whose quota a document counts towards, if this client creates it. */
  readonly account: string
  /** When anything was last sent, by a clock that does not jump. */
  readonly lastSentAt: number
  sendUpdate(message: Uint8Array, update: Uint8Array): void
  sendAwareness(message: Uint8Array, clients: readonly number[]): void
  /** Sends something that changes nothing. */
  keepAlive(): void
  /** Asks the rules again whether it may write. */
  recheck(): Promise<void>
  /** The same, of a connection that it ends when the rules fail. */
  onUserChanged(): void
  close(code: number, reason: string): void
}

export interface OpenDocumentOptions {
  readonly id: string
  /** It has not been created or written to yet. */
  readonly isNew: boolean
  /** The account whose quota it counts towards; for a new document the first change decides. */
  readonly account: string | undefined
  readonly quotas: Quotas
  readonly updates: readonly Uint8Array[]
  readonly commits: GroupCommit
  readonly maxBytes: number
  readonly now: () => number
  /** The other nodes that may have it open. */
  readonly nodes: DocumentNodes | undefined
  /** Its updates cannot be stored: it must be closed and read again. */
  readonly onFailed: (document: OpenDocument, error: RoomfulError) => void
}

/** Yjs keeps updates that refer to missing ones. An honest client never leaves much there. */
const PENDING_MAX_BYTES = 256 * 1024
/** The size is measured again, which costs, when this part of the limit was added or deleted. */
const MEASURE_STEP = 1 / 16

export class OpenDocument implements DocumentCopy {
  readonly id: string
  readonly isNew: boolean
  readonly doc = new Y.Doc()
  account: string | undefined
  readonly connections = new Set<DocumentClient>()
  readonly awareness: Awareness
  /** How many other users need it to stay open. */
  pins = 0
  private readonly options: OpenDocumentOptions
  private measuredBytes = 0
  private addedBytes = 0
  private deletedLength = 0
  private unstored = 0
  private lastStored: Promise<void> = Promise.resolve()
  private hasFailed = false
  /** The changes of the update that is being applied. Yjs reports those before a throw too. */
  private taken: Uint8Array[] | undefined

  /** @throws Error when what is stored is no document */
  constructor(options: OpenDocumentOptions) {
    this.id = options.id
    this.isNew = options.isNew
    this.account = options.account
    this.options = options
    this.awareness = new Awareness(options.nodes?.node)
    this.doc.transact(() => {
      for (const update of options.updates) Y.applyUpdate(this.doc, update)
    })
    this.measuredBytes = options.updates.reduce((sum, { byteLength }) => sum + byteLength, 0)
    this.doc.on('update', (update: Uint8Array) => {
      if (this.taken) this.taken.push(update)
      else this.keep(update, undefined, true)
    })
  }

  get bytes(): number {
    return this.measuredBytes + this.addedBytes
  }

  get isIdle(): boolean {
    return this.connections.size === 0 && this.pins === 0 && this.unstored === 0
  }

  /** @returns false when the document would grow too large. Deleting is always possible. */
  hasRoomFor(update: Uint8Array, { onlyDeletes, deletedLength }: CheckedUpdate): boolean {
    const { maxBytes } = this.options
    this.deletedLength += deletedLength
    if (onlyDeletes || this.bytes + update.byteLength <= maxBytes) return true
    if (this.addedBytes + this.deletedLength >= maxBytes * MEASURE_STEP) {
      this.measuredBytes = Y.encodeStateAsUpdate(this.doc).byteLength
      this.addedBytes = 0
      this.deletedLength = 0
    }
    return this.bytes + update.byteLength <= maxBytes
  }

  /** Whether the quota of who made it, or would make it, has room. @throws RoomfulError TOO_MANY_DOCUMENTS, QUOTA_EXCEEDED */
  checkQuota(update: Uint8Array, { onlyDeletes }: CheckedUpdate, writer: string): void {
    const { quotas } = this.options
    if (this.account === undefined) quotas.checkNew(writer)
    if (!onlyDeletes) quotas.checkBytes(this.account ?? writer, update.byteLength)
  }

  /**
   * @param isFree no bound of documents or bytes is to refuse it
   * @returns false when too much waits for missing updates: that part was dropped. @throws what Yjs throws
   */
  apply(update: Uint8Array, origin: DocumentClient, isFree: boolean): boolean {
    for (const each of this.take(update, origin)) this.keep(each, origin, isFree)
    const { store } = this.doc
    const pending = (store.pendingStructs?.update.byteLength ?? 0) + (store.pendingDs?.byteLength ?? 0)
    if (pending <= PENDING_MAX_BYTES) return true
    store.pendingStructs = null
    store.pendingDs = null
    this.options.nodes?.reread(this.id) // some of it may have been another node's
    return false
  }

  receive(updates: readonly Uint8Array[], account: string | undefined): void {
    if (this.hasFailed) return
    this.belongTo(account)
    const { store } = this.doc
    for (const update of updates) {
      // What waited for this update may be a client's, and is stored no more than it was sent.
      const isMixed = store.pendingStructs !== null || store.pendingDs !== null
      this.addedBytes += update.byteLength
      for (const each of this.take(update, undefined)) {
        if (isMixed) this.keep(each, undefined, true)
        else this.broadcastUpdate(each, undefined)
      }
    }
  }

  restore(stored: readonly Uint8Array[], account: string | undefined): void {
    const copy = new Y.Doc()
    for (const update of stored) Y.applyUpdate(copy, update)
    const missing: Uint8Array[] = []
    copy.on('update', (update: Uint8Array) => void missing.push(update))
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(copy)))
    copy.destroy()
    this.receive(stored, account)
    for (const update of missing) this.keep(update, undefined, true)
  }

  applyRemote(node: string, statements: readonly AwarenessStatement[], isAll: boolean): void {
    const { changed, contested } = this.awareness.applyRemote(node, statements, isAll)
    this.broadcastAwareness(changed)
    for (const [holder, entry] of contested) this.sendTo(holder, encodeAwareness([entry]), entry.clientId)
  }

  keepNodes(nodes: readonly string[]): void {
    this.broadcastAwareness(this.awareness.keepNodes(nodes))
  }

  statements(): AwarenessStatement[] {
    return this.awareness.allStatements()
  }

  returned(): void {
    for (const [holder, clientId] of this.awareness.held()) {
      const gone = this.awareness.entries([clientId]).map((entry) => ({ ...entry, json: 'null' }))
      this.sendTo(holder, encodeAwareness(gone), clientId)
    }
  }

  recheck(): void {
    for (const connection of this.connections) connection.onUserChanged()
  }

  removed(): void {
    this.fail(new RoomfulError('FORBIDDEN', 'The document was removed'))
  }

  /** The updates that a client with this state vector lacks, as a message. */
  answer(stateVector: Uint8Array): Uint8Array {
    return encodeStep2(Y.encodeStateAsUpdate(this.doc, stateVector))
  }

  /** Runs once everything that was taken until now is stored; never when that fails. */
  whenStored(then: () => void): void {
    if (this.hasFailed) return
    if (this.unstored === 0) return then()
    this.lastStored.then(
      () => this.hasFailed || then(),
      () => undefined, // every connection is closed
    )
  }

  /** Resolves when all is stored. @throws UNAVAILABLE (rejects) */
  stored(): Promise<void> {
    return this.lastStored
  }

  /** Tells everyone of clients of this node that came, moved or went. */
  spreadAwareness(clients: readonly number[]): void {
    if (clients.length === 0) return
    this.broadcastAwareness(clients)
    this.options.nodes?.moved(this.id, this.awareness.statements(clients))
  }

  private broadcastAwareness(clients: readonly number[]): void {
    if (clients.length === 0 || this.connections.size === 0) return
    const message = encodeAwareness(this.awareness.entries(clients))
    for (const connection of this.connections) connection.sendAwareness(message, clients)
  }

  fail(error: RoomfulError): void {
    if (this.hasFailed) return
    this.hasFailed = true
    this.options.onFailed(this, error)
  }

  destroy(): void {
    this.doc.destroy()
  }

  /** @returns the changes that it makes. @throws what Yjs throws */
  private take(update: Uint8Array, origin: DocumentClient | undefined): readonly Uint8Array[] {
    const taken: Uint8Array[] = []
    this.taken = taken
    try {
      Y.applyUpdate(this.doc, update, origin)
    } finally {
      this.taken = undefined
    }
    return taken
  }

  /** Another node may have made it, or was quicker to. */
  private belongTo(account: string | undefined): void {
    if (account === undefined || account === this.account) return
    const { quotas } = this.options
    if (this.account !== undefined) quotas.unpin(this.account)
    this.account = account
    quotas.pin(account).catch(() => undefined) // it is counted when the store is there again
  }

  private sendTo(holder: AwarenessHolder, message: Uint8Array, clientId: number): void {
    for (const connection of this.connections) if (connection === holder) connection.sendAwareness(message, [clientId])
  }

  /** Stores an update, then sends it to every connection but its writer's. */
  private keep(update: Uint8Array, writer: DocumentClient | undefined, isFree: boolean): void {
    if (this.hasFailed) return
    const { commits, quotas, id, now } = this.options
    const isFirst = this.account === undefined
    const account = this.account ?? writer?.account ?? ''
    if (isFirst) {
      this.account = account
      quotas.retain(account)
      quotas.made(account)
    }
    quotas.grew(account, update.byteLength)
    const usage = { documents: isFirst ? 1 : 0, bytes: update.byteLength }
    this.addedBytes += update.byteLength
    this.unstored++
    this.lastStored = commits.append({ id, update, userId: writer?.userId ?? '', account, at: now(), isFree })
    this.lastStored.then(
      () => {
        this.unstored--
        quotas.stored(account, usage)
        if (!this.hasFailed) this.broadcastUpdate(update, writer)
      },
      (error: RoomfulError) => {
        this.unstored--
        quotas.stored(account, usage)
        this.fail(error)
      },
    )
  }

  private broadcastUpdate(update: Uint8Array, except: DocumentClient | undefined): void {
    if (this.connections.size === 0) return
    const message = encodeUpdate(update)
    for (const connection of this.connections) if (connection !== except) connection.sendUpdate(message, update)
  }
}
