/** Describes the settings for `--help`, `roomful config` and `docs/settings.md`, all from one table. */
import type { LoadedSettings } from './load.ts'
import { type AnySetting, allSettings, SETTING_GROUPS, type SettingName } from './settings.ts'

/** @returns the lines of `--help`: flag, default, sentence */
export function describeFlags(): string {
  const groups = Object.entries(SETTING_GROUPS).map(([heading, group]) => {
    const lines = allSettings(group).map(
      (setting) => `  --${setting.flag.padEnd(26)} ${setting.sentence} ${inBrackets(setting)}`,
    )
    return `${heading}:\n${lines.join('\n')}`
  })
  return groups.join('\n\n')
}

/** @returns one line per setting: variable, value, origin. Secrets are not shown. */
export function describeLoaded({ settings, origins }: Pick<LoadedSettings, 'settings' | 'origins'>): string {
  const lines = allSettings().map((setting) => {
    const value =
      setting.secret && settings[setting.name] !== undefined ? '********' : written(setting, settings[setting.name])
    return `${setting.variable.padEnd(34)} ${value.padEnd(24)} ${origins.get(setting.name)}`
  })
  return lines.join('\n')
}

/** @returns the settings with their origins, for JSON. Secrets are not shown. */
export function loadedAsJson({ settings, origins }: LoadedSettings): Record<string, { value: unknown; from: string }> {
  const entries = allSettings().map(({ name, secret }): [SettingName, { value: unknown; from: string }] => {
    const value = secret && settings[name] !== undefined ? '********' : (settings[name] ?? null)
    return [name, { value, from: origins.get(name) ?? 'default' }]
  })
  return Object.fromEntries(entries)
}

/** @returns `docs/settings.md` */
export function describeInMarkdown(): string {
  const groups = Object.entries(SETTING_GROUPS).map(([heading, group]) => {
    const rows = allSettings(group).map(
      (setting) =>
        `| \`${setting.variable}\` | \`--${setting.flag}\` | \`${setting.name}\` | ${setting.type.name} | ${defaultInMarkdown(setting)} | ${setting.sentence} |`,
    )
    return `## ${heading}\n\n| variable | flag | config file | kind | default | what it does |\n|---|---|---|---|---|---|\n${rows.join('\n')}\n`
  })
  return `${INTRODUCTION}\n${groups.join('\n')}`
}

/**
 * Writes the docstring of each setting: its sentence, and its default if it has one.
 * @param source settings-type.ts
 * @returns the same with current docstrings
 */
export function withDocstrings(source: string): string {
  return allSettings().reduce((text, setting) => {
    const above = new RegExp(`  /\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\n(?=  readonly ${setting.name}: )`)
    const ending = setting.default === undefined ? '' : ` Default: ${defaultInMarkdown(setting)}.`
    return text.replace(above, () => docstring(setting.sentence + ending))
  }, source)
}

const DOCSTRING_WIDTH = 120

function docstring(text: string): string {
  if (text.length <= DOCSTRING_WIDTH - 9) return `  /** ${text} */\n`
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line === undefined || line.length + word.length + 1 > DOCSTRING_WIDTH - 5) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return `  /**\n${lines.map((line) => `   * ${line}\n`).join('')}   */\n`
}

const INTRODUCTION = `# Settings

This page is made from \`packages/server/src/config\` by \`npm run docs:settings\`.

Each setting can be given as a flag of \`roomful serve\`, as an environment variable, or as a key of a JSON config file
(\`roomful.config.json\` in the working directory, or \`--config <file>\`). A flag wins over a variable, a variable over the
file. An empty variable counts as not set. A misspelt \`ROOMFUL_…\`, a value of the wrong kind and a contradiction stop the
start with a sentence that says what to change. \`roomful config\` prints what is in force and where it came from.
`

function written({ type }: AnySetting, value: unknown): string {
  return value === undefined ? '-' : type.write(value)
}

function inBrackets(setting: AnySetting): string {
  if (setting.default === undefined) return '[none]'
  return `[${written(setting, setting.default)}${setting.unit === undefined ? '' : ` ${setting.unit}`}]`
}

function defaultInMarkdown(setting: AnySetting): string {
  if (setting.default === undefined) return 'none'
  return `\`${written(setting, setting.default)}\`${setting.unit === undefined ? '' : ` ${setting.unit}`}`
}
