/**
 * The application's own SQLite file, beside Roomful's: `commons.db` in the data folder. Each feature defines its tables as
 * numbered steps. A released step is never changed; a later one follows it.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { RoomfulError } from '@roomful/server'

/** SQLITE_BUSY. */
const BUSY = 5
const OPEN_TRIES = 50
const OPEN_AGAIN_MS = 20

/**
 * Brings a feature's tables up to date and prepares its statements.
 * @param schema SQL of each step, oldest first
 * @throws Error when the file was written by a newer version
 */
export function defineStore<Name extends string>(
  database: Database,
  feature: string,
  schema: readonly string[],
  statements: Readonly<Record<Name, string>>,
): Readonly<Record<Name, StatementSync>> {
  database.migrate(feature, schema)
  const prepared = Object.entries<string>(statements).map(([name, sql]) => [name, database.prepare(sql)] as const)
  return Object.fromEntries(prepared) as Record<Name, StatementSync>
}

export class Database {
  private readonly file: DatabaseSync
  private isChanging = false

  /**
   * @param data the data folder, or `:memory:`; nodes on one machine may share it
   * @throws Error with a sentence when the file cannot be used
   */
  constructor(data: string) {
    const path = data === ':memory:' ? data : join(data, 'commons.db')
    try {
      if (path !== data) createFile(data, path)
      this.file = openFile(path)
    } catch (error) {
      throw new Error(`The database ${path} cannot be opened: ${(error as Error).message}.`, { cause: error })
    }
  }

  /**
   * Brings a feature's tables up to date.
   * @param steps SQL, oldest first
   * @throws Error when the file was written by a newer version
   */
  migrate(feature: string, steps: readonly string[]): void {
    if (this.versionOf(feature, steps) === steps.length) return
    // Another process may do it at the same time, so that only what is seen within the transaction counts.
    this.change(() => {
      const version = this.versionOf(feature, steps)
      if (version === steps.length) return
      for (const step of steps.slice(version)) this.file.exec(step)
      this.prepare('INSERT OR REPLACE INTO features (name, version) VALUES (?, ?)').run(feature, steps.length)
    })
  }

  prepare(sql: string): StatementSync {
    return this.file.prepare(sql)
  }

  /**
   * Runs changes as one transaction; one inside another is part of it.
   * @throws what `changes` throws, with nothing changed; RoomfulError UNAVAILABLE for a full or broken disk, which passes
   */
  change<T>(changes: () => T): T {
    if (this.isChanging) return changes()
    this.isChanging = true
    try {
      this.file.exec('BEGIN IMMEDIATE')
      const result = changes()
      this.file.exec('COMMIT')
      return result
    } catch (error) {
      if (this.file.isTransaction) this.file.exec('ROLLBACK')
      if (error instanceof Error && 'errcode' in error)
        throw new RoomfulError('UNAVAILABLE', undefined, { cause: error })
      throw error
    } finally {
      this.isChanging = false
    }
  }

  private versionOf(feature: string, steps: readonly string[]): number {
    const version = Number(this.prepare('SELECT version FROM features WHERE name = ?').get(feature)?.version ?? 0)
    if (version <= steps.length) return version
    throw new Error(`commons.db was written by a newer version (${feature} ${version}; this one knows ${steps.length})`)
  }

  /** Idempotent. */
  close(): void {
    if (this.file.isOpen) this.file.close()
  }
}

/** Processes that begin a file at the same time stand in each other's way, and SQLite does not wait for that by itself. */
function openFile(path: string): DatabaseSync {
  for (let left = OPEN_TRIES; ; left--) {
    const file = new DatabaseSync(path, { timeout: 1_000 })
    try {
      file.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      file.exec('CREATE TABLE IF NOT EXISTS features (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT')
      return file
    } catch (error) {
      file.close()
      if (left === 1 || (error as { errcode?: unknown }).errcode !== BUSY) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_AGAIN_MS)
    }
  }
}

/** Readable by its owner only; SQLite gives its side files the same mode. */
function createFile(folder: string, path: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
}
