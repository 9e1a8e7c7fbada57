/**
 * Appends that wait for the writer, in their order: a later one never passes one that waits. They wait while the journal
 * starts over, and for a millisecond when they come so fast that it pays to write several in one transaction.
 */
import { RoomfulError } from '../../../../core/base/errors.ts'
import type { Append, Appended } from '../../../../core/ports/broker.ts'
import type { Clock } from '../../../../core/ports/system.ts'

/** How long rows wait for others to share their transaction. */
const BATCH_MS = 1
/** Below this rate, waiting gains nothing. */
const FAST_PER_MS = 4
/** The window over which the rate is measured. */
const WINDOW_MS = 20
/** Batches, of which there is one per event-loop turn and namespace: seconds of a disk that does not respond. */
const WAITING_MAX = 10_000
/** Rows of one transaction, so that a long backlog does not block the thread for long. */
const TOGETHER_MAX = 2_000

interface Waiting {
  readonly namespace: string
  readonly entries: readonly Append[]
  resolve(results: Appended[]): void
  reject(error: unknown): void
}

export interface SqliteBatchingOptions {
  readonly clock: Clock
  /** Nothing may be written for now; `flush` is called when it may again. */
  readonly isPaused: () => boolean
  /** Writes a batch, all of it or nothing. */
  readonly write: (namespace: string, entries: readonly Append[]) => Appended[]
}

export class SqliteBatching {
  private waiting: Waiting[] = []
  private readonly options: SqliteBatchingOptions
  private readonly rate: BatchingRate
  private cancelBatch: (() => void) | undefined

  constructor(options: SqliteBatchingOptions) {
    this.options = options
    this.rate = new BatchingRate(options.clock)
  }

  /** Asked once for each batch, since it measures the rate. @returns whether these rows must go through `add` */
  mustWait(rows: number): boolean {
    this.rate.record(rows)
    return this.rate.isWorthIt || this.waiting.length > 0 || this.options.isPaused()
  }

  add(namespace: string, entries: readonly Append[]): Promise<Appended[]> {
    if (this.waiting.length >= WAITING_MAX)
      throw new RoomfulError('UNAVAILABLE', 'The disk does not keep up', { retryAfterMs: 1000 })
    const { clock, isPaused } = this.options
    if (!isPaused()) this.cancelBatch ??= clock.after(BATCH_MS, this.onBatchDue, true)
    return new Promise((resolve, reject) => void this.waiting.push({ namespace, entries, resolve, reject }))
  }

  /** Writes all that wait. */
  flush(): void {
    this.cancelBatch?.()
    this.cancelBatch = undefined
    const { waiting } = this
    this.waiting = []
    for (let from = 0; from < waiting.length; ) {
      const to = endOfGroup(waiting, from)
      this.writeTogether(waiting.slice(from, to))
      from = to
    }
  }

  private readonly onBatchDue = (): void => {
    this.cancelBatch = undefined
    if (!this.options.isPaused()) this.flush() // else when the pause ends
  }

  private writeTogether(group: readonly Waiting[]): void {
    try {
      const results = this.options.write((group[0] as Waiting).namespace, toOneBatch(group))
      let at = 0
      for (const { entries, resolve } of group) {
        resolve(results.slice(at, at + entries.length))
        at += entries.length
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }
}

/** Where the batches end that can be written in one: of one namespace, and not too many rows. */
function endOfGroup(waiting: readonly Waiting[], from: number): number {
  const { namespace } = waiting[from] as Waiting
  let rows = 0
  let to = from
  while (to < waiting.length) {
    const next = waiting[to] as Waiting
    rows += next.entries.length
    if (next.namespace !== namespace || (rows > TOGETHER_MAX && to > from)) break
    to++
  }
  return to
}

/** Their entries in order, with the groups of different batches kept apart. */
function toOneBatch(group: readonly Waiting[]): readonly Append[] {
  if (group.length === 1) return (group[0] as Waiting).entries
  const all: Append[] = []
  let base = 0
  for (const { entries } of group) {
    let groups = 0
    for (const entry of entries) {
      if (entry.atomicGroup === undefined) all.push(entry)
      else {
        all.push({ ...entry, atomicGroup: base + entry.atomicGroup })
        groups = Math.max(groups, entry.atomicGroup + 1)
      }
    }
    base += groups
  }
  return all
}

/**
 * Decides whether batching pays. A transaction costs about as much as its first ten rows, so at a high rate most of the
 * time would go into transactions of two or three rows. At a low rate, or where each append waits for the last
 * acknowledgement, nothing is delayed.
 */
class BatchingRate {
  isWorthIt = false
  private readonly clock: Pick<Clock, 'monotonic'>
  private since = 0
  private rows = 0

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.clock = clock
  }

  record(rows: number): void {
    const now = this.clock.monotonic()
    const passedMs = now - this.since
    if (passedMs >= WINDOW_MS) {
      this.isWorthIt = this.rows >= FAST_PER_MS * passedMs
      this.since = now
      this.rows = 0
    }
    this.rows += rows
  }
}
