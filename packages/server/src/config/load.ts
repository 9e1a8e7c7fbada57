/**
 * Loads settings. A flag wins over a variable, a variable over the config file, the file over the default. A setting that
 * is misspelt, of the wrong type, out of range or contradictory stops the start with one sentence.
 */
import { parseArgs } from 'node:util'
import { LOOPBACK_LIMITS } from '../core/base/settings.ts'
import { ConfigError, didYouMean } from './config-error.ts'
import { readConfigFile } from './config-file.ts'
import { type AnySetting, allSettings, checkTogether, type SettingName } from './settings.ts'
import type { Settings } from './settings-type.ts'

/** Where settings are read from. */
export interface SettingSources {
  /** Usually `process.env`. An empty variable counts as not set. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Flags, without the program's name. */
  readonly argv?: readonly string[]
  /** Path of the config file, unless `--config` names one. Default: `roomful.config.json`, if it exists. */
  readonly file?: string | undefined
  /** Flags of a command besides those of the settings. */
  readonly commandFlags?: readonly string[]
}

/** Settings with their origins. */
export interface LoadedSettings {
  readonly settings: Settings
  /** Where each value came from: `--port`, `PORT`, the file's path, or `default`. */
  readonly origins: ReadonlyMap<SettingName, string>
  /** The values of the command's own flags. */
  readonly commandFlags: Readonly<Record<string, string | undefined>>
}

/** One value with its origin. */
interface Given {
  readonly value: unknown
  readonly origin: string
  /** The beginning of an error's sentence. */
  readonly label: string
}

/**
 * Loads settings from flags, variables and the config file.
 * @throws ConfigError
 * @example const roomful = createRoomful(loadSettings({ env: process.env, argv: process.argv.slice(2) }))
 */
export function loadSettings(sources: SettingSources = {}): Settings {
  return loadWithOrigins(sources).settings
}

/** As {@link loadSettings}, with the origin of each setting. @throws ConfigError */
export function loadWithOrigins({ env = {}, argv = [], file, commandFlags = [] }: SettingSources): LoadedSettings {
  refuseMisspeltVariables(env)
  const flags = readFlags(argv, commandFlags)
  const config = readConfigFile(flags.config ?? file)
  const resolved = resolve(({ name, flag, variable }) => {
    const flagValue = flags[flag]
    if (flagValue !== undefined) return { value: flagValue, origin: `--${flag}`, label: `--${flag}` }
    const envValue = env[variable]
    if (envValue !== undefined && envValue !== '') return { value: envValue, origin: variable, label: variable }
    const fileValue = config.values[name]
    if (fileValue !== undefined) return { value: fileValue, origin: config.path, label: `${name} in ${config.path}` }
    return undefined
  })
  return { ...resolved, commandFlags: Object.fromEntries(commandFlags.map((name) => [name, flags[name]])) }
}

/**
 * Checks settings that a program gives and adds the defaults. `undefined` counts as not set.
 * @throws ConfigError
 */
export function resolveSettings(given: Partial<Settings> = {}): Settings {
  const { loopbackExempt, loopbackCounted, ...rest } = given
  for (const name of Object.keys(rest)) refuseUnknownName(name)
  const { settings } = resolve(({ name }) => {
    const value: unknown = rest[name as keyof typeof rest]
    return value === undefined ? undefined : { value, origin: 'program', label: name }
  })
  return {
    ...settings,
    ...(loopbackExempt === undefined ? {} : { loopbackExempt }),
    ...(loopbackCounted === undefined ? {} : { loopbackCounted }),
  }
}

function refuseUnknownName(name: string): void {
  const names = allSettings().map((setting) => setting.name)
  if ((names as readonly string[]).includes(name)) return
  throw new ConfigError(`There is no setting ${name}.${didYouMean(name, names)}`)
}

function resolve(find: (setting: AnySetting) => Given | undefined): Omit<LoadedSettings, 'commandFlags'> {
  const values: Record<string, unknown> = {}
  const origins = new Map<SettingName, string>()
  for (const setting of allSettings()) {
    const given = find(setting)
    const value = given === undefined ? setting.default : readValue(setting, given)
    values[setting.name] = value
    origins.set(setting.name, given?.origin ?? 'default')
  }
  values.loopbackExempt = origins.get('maxConnectionsPerIp') === 'default'
  values.loopbackCounted = LOOPBACK_LIMITS.filter((name) => origins.get(name) !== 'default')
  const settings = values as unknown as Settings
  checkTogether(settings)
  return { settings, origins }
}

function readValue(setting: AnySetting, { value, label }: Given): unknown {
  const read = setting.type.read(value)
  if (read === undefined) {
    const shown = setting.secret ? '' : `, not ${typeof value === 'string' ? `"${value}"` : JSON.stringify(value)}`
    throw new ConfigError(`${label} must be ${setting.type.expects}${shown}.`)
  }
  return read
}

function refuseMisspeltVariables(env: Readonly<Record<string, string | undefined>>): void {
  const known = allSettings().map((setting) => setting.variable)
  for (const name of Object.keys(env)) {
    if (!name.startsWith('ROOMFUL_') || known.includes(name)) continue
    throw new ConfigError(`There is no setting ${name}.${didYouMean(name, known)}`)
  }
}

function readFlags(
  argv: readonly string[],
  commandFlags: readonly string[],
): Readonly<Record<string, string | undefined>> {
  const names = [...allSettings().map((setting) => setting.flag), 'config', ...commandFlags]
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values
  } catch (error) {
    throw new ConfigError(explainFlag(error, argv, names))
  }
}

function explainFlag(error: unknown, argv: readonly string[], names: readonly string[]): string {
  for (const argument of argv) {
    const name = /^--([^=]+)/.exec(argument)?.[1]
    if (name === undefined || names.includes(name)) continue
    return `There is no option --${name}.${didYouMean(
      `--${name}`,
      names.map((each) => `--${each}`),
    )}`
  }
  const message = error instanceof Error ? error.message : String(error)
  return `${message.split('\n')[0]?.replace(/\.?$/, '.')} Write options as --name value or --name=value.`
}
