/**
 * Every change of the file goes through the writer: one transaction, all of it or nothing, including what is cached in
 * memory. When the disk is full, read-only or broken, callers get UNAVAILABLE and the writer retries until it works.
 */
import type { DatabaseSync } from 'node:sqlite'
import { RoomfulError } from '../../../../core/base/errors.ts'
import type { Clock } from '../../../../core/ports/system.ts'
import { type Command, command, isSqliteError, type Query, query } from './connection.ts'

const PROBE_MS = 1000

export class SqliteWriter {
  isHealthy = true
  readonly usage: SqliteUsage
  /** Events written since the log was opened. */
  rows = 0
  /** Bytes added to the journal since the log was opened, roughly. */
  journalBytes = 0
  /** When the journal has grown to this, `onJournalMark` is called. */
  journalMark = 0
  onJournalMark: () => void = () => undefined
  private readonly db: DatabaseSync
  private readonly clock: Clock
  private readonly begin: Command
  private readonly commit: Command
  private readonly undos: (() => void)[] = []
  private cancelProbe: (() => void) | undefined

  constructor(db: DatabaseSync, clock: Clock) {
    this.db = db
    this.clock = clock
    this.usage = new SqliteUsage(db)
    this.begin = command(db, 'BEGIN IMMEDIATE')
    this.commit = command(db, 'COMMIT')
  }

  /** @throws RoomfulError UNAVAILABLE when nothing was stored */
  transaction<T>(work: () => T): T {
    try {
      if (this.db.isTransaction) this.db.exec('ROLLBACK')
      this.begin.run()
      const result = work()
      this.commit.run()
      this.isHealthy = true
      this.undos.length = 0
      this.usage.committed()
      return result
    } catch (error) {
      this.rollBack()
      throw this.toStorageError(error)
    }
  }

  /** Within a transaction: `undo` runs if it fails. */
  onRollback(undo: () => void): void {
    this.undos.push(undo)
  }

  /** After a commit: what it added. */
  count(rows: number, journalBytes: number): void {
    this.rows += rows
    this.journalBytes += journalBytes
    if (this.journalBytes >= this.journalMark) this.onJournalMark()
  }

  stop(): void {
    this.cancelProbe?.()
  }

  private rollBack(): void {
    for (const undo of this.undos.reverse()) undo()
    this.undos.length = 0
    this.usage.rolledBack()
    if (!this.db.isTransaction) return // on some errors SQLite has rolled back by itself
    try {
      this.db.exec('ROLLBACK')
    } catch {
      // The disk fails even here: the next transaction begins with another try.
    }
  }

  private toStorageError(error: unknown): unknown {
    if (!isSqliteError(error)) return error
    this.isHealthy = false
    this.cancelProbe ??= this.clock.after(PROBE_MS, this.probe)
    return new RoomfulError('UNAVAILABLE', undefined, { cause: error })
  }

  private readonly probe = (): void => {
    this.cancelProbe = undefined
    if (this.isHealthy) return
    try {
      this.transaction(() => this.db.exec('UPDATE file SET is_clean = 0'))
    } catch (error) {
      if (!(error instanceof RoomfulError)) throw error // else the next probe is scheduled
    }
  }
}

/** Cached ids of names; others are read from the file. */
const NAMES_MAX = 10_000
/** Unsaved changes; the next append saves them when there are this many. */
const CHANGES_MAX = 1_000
/** Stands for the writers of emptied events: their overhead counts, but frees nothing. */
export const EMPTIED = 0
/** What an event costs besides its arguments, roughly: the row, its texts, its places in three indexes. */
export const EVENT_BYTES = 160

export interface Largest {
  readonly id: number
  readonly bytes: number
  /** Bytes of the second largest. */
  readonly next: number
}

/**
 * Bytes of the file by the writer of its events (a user, an API key, a room), so that a full file takes from the largest.
 * Changes are counted in memory and saved at every sweep. After a kill the events since the last save are counted again;
 * what was deleted since is then counted too high, never too low.
 */
export class SqliteUsage {
  /** All writers together. */
  total: number
  private readonly ids = new Map<string, number>()
  private changes = new Map<number, number>()
  /** Changes that the current transaction saves. */
  private saving: Map<number, number> | undefined
  /** Changes that the current transaction makes, each an id followed by bytes: most transactions are short. */
  private readonly pending: number[] = []
  /** The latest event stored, and the latest of those that are committed. */
  private storedId: number
  private committedId: number
  private readonly selectId: Query<{ id: number }>
  private readonly insert: Command
  private readonly add: Command
  private readonly saveCountedId: Command
  private readonly lowerIds: Command
  private readonly selectLargest: Query<{ id: number; bytes: number }>
  private readonly deleteIdle: Query<{ name: string }>

