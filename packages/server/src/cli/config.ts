/** `roomful config`: what is in force, and where it came from. */
import { describeLoaded, loadedAsJson } from '../config/describe.ts'
import { loadWithOrigins } from '../config/load.ts'
import { readFormat } from './format.ts'

export interface ConfigCommand {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** @throws ConfigError */
export function printConfig({ argv, env }: ConfigCommand): string {
  const loaded = loadWithOrigins({ argv, env, commandFlags: ['format'] })
  return readFormat(loaded.commandFlags.format)
    ? JSON.stringify(loadedAsJson(loaded), undefined, 2)
    : describeLoaded(loaded)
}
