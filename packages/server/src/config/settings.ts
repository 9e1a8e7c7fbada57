/**
 * Every setting of Roomful, once. Variables, flags, config-file keys, `--help` and `docs/settings.md` derive from this
 * table; nothing else in the server reads the environment.
 */
import type { LoopbackLimit } from '../core/base/settings.ts'
import { type Declaration, flagOf } from './declaration.ts'
import { access } from './declared/access.ts'
import { limits } from './declared/limits.ts'
import { serving } from './declared/serving.ts'
import { storage } from './declared/storage.ts'

/** Headings of the docs and of `--help`, in their order. */
export const SETTING_GROUPS = {
  Serving: serving,
  Access: access,
  Storage: storage,
  Limits: limits,
} as const

export const SETTINGS = { ...serving, ...access, ...storage, ...limits }

export type SettingName = keyof typeof SETTINGS

type Declared = { readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Declaration<infer T> ? T : never }

/** What the program is told: plain values, checked. `loadSettings` and `resolveSettings` make them. */
export interface Settings extends Declared {
  /** Links from this machine do not count towards `maxConnectionsPerIp`: true unless that was set on purpose. */
  readonly loopbackExempt: boolean
  /** Limits over reconnects that links from this machine have as well: those that were set on purpose. */
  readonly loopbackCounted: readonly LoopbackLimit[]
}

/** A table entry without its type of value, for those who go through all of them. */
export interface AnySetting extends Declaration<unknown> {
  readonly name: SettingName
  readonly flag: string
}

export function allSettings(group: Readonly<Record<string, unknown>> = SETTINGS): AnySetting[] {
  const names = Object.keys(group) as SettingName[]
  return names.map((name) => ({ ...(SETTINGS[name] as Declaration<unknown>), name, flag: flagOf(name) }))
}
