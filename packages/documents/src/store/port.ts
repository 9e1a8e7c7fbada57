/**
 * Where documents are stored: a file of this process alone, or a Redis that several nodes share. The contract of both is
 * `test/store-contract.ts`.
 */
import type { AwarenessStatement } from '../awareness.ts'
import type { DocumentChange, DocumentRecord, ListPage, Loaded, NewDocument, StoredUpdate, Usage } from './record.ts'

/** Every method rejects with UNAVAILABLE when the store cannot be reached. */
export interface DocumentStore {
  /** Reads a document. With several nodes it counts as open here from now on, until {@link DocumentNodes.release}. */
  load(id: string): Promise<Loaded>
  /**
   * Stores updates in this order; a document that is not there is made.
   * @returns for each update why it was refused, or nothing when it is stored
   */
  append(updates: readonly StoredUpdate[]): Promise<readonly (Refusal | undefined)[]>
  /** Folds what there is of a document into one snapshot, unless that is under way. */
  fold(id: string): Promise<void>
  find(id: string): Promise<DocumentRecord | undefined>
  /** Newest change first. */
  list(page: ListPage): Promise<DocumentRecord[]>
  /** Of an account, or without one of all. */
  usage(account?: string): Promise<Usage>
  /**
   * @returns undefined when the name is taken, or was
   * @throws RoomfulError (rejects) TOO_MANY_DOCUMENTS, where other nodes make documents too
   */
  create(document: NewDocument): Promise<DocumentRecord | undefined>
  change(id: string, change: DocumentChange, at: number): Promise<DocumentRecord | undefined>
  /** Its content goes; its name is remembered. @returns whose quota it counted towards; nothing when there was none */
  remove(id: string, at: number): Promise<string | undefined>
  close(): Promise<void>
  /** The other nodes that share the store. Nothing where there can be none. */
  readonly nodes?: DocumentNodes | undefined
}

/** FORBIDDEN: the document was removed. */
export type Refusal = 'FORBIDDEN' | 'TOO_MANY_DOCUMENTS' | 'QUOTA_EXCEEDED' | 'UNAVAILABLE'

/** What nodes that have the same document open say to each other. */
export interface DocumentNodes {
  /** The name of this node. */
  readonly node: string
  /** From now on what other nodes store and say of a document that was loaded goes to its copy here. */
  attach(id: string, copy: DocumentCopy): void
  /** A document that was loaded is not open here any more. */
  release(id: string): void
  /** Reads it again: the copy dropped something that it had received. */
  reread(id: string): void
  /** Cursors of this node moved, came or went. Volatile: what cannot be sent soon is sent in its latest state, or not at all. */
  moved(id: string, statements: readonly AwarenessStatement[]): void
  /** Rules are asked again on every node that has it open. @throws RoomfulError (rejects) UNAVAILABLE */
  recheck(id: string): Promise<void>
}

/** A document that is open here, as the other nodes see it. */
export interface DocumentCopy {
  /** Updates that other nodes stored. They may come in any order, and more than once. */
  receive(updates: readonly Uint8Array[], account: string | undefined): void
  /** The store lost something that this copy has: this is all that it holds. What it lacks has to be stored again. */
  restore(stored: readonly Uint8Array[], account: string | undefined): void
  /** Cursors on another node; with `isAll`, these are all of its cursors. */
  applyRemote(node: string, statements: readonly AwarenessStatement[], isAll: boolean): void
  /** These other nodes have it open; what is known of cursors on any other is over. */
  keepNodes(nodes: readonly string[]): void
  /** The cursors of this node, for one that opened the document. */
  statements(): AwarenessStatement[]
  /** The other nodes took this one for dead, and its cursors for gone. */
  returned(): void
  recheck(): void
  /** It was removed on another node. */
  removed(): void
}