  constructor(db: DatabaseSync) {
    this.selectId = query(db, 'SELECT id FROM writers WHERE name = ?')
    this.insert = command(db, 'INSERT INTO writers (name, bytes) VALUES (?, 0)')
    this.add = command(db, 'UPDATE writers SET bytes = max(0, bytes + ?) WHERE id = ?')
    this.saveCountedId = command(db, 'UPDATE file SET counted_id = ?')
    this.lowerIds = command(db, 'UPDATE file SET counted_id = min(counted_id, ?1), indexed_id = min(indexed_id, ?1)')
    this.selectLargest = query(
      db,
      `SELECT id, bytes FROM writers WHERE id <> ${EMPTIED} AND bytes > 0 ORDER BY bytes DESC LIMIT 2`,
    )
    this.deleteIdle = query(
      db,
      `DELETE FROM writers WHERE id IN (SELECT id FROM writers WHERE bytes <= 0 AND id <> ${EMPTIED} LIMIT ?)
        RETURNING name`,
    )
    this.total = query<{ bytes: number }>(db, 'SELECT coalesce(sum(bytes), 0) AS bytes FROM writers').get()?.bytes ?? 0
    const ids = query<{ counted: number; latest: number }>(
      db,
      `SELECT counted_id AS counted, max(counted_id, indexed_id, (SELECT coalesce(max(id), 0) FROM events)) AS latest
        FROM file`,
    ).get()
    this.storedId = ids?.latest ?? 0
    this.committedId = this.storedId
    this.countAgain(db, ids?.counted ?? 0)
  }

  /** Within a transaction. */
  idOf(name: string): number {
    return this.ids.get(name) ?? this.cache(name)
  }

  /** Within a transaction: kept when it commits, dropped when it fails. */
  count(id: number, bytes: number): void {
    this.pending.push(id, bytes)
  }

  /** Within a transaction: event `eventId` is in the file. */
  stored(eventId: number, id: number, bytes: number): void {
    // After all events were deleted their ids start over.
    if (eventId <= this.storedId) this.lowerIds.run(eventId - 1)
    this.storedId = eventId
    this.count(id, bytes)
  }

  committed(): void {
    this.saving = undefined
    this.committedId = this.storedId
    for (let i = 0; i < this.pending.length; i += 2) {
      const [id, bytes] = [this.pending[i] as number, this.pending[i + 1] as number]
      this.changes.set(id, (this.changes.get(id) ?? 0) + bytes)
      this.total += bytes
    }
    this.pending.length = 0
  }

  rolledBack(): void {
    for (const [id, bytes] of this.saving ?? []) this.changes.set(id, (this.changes.get(id) ?? 0) + bytes)
    this.saving = undefined
    this.storedId = this.committedId
    this.pending.length = 0
    this.ids.clear() // an id given within the failed transaction is not in the file
  }

  get mustSave(): boolean {
    return this.changes.size >= CHANGES_MAX
  }

  /** Within a transaction, before it stores events. */
  save(): void {
    this.saving = this.changes
    this.changes = new Map()
    this.saveCountedId.run(this.committedId)
    for (const [id, bytes] of this.saving) this.add.run(bytes, id)
  }

  /** By the saved counts. */
  largest(): Largest | undefined {
    const [first, second] = this.selectLargest.all()
    return first && { ...first, next: second?.bytes ?? 0 }
  }

  /** Within a transaction, after `save`: forgets up to `max` writers without events. */
  sweep(max: number): void {
    for (const { name } of this.deleteIdle.all(max)) this.ids.delete(name)
  }

  /** Within a transaction: this writer has no events, its count was too high. */
  clear(id: number, bytes: number): void {
    this.count(id, -bytes)
  }

  private countAgain(db: DatabaseSync, countedId: number): void {
    const uncounted = query<{ writer: number; bytes: number }>(
      db,
      `SELECT writer, sum(coalesce(octet_length(args), 0) + ${EVENT_BYTES}) AS bytes FROM events
        WHERE id > ? GROUP BY writer`,
    )
    for (const { writer, bytes } of uncounted.all(countedId)) {
      this.changes.set(writer, bytes)
      this.total += bytes
    }
  }

  private cache(name: string): number {
    const id = this.selectId.get(name)?.id ?? Number(this.insert.run(name).lastInsertRowid)
    if (this.ids.size >= NAMES_MAX) this.ids.clear()
    this.ids.set(name, id)
    return id
  }
}
