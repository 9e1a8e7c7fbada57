/** What may be in the state of a room. */
import { toJson } from '@roomful/protocol'
import { RoomfulError } from '../base/errors.ts'
import type { StatePage } from '../events/room-facts.ts'

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

/** What a change of the state of a room has made. */
export interface ChangedState {
  /** Of the entry; the number of the change in the room. */
  readonly version: number
  /** `undefined` for a deleted one. */
  readonly value: unknown
}

/** How the server changes an entry. */
export interface StateChangeOptions {
  /** Only if the entry has this version, 0 for none. */
  readonly version?: number
  /** Who did it, as members are sent it. */
  readonly userId?: string
}

/** The state of a room outside of a request: each change is stored by itself. */
export interface RoomStateHandle {
  /**
   * The first 200 names, or those behind `after`.
   * @throws RoomfulError (rejects) UNAVAILABLE
   */
  read(page?: { readonly after?: string }): Promise<StatePage>
  /** @throws RoomfulError (rejects) CONFLICT, INVALID_MESSAGE, TOO_LARGE, UNAVAILABLE */
  set(name: string, value: unknown, options?: StateChangeOptions): Promise<ChangedState>
  /** @throws RoomfulError (rejects) CONFLICT, INVALID_MESSAGE, UNAVAILABLE */
  delete(name: string, options?: StateChangeOptions): Promise<ChangedState>
  /** Adds to a whole number, which begins at 0. @throws RoomfulError (rejects) CONFLICT, INVALID_MESSAGE, UNAVAILABLE */
  add(name: string, by?: number, options?: Pick<StateChangeOptions, 'userId'>): Promise<ChangedState>
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
