/** Settings of every connection to the file, the writer's and the worker's. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'

/** `normal` survives the end of the process; `full` also that of the power, at one flush of the disk per commit. */
export type Sync = 'normal' | 'full'

/** How long a connection waits for another's lock before it gives up. */
const BUSY_TIMEOUT_MS = 5000

export function configureConnection(db: DatabaseSync, sync: Sync): void {
  db.exec(`PRAGMA synchronous = ${sync}; PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
  db.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = memory')
}

/** Prepared statements with the types of their rows: `node:sqlite` cannot know them, so they are said here, once each. */
/** A statement that gives rows of the shape `Row`. */
export interface Query<Row> {
  get(...parameters: SQLInputValue[]): Row | undefined
  all(...parameters: SQLInputValue[]): Row[]
}

/** A statement that changes something. */
export interface Command {
  run(...parameters: SQLInputValue[]): { changes: number | bigint; lastInsertRowid: number | bigint }
}

export function query<Row>(db: DatabaseSync, sql: string): Query<Row> {
  return db.prepare(sql) as unknown as Query<Row>
}

export function command(db: DatabaseSync, sql: string): Command {
  return db.prepare(sql)
}

/** Errors that SQLite gives, as against mistakes of ours. */
export interface SqliteError extends Error {
  readonly code: 'ERR_SQLITE_ERROR'
  /** SQLite's extended result code. */
  readonly errcode: number
}

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}

export const SQLITE_BUSY = 5
