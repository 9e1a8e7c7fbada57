/** Programs of the system that a cluster on this machine needs, and a sentence for when one is not installed. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

interface Program {
  readonly name: string
  /** Names another file of the same program. */
  readonly variable: string
  readonly aptPackage: string
}

export const PROGRAMS = {
  redis: { name: 'redis-server', variable: 'REDIS_SERVER', aptPackage: 'redis-server' },
  nginx: { name: 'nginx', variable: 'NGINX', aptPackage: 'nginx' },
} as const satisfies Record<string, Program>

/** The sentence is for the person who starts the cluster. */
class MissingProgram extends Error {
  override readonly name = 'MissingProgram'
}

/**
 * @returns the path of its file
 * @throws MissingProgram
 */
export function find({ name, variable, aptPackage }: Program): string {
  const chosen = process.env[variable]
  if (chosen) {
    if (isExecutable(chosen)) return chosen
    throw new MissingProgram(`${variable} names ${chosen}, which is not a program.`)
  }
  // Debian keeps nginx where only root looks.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const found = folders.map((folder) => join(folder, name)).find(isExecutable)
  if (found !== undefined) return found
  throw new MissingProgram(
    `${name} is not installed. On Debian or Ubuntu: apt-get install ${aptPackage}. Or set ${variable} to its path.`,
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
