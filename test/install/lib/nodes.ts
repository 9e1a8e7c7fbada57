/** The versions of Node that the published packages are for, besides the one that the workspace pins. */

import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../../outside/lib/node.ts'

const run = promisify(execFile)

/** Downloaded once, in a folder that is not committed. @returns the program */
export async function nodeOf(version: string): Promise<string> {
  const folder = join(ROOT, 'dist', 'nodes', version)
  mkdirSync(folder, { recursive: true })
  const name = `node-${process.platform}-${process.arch}`
  const args = [
    'install',
    '--prefix',
    folder,
    '--no-save',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const { NODE_OPTIONS: _, ...env } = process.env
  await run('npm', [...args, `${name}@${version}`], { env })
  return join(folder, 'node_modules', name, 'bin', 'node')
}
