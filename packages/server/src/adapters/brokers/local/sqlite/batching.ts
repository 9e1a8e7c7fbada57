/**
 * Appends on their way to the writer, in their order: one that comes later never passes one that waits. They wait while
 * they are held, and for a moment where it pays to write several in one transaction.
 */
import { RoomfulError } from '../../../../core/base/errors.ts'
import type { Append, Appended } from '../../../../core/ports/broker.ts'
import type { Clock } from '../../../../core/ports/clock.ts'

/** How long rows wait for others to share their transaction. */
const BATCH_MS = 1
/** Below this rate, waiting gains nothing. */
const FAST_PER_MS = 4
/** The window over which the rate is measured. */
const WINDOW_MS = 20
/** Batches, of which there is one per turn and namespace: seconds of a disk that stands still. */
const WAITING_MAX = 10_000
/** Rows of one transaction, so that what waited long does not hold the thread for long. */
const TOGETHER_MAX = 2_000

interface Waiting {
  readonly namespace: string
  readonly entries: readonly Append[]
  resolve(results: Appended[]): void
  reject(error: unknown): void
}

export interface SqliteQueueOptions {
  readonly clock: Clock
  readonly isHolding: () => boolean
  /** Writes a batch, all of it or nothing. */
  readonly write: (namespace: string, entries: readonly Append[]) => Appended[]
}

export class SqliteQueue {
  private waiting: Waiting[] = []
  private readonly options: SqliteQueueOptions
  private readonly rate: BatchingRate
  private cancelBatch: (() => void) | undefined

  constructor(options: SqliteQueueOptions) {
    this.options = options
    this.rate = new BatchingRate(options.clock)
  }

  append(namespace: string, entries: readonly Append[]): Appended[] | Promise<Appended[]> {
    const { clock, isHolding, write } = this.options
    this.rate.arrived(entries.length)
    const mustBatch = this.rate.isWorthIt
    if (!mustBatch && !isHolding() && this.waiting.length === 0) return write(namespace, entries)
    if (this.waiting.length >= WAITING_MAX)
      throw new RoomfulError('UNAVAILABLE', 'The disk does not keep up', { retryAfterMs: 1000 })
    if (!isHolding()) this.cancelBatch ??= clock.after(BATCH_MS, this.onBatchDue, true)
    return new Promise((resolve, reject) => void this.waiting.push({ namespace, entries, resolve, reject }))
  }

  /** Lets all go that wait. */
  drain(): void {
    this.cancelBatch?.()
    this.cancelBatch = undefined
    const going = this.waiting
    this.waiting = []
    for (let from = 0; from < going.length; ) {
      const to = endOfGroup(going, from)
      this.writeTogether(going.slice(from, to))
      from = to
    }
  }

  private readonly onBatchDue = (): void => {
    this.cancelBatch = undefined
    if (!this.options.isHolding()) this.drain() // else when the hold ends
  }

  private writeTogether(group: readonly Waiting[]): void {
    try {
      const results = this.options.write((group[0] as Waiting).namespace, together(group))
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
function endOfGroup(going: readonly Waiting[], from: number): number {
  const { namespace } = going[from] as Waiting
  let rows = 0
  let to = from
  while (to < going.length) {
    const next = going[to] as Waiting
    rows += next.entries.length
    if (next.namespace !== namespace || (rows > TOGETHER_MAX && to > from)) break
    to++
  }
  return to
}

/** One batch of several; units keep apart. */
function together(group: readonly Waiting[]): readonly Append[] {
  if (group.length === 1) return (group[0] as Waiting).entries
  const all: Append[] = []
  let base = 0
  for (const { entries } of group) {
    let units = 0
    for (const entry of entries) {
      if (entry.atomicGroup === undefined) all.push(entry)
      else {
        all.push({ ...entry, atomicGroup: base + entry.atomicGroup })
        units = Math.max(units, entry.atomicGroup + 1)
      }
    }
    base += units
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

  arrived(rows: number): void {
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
