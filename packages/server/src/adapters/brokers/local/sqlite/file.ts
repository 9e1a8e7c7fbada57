/**
 * Opening and closing `roomful.db`: the lock of its folder, its format, and whether its latest events may have been lost
 * since it was last written.
 */
import { randomInt } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { RoomfulError } from '../../../../core/base/errors.ts'
import { RESTART_BYTES } from './checkpoints.ts'
import { configureConnection, isSqliteError, query, SQLITE_BUSY, type Sync, sqlite } from './connection.ts'
import { FORMAT, MIGRATIONS } from './migrations.ts'
import { changeRunMark, fitsRunMark } from './run-mark.ts'

export interface SqliteFileOptions {
  /** Made when it is missing. */
  readonly folder: string
  readonly sync: Sync
  /** Beyond this the file does not grow; infinity leaves it to the disk. */
  readonly maxBytes: number
  /** Of this boot of the machine; '' if unknown. */
  readonly bootId: string
}

export interface SqliteFile {
  readonly db: DatabaseSync
  readonly path: string
  readonly generation: number
  /** Marks the end as clean and releases file and folder. */
  close(): void
}

/** Page cache of the writer's connection, enough for the ends of its trees; a larger one made nothing faster. */
const CACHE_KIB = 8 * 1024
/** The journal is truncated to this when it starts over. */
const JOURNAL_MAX_BYTES = RESTART_BYTES + 16 * 1024 ** 2

/** SQLite's own bound. */
const PAGES_MAX = 4_294_967_294

/** @throws RoomfulError DATA_IN_USE, DATA_TOO_NEW or DATA_UNUSABLE, with a sentence for the person who starts the server */
export function openSqliteFile(options: SqliteFileOptions): SqliteFile {
  const path = join(options.folder, 'roomful.db')
  let unlock: (() => void) | undefined
  let db: DatabaseSync | undefined
  try {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 })
    unlock = lockFolder(options.folder)
    db = new sqlite.DatabaseSync(path)
    migrate(db, path)
    configure(db, options)
    const generation = begin(db, options)
    return { db, path, generation, close: closer(db, options.folder, unlock) }
  } catch (cause) {
    db?.close()
    unlock?.()
    if (cause instanceof RoomfulError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RoomfulError('DATA_UNUSABLE', `The data in ${path} cannot be opened: ${reason}`, { cause })
  }
}

/** The id of the machine's boot. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return '' // not Linux: after any unclean end, the latest events may be lost
  }
}

/**
 * One server per data folder. The lock is an exclusive transaction on a small database of its own, held open: the
 * operating system ends it with the process, so there is no stale lock to remove after `kill -9`.
 * @returns what unlocks it
 * @throws RoomfulError DATA_IN_USE when another process, or this one, holds it
 */
function lockFolder(folder: string): () => void {
  const lock = new sqlite.DatabaseSync(join(folder, 'roomful.lock'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    if (!isSqliteError(cause) || (cause.errcode & 0xff) !== SQLITE_BUSY) throw cause
    const sentence = `The data folder ${folder} is in use by another Roomful server: stop that one, or give this one a folder of its own`
    throw new RoomfulError('DATA_IN_USE', sentence, { cause })
  }
  return () => lock.close()
}

function migrate(db: DatabaseSync, path: string): void {
  const format = query<{ user_version: number }>(db, 'PRAGMA user_version').get()?.user_version ?? 0
  if (format > FORMAT) {
    const sentence = `The data in ${path} was written by a newer Roomful (format ${format}, this one knows ${FORMAT}): use that version or a newer one, or another data folder`
    throw new RoomfulError('DATA_TOO_NEW', sentence)
  }
  db.exec('PRAGMA journal_mode = wal')
  for (let next = format; next < FORMAT; next++) {
    db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[next]}; PRAGMA user_version = ${next + 1}; COMMIT`)
  }
}

function configure(db: DatabaseSync, options: SqliteFileOptions): void {
  configureConnection(db, options.sync)
  const pageSize = query<{ page_size: number }>(db, 'PRAGMA page_size').get()?.page_size ?? 4096
  db.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA journal_size_limit = ${JOURNAL_MAX_BYTES}`)
  db.exec(`PRAGMA max_page_count = ${Math.min(PAGES_MAX, Math.ceil(options.maxBytes / pageSize))}`)
}

/**
 * After an unclean end nothing is lost if the machine still runs, since the operating system has all that was written, nor
 * if each commit was flushed to the disk. Otherwise, and when the file was restored from a copy, numbers that clients have
 * seen may be given again, which a new generation tells them.
 * @returns the generation
 */
function begin(db: DatabaseSync, { folder, sync, bootId }: SqliteFileOptions): number {
  const last = query<{ generation: number; boot: string; sync: string; is_clean: number; run: string }>(
    db,
    'SELECT * FROM file',
  ).get()
  if (last === undefined) throw new Error('its first table is empty')
  const isTailSafe = last.is_clean === 1 || last.sync === 'full' || (bootId !== '' && last.boot === bootId)
  const isCopy = last.run !== '' && !fitsRunMark(folder, last.run)
  const generation = isCopy ? generationOfCopy(last.generation) : last.generation + (isTailSafe ? 0 : 1)
  // It must be on the disk before the first event, or an older mark could outlive events that it does not cover.
  db.exec('PRAGMA synchronous = full')
  const begun = db.prepare('UPDATE file SET generation = ?, boot = ?, sync = ?, is_clean = 0, run = ?')
  changeRunMark(folder, (run) => begun.run(generation, bootId, sync, run))
  db.exec(`PRAGMA synchronous = ${sync}`)
  return generation
}

/** A copy may be restored twice, and must not get the same generation both times. */
function generationOfCopy(last: number): number {
  return last + randomInt(1, 2 ** 40)
}

function closer(db: DatabaseSync, folder: string, unlock: () => void): () => void {
  return () => {
    try {
      changeRunMark(folder, (run) => db.prepare('UPDATE file SET is_clean = 1, run = ?').run(run))
    } finally {
      db.close()
      unlock()
    }
  }
}
