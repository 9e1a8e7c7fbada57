/** Where the outbox keeps what is not acknowledged yet. The one here forgets with the page; another may survive it (D12). */

/** One message that must arrive exactly once. Plain data, so that any storage can hold it. */
export interface OutboxEntry {
  /** Version of this shape. */
  readonly v: 1
  /** Its idempotency key, and its name in the storage: a UUIDv7 in server time. */
  readonly key: string
  readonly namespace: string
  readonly event: string
  readonly args: readonly unknown[]
  /** When it was written, ms since 1970 in server time. */
  readonly createdMs: number
  /** Size of the arguments as JSON. */
  readonly bytes: number
}

/** Keep one storage per user: what one wrote must not be sent in another's name. */
export interface OutboxStorage {
  /** What is left of an earlier life, oldest first. */
  load(): Promise<readonly OutboxEntry[]>
  /** Resolves when the entry is safe: it is not sent before. */
  put(entry: OutboxEntry): Promise<void>
  remove(key: string): Promise<void>
}
