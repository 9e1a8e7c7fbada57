/** Scripts, translated once for all runs. */
import { toBytes } from './bytes.ts'
import type { Environment } from './library.ts'
import { translate } from './translate.ts'

type Script = (environment: Environment) => unknown

const known = new Map<string, Script>()

/** @param source as a client sends it, with or without the line that names a library */
export function scriptOf(source: string): Script {
  const made = known.get(source)
  if (made) return made
  const body = toBytes(source.replace(/^#!.*\n/, '\n'))
  const script = new Function('L', translate(body)) as Script
  known.set(source, script)
  return script
}
