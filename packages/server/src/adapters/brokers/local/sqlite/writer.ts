/**
 * Every change of the file goes through here: one transaction, all of it or nothing, also of what is remembered in memory.
 * A disk that is full, read-only or broken makes an UNAVAILABLE and is tried again from time to time until it works.
 */
import type { DatabaseSync } from 'node:sqlite'
import { RoomfulError } from '../../../../core/base/errors.ts'
import type { Clock } from '../../../../core/ports/clock.ts'
import { type Command, command, isSqliteError, type Query, query } from './connection.ts'

const PROBE_MS = 1000

export class SqliteWriter {
  isHealthy = true
  private readonly db: DatabaseSync
  private readonly clock: Clock
  private readonly begin: Command
  private readonly commit: Command
  private undos: (() => void)[] = []
  private cancelProbe: (() => void) | undefined

  constructor(db: DatabaseSync, clock: Clock) {
    this.db = db
    this.clock = clock
    this.begin = command(db, 'BEGIN IMMEDIATE')
    this.commit = command(db, 'COMMIT')
  }

  /** @throws RoomfulError UNAVAILABLE when nothing was stored */
  transaction<T>(work: () => T): T {
    this.undos = []
    try {
      if (this.db.isTransaction) this.db.exec('ROLLBACK')
      this.begin.run()
      const result = work()
      this.commit.run()
      this.isHealthy = true
      return result
    } catch (error) {
      this.rollBack()
      throw this.judge(error)
    }
  }

  /** Within a transaction: `undo` is called should it fail. */
  onRollback(undo: () => void): void {
    this.undos.push(undo)
  }

  stop(): void {
    this.cancelProbe?.()
  }

  private rollBack(): void {
    for (const undo of this.undos.reverse()) undo()
    if (!this.db.isTransaction) return // on some errors SQLite has rolled back by itself
    try {
      this.db.exec('ROLLBACK')
    } catch {
      // A disk that fails even here: the next transaction begins with another try.
    }
  }

  private judge(error: unknown): unknown {
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
      if (!(error instanceof RoomfulError)) throw error // else the next probe is planned
    }
  }
}

/**
 * Bytes of the file by writer, so that a full file takes from the largest. Changes are counted in memory and saved at
 * every sweep: a killed process loses the latest counts, never events.
 */
/** Cached ids of names; the rest is looked up. */
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

export class SqliteWriters {
  /** All of them together. */
  total: number
  private readonly ids = new Map<string, number>()
  private changes = new Map<number, number>()
  /** Changes that the current transaction saves. */
  private writing = new Map<number, number>()
  /** Changes that the current transaction makes. */
  private readonly pending = new Map<number, number>()
  private readonly selectId: Query<{ id: number }>
  private readonly insert: Command
  private readonly add: Command
  private readonly selectLargest: Query<{ id: number; bytes: number }>
  private readonly deleteIdle: Query<{ name: string }>

  constructor(db: DatabaseSync) {
    this.total = query<{ bytes: number }>(db, 'SELECT coalesce(sum(bytes), 0) AS bytes FROM writers').get()?.bytes ?? 0
    this.selectId = query(db, 'SELECT id FROM writers WHERE name = ?')
    this.insert = command(db, 'INSERT INTO writers (name, bytes) VALUES (?, 0)')
    this.add = command(db, 'UPDATE writers SET bytes = max(0, bytes + ?) WHERE id = ?')
    this.selectLargest = query(
      db,
      `SELECT id, bytes FROM writers WHERE id <> ${EMPTIED} AND bytes > 0 ORDER BY bytes DESC LIMIT 2`,
    )
    this.deleteIdle = query(
      db,
      `DELETE FROM writers WHERE id IN (SELECT id FROM writers WHERE bytes <= 0 AND id <> ${EMPTIED}
        AND NOT EXISTS (SELECT 1 FROM events WHERE writer = writers.id) LIMIT ?) RETURNING name`,
    )
  }

  /** Within a transaction. */
  idOf(name: string): number {
    const id = this.ids.get(name) ?? this.selectId.get(name)?.id ?? Number(this.insert.run(name).lastInsertRowid)
    if (this.ids.size >= NAMES_MAX) this.ids.clear()
    this.ids.set(name, id)
    return id
  }

  /** Within a transaction, which {@link committed} or {@link rolledBack} ends. */
  count(id: number, bytes: number): void {
    this.pending.set(id, (this.pending.get(id) ?? 0) + bytes)
  }

  /** Runs a transaction, and keeps or takes back what it counted. */
  commit<T>(transaction: () => T): T {
    try {
      const result = transaction()
      this.committed()
      return result
    } catch (error) {
      this.rolledBack()
      throw error
    }
  }

  committed(): void {
    this.writing.clear()
    if (this.pending.size === 0) return
    for (const [id, bytes] of this.pending) {
      this.changes.set(id, (this.changes.get(id) ?? 0) + bytes)
      this.total += bytes
    }
    this.pending.clear()
  }

  rolledBack(): void {
    for (const [id, bytes] of this.writing) this.changes.set(id, (this.changes.get(id) ?? 0) + bytes)
    this.writing.clear()
    this.pending.clear()
    this.ids.clear() // one that was made within the transaction is not there
  }

  get isDue(): boolean {
    return this.changes.size >= CHANGES_MAX
  }

  /** Within a transaction, which {@link committed} or {@link rolledBack} ends. */
  write(): void {
    this.writing = this.changes
    this.changes = new Map()
    for (const [id, bytes] of this.writing) this.add.run(bytes, id)
  }

  /** By the saved counts. */
  largest(): Largest | undefined {
    const [first, second] = this.selectLargest.all()
    return first && { ...first, next: second?.bytes ?? 0 }
  }

  /** Within a transaction: forgets up to `max` writers without events. */
  sweep(max: number): void {
    for (const { name } of this.deleteIdle.all(max)) this.ids.delete(name)
  }

  /** Within a transaction: a writer without events whose count was too high. */
  clear(id: number, bytes: number): void {
    this.count(id, -bytes)
  }
}
