/** What may be in the state of a room. */
import { toJson } from '@roomful/protocol'
import { RoomfulError } from '../base/errors.ts'

/** Longest name, in characters. */
const NAME_MAX = 128
/** Longest value, in characters of its JSON. */
const VALUE_MAX = 8_192

/** Changes the state of a room. Each change gets a version; `version` is the one that it was made for, 0 for none. */
export interface StateWriter {
  /** @throws RoomfulError INVALID_MESSAGE, TOO_LARGE */
  set(name: string, value: unknown, options?: { readonly version?: number }): void
  /** @throws RoomfulError INVALID_MESSAGE */
  delete(name: string, options?: { readonly version?: number }): void
  /** Adds to a whole number, which begins at 0. @throws RoomfulError INVALID_MESSAGE */
  add(name: string, by?: number): void
}

/** @throws RoomfulError INVALID_MESSAGE */
export function checkName(name: string): string {
  if (typeof name === 'string' && name.length > 0 && name.length <= NAME_MAX && name.isWellFormed()) return name
  throw new RoomfulError('INVALID_MESSAGE', `A name in the state has 1 to ${NAME_MAX} characters`, { field: 'name' })
}

/** @throws RoomfulError INVALID_MESSAGE, TOO_LARGE */
export function stateJson(value: unknown): string {
  const json = value === undefined ? undefined : toJson(value)
  if (json === undefined) throw new RoomfulError('INVALID_MESSAGE', 'A value is what JSON can say', { field: 'value' })
  if (json.length <= VALUE_MAX) return json
  throw new RoomfulError('TOO_LARGE', `A value has at most ${VALUE_MAX} characters of JSON`, { field: 'value' })
}

/** @throws RoomfulError INVALID_MESSAGE */
export function checkWhole(by: number): number {
  if (Number.isSafeInteger(by)) return by
  throw new RoomfulError('INVALID_MESSAGE', 'A counter grows by a whole number', { field: 'by' })
}
