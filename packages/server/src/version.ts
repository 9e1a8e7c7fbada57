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

/** The oldest Node that is supported: the first with SQLite. Checked before modules that older ones do not have are loaded. */
const OLDEST_NODE = [22, 13] as const

/** @returns a sentence when the version of Node is too old, else undefined */
export function nodeProblem(version: string | undefined = process.versions.node): string | undefined {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST_NODE
  if (version === undefined || major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined
  const oldest = OLDEST_NODE.join('.')
  return `Roomful needs Node ${oldest} or later, and this is Node ${version}. Get a newer one from https://nodejs.org.`
}
