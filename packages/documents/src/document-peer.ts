/** One client with a document open: what it says, what it may, and what it still has to be told. */
import { CLOSE_CODES } from '@roomful/protocol'
import { type ProtocolConnection, type ProtocolHandler, RoomfulError } from '@roomful/server'
import * as Y from 'yjs'
import type { AwarenessHolder } from './awareness.ts'
import { Missed } from './missed.ts'
import type { OpenDocument } from './open-document.ts'
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

/** Each may be answered with the whole document: more within a second is no provider. */
const QUESTIONS_PER_SECOND = 20

export interface DocumentPeerOptions {
  readonly peer: ProtocolConnection
  readonly document: OpenDocument
  readonly canWrite: boolean
  readonly account: string
  /** Milliseconds of a clock that does not jump. */
  readonly now: () => number
  readonly onClosed: (peer: DocumentPeer) => void
}

export class DocumentPeer implements ProtocolHandler, AwarenessHolder {
  readonly document: OpenDocument
  readonly clients = new Set<number>()
  /** When it was last told anything: a provider that hears nothing for 30 s believes the link to be dead. */
  toldAt: number
  private readonly peer: ProtocolConnection
  private readonly options: DocumentPeerOptions
  private readonly missed = new Missed()
  private canWrite: boolean
  /** Asked for its rights, and so is told when they change. */
  private wantsRights = false
  private refusals = new Set<string>()
  /** What it has now nobody else has, and what it writes may depend on that: nothing more is taken from this link. */
  private isApart = false
  private isClosed = false
  private questions = { count: 0, since: 0 }

  constructor(options: DocumentPeerOptions) {
    const { peer, document, canWrite, now } = options
    this.options = options
    this.peer = peer
    this.document = document
    this.canWrite = canWrite
    this.toldAt = now()
  }

  /** Whose quota a document counts towards that it makes. */
  get account(): string {
    return this.options.account
  }

  get userId(): string {
    return this.peer.user.sub
  }

  /** Speaks first: what has the client that the server has not, and who is here? */
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
      return this.peer.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'This is no message of the y-websocket protocol')
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
    this.recheck().catch(() => this.peer.close(CLOSE_CODES.INTERNAL.code, 'The rules of this document failed'))
  }

  onClosed(): void {
    this.isClosed = true
    this.options.onClosed(this)
  }

  /** Asks the rules again whether it may write. */
  async recheck(): Promise<void> {
    const canWrite = await this.peer.may('publish')
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
    if (this.peer.isSlow) this.missed.addUpdate(update)
    else this.send(message)
  }

  sendAwareness(message: Uint8Array, clients: readonly number[]): void {
    if (this.peer.isSlow) this.missed.addClients(clients)
    else this.send(message)
  }

  /** A sign of life that changes nothing. */
  keepAlive(): void {
    if (!this.peer.isSlow) this.send(NOBODY)
  }

  close(code: number, reason: string): void {
    this.peer.close(code, reason)
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
        // Not once something was refused: it is not stored, and never will be.
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
      return this.peer.close(CLOSE_CODES.POLICY.code, 'Rate limit exceeded')
    }
    try {
      this.sendMissing(stateVector)
    } catch {
      this.peer.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'This is no state vector')
    }
  }

  private handleUpdate(update: Uint8Array): void {
    let checked: CheckedUpdate
    try {
      checked = checkUpdate(update)
    } catch {
      return this.peer.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'This is no update of a document')
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
      if (this.document.apply(update, this)) return
      this.peer.close(CLOSE_CODES.POLICY.code, 'The updates refer to what nobody has')
    } catch (cause) {
      // Half of it may be in: what is in memory is worth nothing now, what is stored is whole.
      this.peer.close(CLOSE_CODES.PROTOCOL_ERROR.code, 'This is no update of a document')
      this.document.fail(new RoomfulError('INTERNAL', 'An update broke the document in memory', { cause }))
    }
  }

  private handleAwareness(entries: readonly AwarenessEntry[]): void {
    const { awareness } = this.document
    const { changed, returned, refusal } = awareness.apply(entries, this, this.options.now())
    this.document.tellAwareness(changed)
    if (returned.length > 0) this.send(encodeAwareness(awareness.entries(returned)))
    if (refusal !== undefined) this.tellOnce(refusal)
  }

  private refuse(reason: string): void {
    this.isApart = true
    this.tellOnce(reason)
    if (this.wantsRights) this.send(encodeRights(false))
  }

  private tellOnce(reason: string): void {
    if (this.refusals.has(reason)) return
    this.refusals.add(reason)
    this.send(encodePermissionDenied(reason))
  }

  private ask(): void {
    this.send(encodeStep1(Y.encodeStateVector(this.document.doc)))
  }

  /** Written down now and sent when it is stored; what comes in between is told as it comes. */
  private sendMissing(stateVector: Uint8Array): void {
    const answer = this.document.answer(stateVector)
    this.document.whenStored(() => this.send(answer))
  }

  private send(message: Uint8Array): void {
    if (this.isClosed) return
    this.toldAt = this.options.now()
    this.peer.send(message)
  }
}

const NOBODY = encodeAwareness([])
