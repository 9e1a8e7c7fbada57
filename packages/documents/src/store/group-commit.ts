/**
 * Collects the updates of all documents: while one transaction is written, the next one fills. So a busy disk makes
 * transactions larger instead of queues longer, and a quiet one answers at once.
 */
import { RoomfulError } from '@roomful/server'
import type { DocumentStore } from './document-store.ts'
import type { StoredUpdate } from './record.ts'

/** Bytes that wait for the disk; more is refused, and its clients offer it again when they come back. */
const WAITING_MAX_BYTES = 64 * 1024 ** 2

interface Batch {
  readonly updates: StoredUpdate[]
  readonly done: Promise<void>
  resolve(): void
  reject(error: unknown): void
}

export class GroupCommit {
  private readonly store: DocumentStore
  private filling: Batch | undefined
  private waitingBytes = 0
  private running: Batch | undefined

  constructor(store: DocumentStore) {
    this.store = store
  }

  /** @returns when it is stored; updates are stored in the order in which they were given. @throws UNAVAILABLE (rejects) */
  append(update: StoredUpdate): Promise<void> {
    if (this.waitingBytes + update.update.byteLength > WAITING_MAX_BYTES) {
      return Promise.reject(new RoomfulError('UNAVAILABLE', 'The disk does not keep up', { retryAfterMs: 1_000 }))
    }
    this.waitingBytes += update.update.byteLength
    const batch = this.filling ?? this.begin()
    batch.updates.push(update)
    return batch.done
  }

  /** Everything that was given is stored, or was refused. */
  async settled(): Promise<void> {
    for (;;) {
      const batch = this.filling ?? this.running
      if (!batch) return
      await batch.done.catch(() => undefined)
    }
  }

  private begin(): Batch {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    promise.catch(() => undefined) // each caller of `append` gets the error
    this.filling = { updates: [], done: promise, resolve, reject }
    if (!this.running) setImmediate(() => this.flush())
    return this.filling
  }

  private flush(): void {
    const batch = this.filling
    this.filling = undefined
    this.running = batch
    if (!batch) return
    const bytes = batch.updates.reduce((sum, { update }) => sum + update.byteLength, 0)
    this.store
      .append(batch.updates)
      .then(batch.resolve, batch.reject)
      .finally(() => {
        this.waitingBytes -= bytes
        this.flush()
      })
  }
}
