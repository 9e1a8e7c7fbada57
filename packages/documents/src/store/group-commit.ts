/**
 * Collects the updates of all documents: while one transaction is written, the next one fills. So a busy disk makes
 * transactions larger instead of queues longer, and a quiet one answers at once.
 */
import { RoomfulError } from '@roomful/server'
import type { DocumentStore, Refusal } from './port.ts'
import type { StoredUpdate } from './record.ts'

/** Bytes that wait for the disk; more is refused, and its clients offer it again when they come back. */
const WAITING_MAX_BYTES = 64 * 1024 ** 2

interface Waiting {
  readonly update: StoredUpdate
  resolve(): void
  reject(error: unknown): void
}

interface Batch {
  readonly waiting: Waiting[]
  readonly done: Promise<void>
  end(): void
}

export class GroupCommit {
  private readonly store: DocumentStore
  private filling: Batch | undefined
  private waitingBytes = 0
  private running: Batch | undefined

  constructor(store: DocumentStore) {
    this.store = store
  }

  /**
   * @returns when it is stored; updates are stored in the order in which they were given
   * @throws RoomfulError (rejects) UNAVAILABLE; FORBIDDEN when the document was removed; TOO_MANY_DOCUMENTS, QUOTA_EXCEEDED
   */
  append(update: StoredUpdate): Promise<void> {
    if (this.waitingBytes + update.update.byteLength > WAITING_MAX_BYTES) {
      return Promise.reject(new RoomfulError('UNAVAILABLE', 'The disk does not keep up', { retryAfterMs: 1_000 }))
    }
    this.waitingBytes += update.update.byteLength
    const batch = this.filling ?? this.begin()
    return new Promise((resolve, reject) => void batch.waiting.push({ update, resolve, reject }))
  }

  /** Everything that was given is stored, or was refused. */
  async settled(): Promise<void> {
    for (;;) {
      const batch = this.filling ?? this.running
      if (!batch) return
      await batch.done
    }
  }

  private begin(): Batch {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.filling = { waiting: [], done: promise, end: resolve }
    if (!this.running) setImmediate(() => void this.flush())
    return this.filling
  }

  private async flush(): Promise<void> {
    for (let batch = this.filling; batch; batch = this.filling) {
      this.filling = undefined
      this.running = batch
      const { waiting } = batch
      try {
        const refusals = await this.store.append(waiting.map(({ update }) => update))
        for (const [i, { resolve, reject }] of waiting.entries()) {
          const refusal = refusals[i]
          if (refusal === undefined) resolve()
          else reject(errorOf(refusal))
        }
      } catch (error) {
        for (const { reject } of waiting) reject(error)
      }
      this.waitingBytes -= waiting.reduce((sum, { update }) => sum + update.update.byteLength, 0)
      this.running = undefined
      batch.end()
    }
  }
}

function errorOf(refusal: Refusal): RoomfulError {
  return refusal === 'FORBIDDEN'
    ? new RoomfulError('FORBIDDEN', 'The document was removed')
    : new RoomfulError(refusal, undefined, { retryAfterMs: 1_000 })
}
