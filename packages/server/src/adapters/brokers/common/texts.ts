/** Messages that are being written, in one place for the local logs, and the reference for others: what each change does, or why it is refused. */
import type { FactChange, FactStand, Refused, StateChange } from '../../../core/ports/broker.ts'
import { isStateChange, keyOfFact, withWholeText } from '../../../core/ports/facts.ts'

/** Most messages of a room that are written at once. */
const GROWING_MAX = 100

/** Most names in the state of a room. */
const STATE_MAX = 1_000

/** A message that is being written. */
export interface Growing {
  readonly length: number
}

/** What a log does for a change. */
export interface TextStore<Room> {
  /** Of an event with a content. */
  argsOf(room: Room, seq: number): string | undefined
  rewrite(room: Room, seq: number, argsJson: string): void
  growing(room: Room, seq: number): Growing | undefined
  countGrowing(room: Room): number
  begin(room: Room, seq: number, ts: number): void
  /** Adds the fragment behind what there is, which is `at` long. */
  extend(room: Room, seq: number, at: number, fragment: string, length: number, ts: number): void
  fragmentOf(room: Room, seq: number): string
  end(room: Room, seq: number): void
  fact(room: Room, key: string): FactStand | undefined
  /** @param isNew there was none; of state it counts then */
  putFact(room: Room, key: string, value: string, version: number, isNew: boolean): void
  deleteFact(room: Room, key: string): void
  /** Names in the state of the room. */
  countState(room: Room): number
  /** The version of the state of the room, and the next one. */
  fv(room: Room): number
  setFv(room: Room, fv: number): void
}

/** Why a change is refused, by a letter as the scripts of Redis have it. */
export const REFUSALS = {
  /** Taken back, trimmed, or never there. */
  N: refused('NOT_FOUND', 'The event that this is about is there no more'),
  /** The room has another epoch than the one that the numbers are of. */
  P: refused('NOT_FOUND', 'The room has another log by now, in which this number is that of another event'),
  G: refused('RATE_LIMITED', `At most ${GROWING_MAX} messages are written at once in a room`),
  E: refused('CONFLICT', 'This message has ended'),
  O: refused('CONFLICT', 'This message is another one by now'),
  B: refused('TOO_LARGE', `At most ${STATE_MAX} names in the state of a room`),
} as const

/** Where the length that there is says more: `A` is being written already, `V` has another one. */
export function refusedFact(letter: 'A' | 'V', version: number): Refused {
  const message = letter === 'A' ? 'This message is being written already' : `The message has ${version} characters`
  return { ...refused('CONFLICT', message), current: { version } }
}

/** It has another version than the change was made for, or is no whole number. */
export function refusedState(letter: 'S' | 'K', version: number, value: string | undefined): Refused {
  const now = version === 0 ? 'It is not there' : `It has version ${version} now`
  const message = letter === 'S' ? now : 'It is no whole number, or would be too large for one'
  return { ...refused('CONFLICT', message), current: { version, value } }
}

function stateRefusal<Room>(store: TextStore<Room>, room: Room, change: StateChange): Refused | undefined {
  if (change.kind === 'read') return undefined
  const known = store.fact(room, keyOfFact(change))
  const version = known?.version ?? 0
  if (change.kind !== 'add' && change.version !== undefined && change.version !== version) {
    return refusedState('S', version, known?.value)
  }
  if (change.kind === 'add' && sumOf(known?.value, change.by) === undefined)
    return refusedState('K', version, known?.value)
  return !known && change.kind !== 'delete' && store.countState(room) >= STATE_MAX ? REFUSALS.B : undefined
}

const WHOLE = /^-?\d{1,16}$/

function sumOf(value: string | undefined, by: number): number | undefined {
  if (value !== undefined && !WHOLE.test(value)) return undefined
  const sum = Number(value ?? 0) + by
  return Number.isSafeInteger(sum) ? sum : undefined
}

function changeState<Room>(
  store: TextStore<Room>,
  room: Room,
  change: StateChange,
): { readonly version: number; readonly isRepeat: boolean; readonly value?: string } {
  const key = keyOfFact(change)
  const known = store.fact(room, key)
  if (change.kind === 'read') {
    const before = known?.version ?? 0
    if (change.seq <= before) return { version: before, isRepeat: true }
    store.putFact(room, key, '', change.seq, !known)
    return { version: change.seq, isRepeat: false }
  }
  if (change.kind === 'delete' && !known) return { version: store.fv(room), isRepeat: true }
  const version = store.fv(room) + 1
  store.setFv(room, version)
  if (change.kind === 'delete') {
    store.deleteFact(room, key)
    return { version, isRepeat: false }
  }
  const value = change.kind === 'set' ? change.value : String(sumOf(known?.value, change.by))
  store.putFact(room, key, value, version, !known)
  return { version, isRepeat: false, value }
}

/** @returns why the change cannot be done; nothing when it can, or is done already. Changes nothing but a text without a message. */
export function refusalOf<Room>(store: TextStore<Room>, room: Room, change: FactChange): Refused | undefined {
  if (isStateChange(change)) return stateRefusal(store, room, change)
  if (change.kind === 'begin') return store.countGrowing(room) < GROWING_MAX ? undefined : REFUSALS.G
  const args = store.argsOf(room, change.seq)
  const growing = store.growing(room, change.seq)
  if (args === undefined) {
    if (growing) store.end(room, change.seq) // it was taken back
    return REFUSALS.N
  }
  if (change.kind === 'resume') {
    if (growing) return refusedFact('A', growing.length)
    return args === change.was ? undefined : REFUSALS.O
  }
  if (!growing) return REFUSALS.E
  const { length } = growing
  const isFit = change.kind === 'end' ? change.length === length : change.at <= length && !overlaps(change, length)
  return isFit ? undefined : refusedFact('V', length)
}

/** Does what {@link refusalOf} did not refuse. @returns the length afterwards */
export function applyChange<Room>(
  store: TextStore<Room>,
  room: Room,
  change: FactChange,
  seq: number,
  ts: number,
): { readonly version: number; readonly isRepeat: boolean; readonly value?: string } {
  if (isStateChange(change)) return changeState(store, room, change)
  switch (change.kind) {
    case 'begin':
      store.begin(room, seq, ts)
      if (change.length > 0) store.extend(room, seq, 0, change.fragment, change.length, ts)
      return { version: change.length, isRepeat: false }
    case 'extend': {
      const { length } = store.growing(room, change.seq) as Growing
      const isRepeat = change.at < length
      if (isRepeat) return { version: length, isRepeat }
      store.extend(room, change.seq, change.at, change.fragment, change.length, ts)
      return { version: length + change.length, isRepeat }
    }
    case 'end': {
      const args = store.argsOf(room, change.seq) as string
      store.rewrite(room, change.seq, withWholeText(args, store.fragmentOf(room, change.seq), change.tail))
      store.end(room, change.seq)
      return { version: change.length, isRepeat: false }
    }
    case 'resume':
      store.rewrite(room, change.seq, change.argsJson)
      store.begin(room, change.seq, ts)
      if (change.length > 0) store.extend(room, change.seq, 0, change.fragment, change.length, ts)
      return { version: change.length, isRepeat: false }
    default:
      return change satisfies never
  }
}

/** A piece begins within what there is and ends behind it: it is no repeat of what was sent before. */
function overlaps({ at, length }: { readonly at: number; readonly length: number }, known: number): boolean {
  return at < known && at + length > known
}

function refused(code: Refused['code'], message: string): Refused {
  return { status: 'refused', code, message }
}

/** The order of names: by UTF-16 units, as in pages of them. */
export function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0
}
