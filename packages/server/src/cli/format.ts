/** `--format`, which several commands have. */
import { ConfigError } from '../config/config-error.ts'

/** @returns whether the output is JSON. @throws ConfigError */
export function readFormat(format = 'text'): boolean {
  if (format === 'text' || format === 'json') return format === 'json'
  throw new ConfigError(`--format must be "text" or "json", not "${format}".`)
}
