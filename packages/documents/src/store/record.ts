/** What is known of a document besides its content. */
export interface DocumentRecord {
  /** Names it in URLs and as a room. */
  readonly id: string
  readonly title: string
  /** Who made it; empty when the server did. */
  readonly ownerId: string
  /** For rules to look at: by itself it means nothing. */
  readonly isLocked: boolean
  readonly createdAt: number
  /** Of its content or its title. */
  readonly changedAt: number
  /** Of its content, as it is stored. */
  readonly bytes: number
}

/** Documents of an account, or of all. */
export interface Usage {
  readonly documents: number
  readonly bytes: number
}

/** A change that a document took. */
export interface StoredUpdate {
  readonly id: string
  readonly update: Uint8Array
  /** Whose, in case the document is made with it. */
  readonly userId: string
  /** Whose quota the document then counts towards. */
  readonly account: string
  readonly at: number
  /** No bound of documents or bytes refuses it: it takes away, or the server itself writes it. */
  readonly isFree?: boolean
}

export interface Loaded {
  readonly record: DocumentRecord | undefined
  /** Whose quota it counts towards, once it is there. */
  readonly account: string | undefined
  /** It was there once: its name is not given again, so that a client that was away does not bring it back. */
  readonly isRemoved: boolean
  /** In the order of their commits; a snapshot first. */
  readonly updates: readonly Uint8Array[]
}

export interface NewDocument {
  readonly id: string
  readonly title: string
  readonly ownerId: string
  readonly account: string
  readonly at: number
}

export interface DocumentChange {
  readonly title?: string | undefined
  readonly isLocked?: boolean | undefined
}

export interface ListPage {
  readonly limit: number
  /** Older than this one: `changedAt` and `id` of the last that is known. */
  readonly before?: { readonly changedAt: number; readonly id: string } | undefined
}
