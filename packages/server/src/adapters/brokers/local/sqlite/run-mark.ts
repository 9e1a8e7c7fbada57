/**
 * A mark beside the database, which both change at every start and every clean end. A database that was put back from a copy
 * does not fit the mark, and a copied mark is another file. Then numbers that clients have seen may be given again.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'roomful.run'
const RANDOM_BYTES = 12

/** @returns '' where there is none */
export function readRunMark(folder: string): string {
  const path = join(folder, FILE)
  try {
    // Not the times of the file: who gives a folder to another user changes them.
    return `${readFileSync(path, 'latin1')}:${statSync(path).ino}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** Without it a power cut could bring the mark before this one back. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return // cannot open a folder
  const directory = openSync(folder, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** Makes another one, and has it on the disk. @returns as `readRunMark` does from now on */
export function writeRunMark(folder: string): string {
  const path = join(folder, FILE)
  writeFileSync(`${path}.new`, randomBytes(RANDOM_BYTES).toString('hex'), { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  syncFolder(folder)
  return readRunMark(folder)
}
