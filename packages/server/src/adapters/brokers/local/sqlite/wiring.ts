/** The components of the SQLite log: how they are put together, and how they are closed. */
import { RoomfulError } from '../../../../core/base/errors.ts'
import { SlidingWindowLimiter } from '../../../../core/base/sliding-window.ts'
import type { Limiter } from '../../../../core/ports/system.ts'
import { LOG_DEFAULTS, type LogLimits, type LogOptions } from '../log.ts'
import { SqliteBackground } from './background.ts'
import { SqliteCheckpoints } from './checkpoints.ts'
import type { Sync } from './connection.ts'
import { SqliteDeferredWrites } from './deferred-writes.ts'
import { openSqliteFile, readBootId, type SqliteFile } from './file.ts'
import { SqliteMaintenance, SqliteRoomSweep } from './maintenance.ts'
import { SqliteNamespaces } from './namespaces.ts'
import { NewKeys } from './new-keys.ts'
import { SqliteReader } from './reader.ts'
import { SqliteRedaction } from './redaction.ts'
import { SqliteReturningMembers } from './sessions.ts'
import { SqliteTrim } from './trim.ts'
import { SqliteWriter } from './writer.ts'

export interface SqliteLogOptions extends LogOptions {
  /** Contains `roomful.db`; made when it is missing. One server at a time. */
  readonly folder: string
  /** `normal` (the default) survives the end of the process, `full` also a power cut. */
  readonly sync?: Sync
  /** Identifies this boot of the machine; by default the system's own id. */
  readonly bootId?: string
  /** Receives errors of background work, which no caller waits for. */
  readonly report?: (error: unknown) => void
  /** The file's largest size, as if the disk were full there. */
  readonly diskBytes?: number
}

export interface SqliteComponents {
  readonly writer: SqliteWriter
  readonly background: SqliteBackground
  readonly checkpoints: SqliteCheckpoints
  readonly namespaces: SqliteNamespaces
  readonly reader: SqliteReader
  readonly deferred: SqliteDeferredWrites
  readonly redaction: SqliteRedaction
  readonly returning: SqliteReturningMembers
  readonly maintenance: SqliteMaintenance
  readonly limits: LogLimits
  readonly limiter: Limiter
  close(): Promise<void>
}

/** @param onResume called when appends that were paused may go on */
export function openComponents(options: SqliteLogOptions, onResume: () => void): SqliteComponents {
  const { clock, random, folder, sync = 'normal', bootId = readBootId(), report = () => undefined } = options
  const limits: LogLimits = { ...LOG_DEFAULTS, ...options }
  const file = openSqliteFile({ folder, sync, bootId, maxBytes: options.diskBytes ?? Number.POSITIVE_INFINITY })
  const { db, path, generation } = file
  const writer = new SqliteWriter(db, clock)
  const background = new SqliteBackground({ db, path, sync, report })
  const checkpoints = new SqliteCheckpoints({ clock, writer, background, onResume, report })
  const newKeys = new NewKeys(db, () => clock.now())
  const { retention } = limits
  const limiter = new SlidingWindowLimiter(clock)
  const ofAppends = { limits, limiter, newKeys }
  const namespaces = new SqliteNamespaces({ db, writer, clock, random, generation, retention, ...ofAppends })
  const reader = new SqliteReader(background, namespaces)
  const deferred = new SqliteDeferredWrites({ db, writer, clock, sessionsMax: limits.sessionsMax, report })
  const shared = { db, writer, limits, namespaces: namespaces.byId }
  const trim = new SqliteTrim({ ...shared, onFull: options.onFull })
  const roomSweep = new SqliteRoomSweep({ ...shared, openedAtMs: clock.now() })
  const maintenance = new SqliteMaintenance({ clock, writer, trim, roomSweep, sessions: deferred.sessions, report })
  const redaction = new SqliteRedaction(db, writer, background)
  const returning = new SqliteReturningMembers(db, writer, limits.returningMax)
  const stored = { namespaces, reader, deferred, redaction, returning }
  const components = { writer, background, checkpoints, maintenance, limits, limiter, ...stored }
  return { ...components, close: () => closeComponents(components, file) }
}

/** The file and its folder are released even if a step fails. */
async function closeComponents(components: Omit<SqliteComponents, 'close'>, file: SqliteFile): Promise<void> {
  const { writer, background, checkpoints, maintenance, deferred } = components
  try {
    maintenance.stop()
    checkpoints.stop()
    deferred.close()
    maintenance.saveUsage()
  } finally {
    writer.stop()
    await background.close()
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
