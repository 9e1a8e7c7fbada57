import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The version of this package. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
    version: string
  }
  return version
}

/** Which Node this runs on. Modules that an older one does not have are loaded after this, so that a person can read why. */
export const OLDEST_NODE = 24

/** @returns what is wrong with it, as a sentence; nothing when all is well */
export function nodeProblem(version: string | undefined = process.versions.node): string | undefined {
  const major = Number(version?.split('.')[0])
  if (!(major < OLDEST_NODE)) return undefined
  return `Roomful needs Node ${OLDEST_NODE} or later, and this is Node ${version}. Get a newer one from https://nodejs.org.`
}
