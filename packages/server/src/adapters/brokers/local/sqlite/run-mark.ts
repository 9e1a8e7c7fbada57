/**
 * A random mark in a file beside the database and in the database, changed at every start and every clean end. A restored
 * copy of the database has an older mark, and a copied mark file has another inode. If the two do not fit, numbers that
 * clients have seen may be given again.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'roomful.run'
/** The new mark, until the database contains it too. */
const DRAFT = 'roomful.run.new'
const RANDOM_BYTES = 12

/** @param known the mark in the database */
export function fitsRunMark(folder: string, known: string): boolean {
  return readMark(join(folder, FILE)) === known || readMark(join(folder, DRAFT)) === known
}

/**
 * Makes a new mark.
 * @param keep writes it into the database; if that fails, the old mark stays valid
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

/** With the inode, which stays when a file is renamed or changes its owner, and differs in a copy. */
function readMark(path: string): string | undefined {
  try {
    return `${readFileSync(path, 'latin1')}:${statSync(path).ino}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Otherwise a power cut could remove the mark file while the database keeps its mark. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return // cannot open a folder
  const directory = openSync(folder, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
