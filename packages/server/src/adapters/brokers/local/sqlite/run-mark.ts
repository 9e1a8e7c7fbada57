/**
 * A mark beside the database, which both change at every start and every clean end. A database that was put back from a copy
 * does not fit the mark, and a copied mark is another file. Then numbers that clients have seen may be given again.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'roomful.run'
/** Until the database has it too. */
const DRAFT = 'roomful.run.new'
const RANDOM_BYTES = 12

/** @param known as the database has it */
export function fitsRunMark(folder: string, known: string): boolean {
  return readMark(join(folder, FILE)) === known || readMark(join(folder, DRAFT)) === known
}

/**
 * Makes another one.
 * @param keep writes it into the database; when that fails, the one of before still holds
 */
export function changeRunMark(folder: string, keep: (mark: string) => void): void {
  const draft = join(folder, DRAFT)
  writeFileSync(draft, randomBytes(RANDOM_BYTES).toString('hex'), { mode: 0o600, flush: true })
  try {
    syncFolder(folder)
    keep(readMark(draft) ?? '')
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  renameSync(draft, join(folder, FILE))
}

/** The inode stays when a file is renamed or given to another user, and is another one in a copy. */
function readMark(path: string): string | undefined {
  try {
    return `${readFileSync(path, 'latin1')}:${statSync(path).ino}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Without it a power cut could take the mark away that the database has. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return // cannot open a folder
  const directory = openSync(folder, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
