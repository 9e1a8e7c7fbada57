/** What the SQLite log is made of, put together and taken apart again. */
import { RoomfulError } from '../../../../core/base/errors.ts'
import { LOG_DEFAULTS, type LogLimits, type LogOptions } from '../log.ts'
import { SqliteBackground } from './background.ts'
import { SqliteCheckpoints } from './checkpoints.ts'
import type { Sync } from './connection.ts'
import { SqliteNotes } from './deferred-writes.ts'
import { openSqliteFile, readBootId, type SqliteFile } from './file.ts'
import { SqliteRoomSweep, SqliteUpkeep } from './maintenance.ts'
import { SqliteNamespaces } from './namespaces.ts'
import { NewKeys } from './new-keys.ts'
import { SqliteRedaction } from './redaction.ts'
import { SqliteReturning } from './sessions.ts'
import { SqliteTrim } from './trim.ts'
import { SqliteWriter, SqliteWriters } from './writer.ts'

export interface SqliteLogOptions extends LogOptions {
  /** Where `roomful.db` is or shall be. One server at a time. */
  readonly folder: string
  /** `normal` (the default) survives the end of the process, `full` also that of the power. */
  readonly sync?: Sync
  /** Of this boot of the machine; the system's own without it. */
  readonly bootId?: string
  /** Told of what went wrong where nobody waits for an answer. */
  readonly report?: (error: unknown) => void
  /** What the file may take, as if the disk ended there. */
  readonly diskBytes?: number
}

export interface SqliteParts {
  readonly writer: SqliteWriter
  readonly background: SqliteBackground
  readonly checkpoints: SqliteCheckpoints
  readonly namespaces: SqliteNamespaces
  readonly notes: SqliteNotes
  readonly redaction: SqliteRedaction
  readonly returning: SqliteReturning
  readonly upkeep: SqliteUpkeep
  readonly writers: SqliteWriters
  close(): Promise<void>
}

/** @param onOpen called when appends that were held may go on */
export function openParts(options: SqliteLogOptions, onOpen: () => void): SqliteParts {
  const { clock, random, folder, sync = 'normal', bootId = readBootId(), report = () => undefined } = options
  const limits: LogLimits = { ...LOG_DEFAULTS, ...options }
  const file = openSqliteFile({ folder, sync, bootId, maxBytes: options.diskBytes ?? Number.POSITIVE_INFINITY })
  const { db, path, generation } = file
  const writer = new SqliteWriter(db, clock)
  const writers = new SqliteWriters(db)
  const background = new SqliteBackground({ db, path, sync, report })
  const checkpoints = new SqliteCheckpoints({ clock, background, onOpen, report })
  const namespaces = new SqliteNamespaces(limits, {
    db,
    writer,
    clock,
    random,
    generation,
    retention: limits.retention,
    newKeys: new NewKeys(db, () => clock.now()),
    writers,
  })
  const onWritten = (bytes: number): void => checkpoints.committed(bytes)
  const notes = new SqliteNotes({ db, writer, clock, sessionsMax: limits.sessionsMax, onWritten, report })
  const shared = { db, writer, limits, namespaces: namespaces.byId }
  const trim = new SqliteTrim({ ...shared, writers, onFull: options.onFull })
  const roomSweep = new SqliteRoomSweep({ ...shared, openedAtMs: clock.now() })
  const upkeep = new SqliteUpkeep({ clock, limits, writer, writers, trim, roomSweep, sessions: notes.sessions, report })
  const redaction = new SqliteRedaction(db, writer, background, writers)
  const returning = new SqliteReturning(db, writer, limits.returningMax)
  const parts = { writer, background, checkpoints, namespaces, notes, redaction, returning, upkeep, writers }
  return { ...parts, close: () => closeParts(parts, file) }
}

/** Whatever fails on the way, the file and its folder are let go of. */
async function closeParts(parts: Omit<SqliteParts, 'close'>, file: SqliteFile): Promise<void> {
  try {
    parts.upkeep.stop()
    parts.checkpoints.stop()
    parts.notes.flush()
    parts.upkeep.writeCounts()
  } finally {
    parts.writer.stop()
    await parts.background.close()
    closeFile(file)
  }
}

function closeFile(file: SqliteFile): void {
  try {
    file.close()
  } catch (cause) {
    throw new RoomfulError('UNAVAILABLE', 'The log could not be closed cleanly; nothing stored is lost', { cause })
  }
}
