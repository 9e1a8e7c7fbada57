/** Settings of every connection to the file, the writer's and the worker's. */
import type { DatabaseSync } from 'node:sqlite'

/** `normal` survives the end of the process; `full` also that of the power, at one flush of the disk per commit. */
export type Sync = 'normal' | 'full'

/** How long a connection waits for another's lock before it gives up. */
const BUSY_TIMEOUT_MS = 5000

export function configureConnection(db: DatabaseSync, sync: Sync): void {
  db.exec(`PRAGMA synchronous = ${sync}; PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
  db.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = memory')
}
