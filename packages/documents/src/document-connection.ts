/** A client's connection to a document: its messages, its rights, and the changes that it still has to receive. */
import { CLOSE_CODES } from '@roomful/protocol'
import { type ProtocolConnection, type ProtocolHandler, RoomfulError } from '@roomful/server'
import * as Y from 'yjs'
import type { DocumentClient, OpenDocument } from './open-document.ts'
import { type CheckedUpdate, checkUpdate } from './wire/check-update.ts'
import {
  type AwarenessEntry,
  type ClientMessage,
  decodeMessage,
  encodeAwareness,
  encodePermissionDenied,
  encodeRights,
  encodeStep1,
  encodeStored,
} from './wire/messages.ts'

/** Each may be answered with the whole document; no provider sends more. */
const QUESTIONS_PER_SECOND = 20

export interface DocumentConnectionOptions {
  readonly connection: ProtocolConnection
  readonly document: OpenDocument
  readonly canWrite: boolean
  readonly account: string
  /** Milliseconds of a clock that does not jump. */
  readonly now: () => number
  readonly onClosed: (connection: DocumentConnection) => void
}

export class DocumentConnection implements ProtocolHandler, DocumentClient {
  readonly document: OpenDocument
  readonly clients = new Set<number>()
  /** When anything was last sent: a provider that receives nothing for 30 s gives the link up. */
  lastSentAt: number
  private readonly connection: ProtocolConnection
  private readonly options: DocumentConnectionOptions
  private readonly missed = new MissedChanges()
  private canWrite: boolean
  /** It asked for its rights, so it also receives changes of them. */
  private wantsRights = false
  private refusals = new Set<string>()
  /** An update was refused, and later ones may depend on it: no more updates are taken from this connection. */
  private isApart = false
  private isClosed = false
  private questions = { count: 0, since: 0 }

  constructor(options: DocumentConnectionOptions) {
    const { connection, document, canWrite, now } = options
    this.options = options
    this.connection = connection
    this.document = document
    this.canWrite = canWrite
    this.lastSentAt = now()
  }

  /** The account whose quota a document counts towards, if this connection creates it. */
  get account(): string {
    return this.options.account
  }

  get userId(): string {
    return this.connection.user.sub
  }

  /** Asks for updates that the server lacks, and sends who is here. */
  begin(): void {
    if (this.canWrite) this.ask()
    const here = this.document.awareness.all()
    if (here.length > 0) this.send(encodeAwareness(here))
  }

