/**
 * Every change of the file goes through here: one transaction, all of it or nothing, also of what is remembered in memory.
 * A disk that is full, read-only or broken makes an UNAVAILABLE and is tried again from time to time until it works.
 */
import type { DatabaseSync } from 'node:sqlite'
import { RoomfulError } from '../../../../core/base/errors.ts'
import type { Clock } from '../../../../core/ports/clock.ts'
import { type Command, command, isSqliteError } from './statements.ts'

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
