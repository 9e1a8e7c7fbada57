/** The version of this package, and of the Node that it needs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The version of this package. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
    version: string
  }
  return version
}

/** The oldest Node that is supported. Checked before modules that older ones do not have are loaded. */
const OLDEST_NODE = 24

/** @returns a sentence when the version of Node is too old, else undefined */
export function nodeProblem(version: string | undefined = process.versions.node): string | undefined {
  const major = Number(version?.split('.')[0])
  if (!(major < OLDEST_NODE)) return undefined
  return `Roomful needs Node ${OLDEST_NODE} or later, and this is Node ${version}. Get a newer one from https://nodejs.org.`
}