  handleMessage(data: Uint8Array): void {
    let message: ClientMessage
    try {
      message = decodeMessage(data)
    } catch {
      return this.connection.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'This is no message of the y-websocket protocol')
    }
    if (!this.isClosed) this.handle(message)
  }

  onDrained(): void {
    const stateVector = this.missed.takeStateVector(this.document.doc)
    if (stateVector) this.sendMissing(stateVector)
    const clients = this.missed.takeClients()
    if (clients.length > 0) this.send(encodeAwareness(this.document.awareness.entries(clients)))
  }

  onUserChanged(): void {
    this.recheck().catch(() => this.connection.close(CLOSE_CODES.INTERNAL.code, 'The rules of this document failed'))
  }

  onClosed(): void {
    this.isClosed = true
    this.options.onClosed(this)
  }

  /** Asks the rules again whether it may write. */
  async recheck(): Promise<void> {
    const canWrite = await this.connection.may('publish')
    if (this.isClosed || canWrite === this.canWrite) return
    this.canWrite = canWrite
    if (canWrite) {
      this.isApart = false
      this.refusals.clear()
      this.ask() // for what it wrote meanwhile
    }
    if (this.wantsRights) this.send(encodeRights(canWrite))
  }

  sendUpdate(message: Uint8Array, update: Uint8Array): void {
    if (this.connection.isSlow) this.missed.addUpdate(update)
    else this.send(message)
  }

  sendAwareness(message: Uint8Array, clients: readonly number[]): void {
    if (this.connection.isSlow) this.missed.addClients(clients)
    else this.send(message)
  }

  /** A sign of life that changes nothing. */
  keepAlive(): void {
    if (!this.connection.isSlow) this.send(EMPTY_AWARENESS)
  }

  close(code: number, reason: string): void {
    this.connection.close(code, reason)
  }

  private handle(message: ClientMessage): void {
    switch (message.kind) {
      case 'step1':
        return this.handleStep1(message.stateVector)
      case 'update':
        return this.handleUpdate(message.update)
      case 'awareness':
        return this.handleAwareness(message.entries)
      case 'query-awareness':
        return this.send(encodeAwareness(this.document.awareness.all()))
      case 'rights':
        this.wantsRights = true
        return this.send(encodeRights(this.canWrite && !this.isApart))
      case 'stored':
        // After a refusal not everything is stored, and never will be.
        return this.isApart ? undefined : this.document.whenStored(() => this.send(encodeStored(message.n)))
      case 'unknown':
        return // of a later version
      default:
        return message satisfies never
    }
  }

  private handleStep1(stateVector: Uint8Array): void {
    const now = this.options.now()
    if (now - this.questions.since >= 1_000) this.questions = { count: 0, since: now }
    if (++this.questions.count > QUESTIONS_PER_SECOND) {
      return this.connection.close(CLOSE_CODES.POLICY.code, 'Rate limit exceeded')
    }
    try {
      this.sendMissing(stateVector)
    } catch {
      this.connection.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'This is no state vector')
    }
  }

  private handleUpdate(update: Uint8Array): void {
    let checked: CheckedUpdate
    try {
      checked = checkUpdate(update)
    } catch {
      return this.connection.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'This is no update of a document')
    }
    if (checked.isEmpty || this.isApart) return
    if (!this.canWrite) return this.refuse('You may read this document, not write to it')
    if (!this.document.hasRoomFor(update, checked)) return this.refuse('The document is full')
    try {
      this.document.checkQuota(update, checked, this.account)
    } catch (error) {
      return this.refuse(error instanceof RoomfulError ? error.message : 'There is no room for more')
    }
    try {
      if (this.document.apply(update, this, checked.onlyDeletes)) return
      this.connection.close(CLOSE_CODES.POLICY.code, 'The updates refer to content that is missing')
    } catch (cause) {
      // Half of the update may be applied: the copy in memory is broken, the stored one is whole.
      this.connection.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'This is no update of a document')
      this.document.fail(new RoomfulError('INTERNAL', 'An update broke the document in memory', { cause }))
    }
  }

  private handleAwareness(entries: readonly AwarenessEntry[]): void {
    const { awareness } = this.document
    const { changed, returned, refusal } = awareness.apply(entries, this, this.options.now())
    this.document.spreadAwareness(changed)
    if (returned.length > 0) this.send(encodeAwareness(awareness.entries(returned)))
    if (refusal !== undefined) this.denyOnce(refusal)
  }

  private refuse(reason: string): void {
    this.isApart = true
    this.denyOnce(reason)
    if (this.wantsRights) this.send(encodeRights(false))
  }

  private denyOnce(reason: string): void {
    if (this.refusals.has(reason)) return
    this.refusals.add(reason)
    this.send(encodePermissionDenied(reason))
  }

  private ask(): void {
    this.send(encodeStep1(Y.encodeStateVector(this.document.doc)))
  }

  /** The answer is encoded now and sent once it is stored; changes in between are sent as they come. */
  private sendMissing(stateVector: Uint8Array): void {
    const answer = this.document.answer(stateVector)
    this.document.whenStored(() => this.send(answer))
  }

  private send(message: Uint8Array): void {
    if (this.isClosed) return
    this.lastSentAt = this.options.now()
    this.connection.send(message)
  }
}

const EMPTY_AWARENESS = encodeAwareness([])

/** What a slow client was not sent: enough to ask the document for it later. G5: state instead of a queue. */
class MissedChanges {
  /** Per Yjs client the first clock that was left out. */
  private readonly from = new Map<number, number>()
  /** Clients whose awareness changed. */
  private readonly clients = new Set<number>()
  private hasUpdates = false

  addUpdate(update: Uint8Array): void {
    this.hasUpdates = true
    for (const [client, clock] of Y.parseUpdateMeta(update).from) {
      this.from.set(client, Math.min(clock, this.from.get(client) ?? clock))
    }
  }

  addClients(clients: readonly number[]): void {
    for (const client of clients) this.clients.add(client)
  }

  /** @returns clients whose awareness has to be sent, once */
  takeClients(): number[] {
    const clients = [...this.clients]
    this.clients.clear()
    return clients
  }

  /** @returns the client's state vector, once; undefined when it missed nothing. Every answer includes deletions. */
  takeStateVector(doc: Y.Doc): Uint8Array | undefined {
    if (!this.hasUpdates) return undefined
    const vector = Y.decodeStateVector(Y.encodeStateVector(doc))
    for (const [client, clock] of this.from) vector.set(client, Math.min(clock, vector.get(client) ?? clock))
    this.hasUpdates = false
    this.from.clear()
    return Y.encodeStateVector(vector)
  }
}
