/**
 * One server per data folder. The lock is an exclusive transaction on a small database of its own, held open: the
 * operating system ends it with the process, whatever ended that, so there is no stale lock to remove after `kill -9`.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { RoomfulError } from '../../../../core/base/errors.ts'
import { isSqliteError, SQLITE_BUSY } from './statements.ts'

/** Not imported: on a Node without it nothing could be said about that. */
export const sqlite = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite')

/**
 * @returns what unlocks it
 * @throws RoomfulError DATA_IN_USE when another process, or this one, holds it
 */
export function lockFolder(folder: string): () => void {
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
