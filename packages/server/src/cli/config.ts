/** `roomful config`: what is in force, and where it came from. */
import { ConfigError } from '../config/config-error.ts'
import { describeLoaded, loadedAsJson } from '../config/describe.ts'
import { loadWithOrigins } from '../config/load.ts'

export interface ConfigCommand {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** @throws ConfigError */
export function printConfig({ argv, env }: ConfigCommand): string {
  const loaded = loadWithOrigins({ argv, env, commandFlags: ['format'] })
  const { format = 'text' } = loaded.commandFlags
  if (format === 'json') return JSON.stringify(loadedAsJson(loaded), undefined, 2)
  if (format === 'text') return describeLoaded(loaded)
  throw new ConfigError(`--format must be "text" or "json", not "${format}".`)
}
