/** What one setting is: everything that variables, flags, config files, help and documentation need to know of it. */
import type { ValueType } from './value-types.ts'

export interface Declaration<T> {
  /** The environment variable. Flag and config-file key follow from the name that the setting has in the code. */
  readonly variable: string
  readonly type: ValueType<T>
  readonly default: T
  /** What it does, for `--help` and the docs. */
  readonly sentence: string
  readonly unit?: string
  /** Never printed. */
  readonly secret?: true
  /** Not available yet: any other value than the default is refused, and this sentence says why. */
  readonly planned?: string
}

/** Declares one setting; its type of value comes from `type`. */
export function setting<T>(
  declaration: Omit<Declaration<T>, 'default'> & { readonly default: NoInfer<T> },
): Declaration<T> {
  return declaration
}

/** `pingIntervalMs` → `ping-interval-ms`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
