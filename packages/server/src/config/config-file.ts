/** The config file: one JSON object whose keys are the names of settings. */
import { readFileSync } from 'node:fs'
import { ConfigError, didYouMean } from './config-error.ts'
import { allSettings } from './settings.ts'

const DEFAULT_CONFIG_FILE = 'roomful.config.json'

/** A file that was read. */
export interface ConfigFile {
  readonly path: string
  readonly values: Readonly<Record<string, unknown>>
}

/**
 * Reads the config file.
 * @param path a file that must exist; by default `roomful.config.json`, which may be missing
 * @throws ConfigError
 */
export function readConfigFile(path: string | undefined): ConfigFile {
  const name = path ?? DEFAULT_CONFIG_FILE
  let content: string
  try {
    content = readFileSync(name, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && path === undefined) return { path: name, values: {} }
    throw new ConfigError(`The config file ${name} cannot be read${code === undefined ? '' : ` (${code})`}.`)
  }
  return { path: name, values: parse(name, content) }
}

function parse(path: string, content: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (error) {
    throw new ConfigError(`The config file ${path} is not valid JSON: ${(error as Error).message}.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`The config file ${path} must hold one JSON object, like {"port": 8080}.`)
  }
  const names: readonly string[] = allSettings().map((setting) => setting.name)
  for (const key of Object.keys(value)) {
    if (names.includes(key) || key === '$schema') continue
    throw new ConfigError(`There is no setting ${key} (in ${path}).${didYouMean(key, names)}`)
  }
  return value as Record<string, unknown>
}
