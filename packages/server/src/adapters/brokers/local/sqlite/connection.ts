/**
 * `node:sqlite` as the log uses it: settings of a connection, prepared statements with the types of their rows, which
 * `node:sqlite` cannot know, and its errors.
 */
import { createRequire } from 'node:module'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'

/** Not imported, so that a Node without it gives an error that can be explained. */
export const sqlite = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite')

/** `normal` survives the end of the process; `full` also a power cut, at the price of one disk flush per commit. */
export type Sync = 'normal' | 'full'

/** How long a connection waits for another's lock before it gives up. */
const BUSY_TIMEOUT_MS = 5000

/** Applies to every connection, the writer's and the worker's. */
export function configureConnection(db: DatabaseSync, sync: Sync): void {
  db.exec(`PRAGMA synchronous = ${sync}; PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
  db.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = memory')
}

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

/** An error reported by SQLite, as opposed to a bug of ours. */
export interface SqliteError extends Error {
  readonly code: 'ERR_SQLITE_ERROR'
  /** SQLite's extended result code. */
  readonly errcode: number
}

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}

export const SQLITE_BUSY = 5
