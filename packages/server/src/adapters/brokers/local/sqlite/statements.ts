/** Prepared statements with the types of their rows: `node:sqlite` cannot know them, so they are said here, once each. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'

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
