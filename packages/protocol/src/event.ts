import { isBytes } from './binary.ts'

/** An event as every dialect's encoder sees it. The JSON of its arguments is made once, whatever the number of forms. */
export interface WireEvent {
  readonly type: string
  readonly args: readonly unknown[]
  /** JSON text of `args`: an array, bytes as `$binary`. */
  readonly argsJson: string
  /** The fields of the one object argument stand beside `type` in the plain form. */
  readonly spread: boolean
  /** Present on durable events only. */
  readonly stored: StoredFields | undefined
  /** The one room that a transient event is for: told in v1, where a client hands events to its rooms. */
  readonly roomId?: string | undefined
}

/** What the log adds to a durable event. */
export interface StoredFields {
  readonly id: string
  readonly roomId: string
  readonly seq: number
  /** Commit number in the namespace. */
  readonly n: number
  readonly ts: number
  readonly key: string | undefined
  /** What it said was taken out of the log: it has no arguments, and keeps its number. */
  readonly redacted?: boolean | undefined
}

/** Top-level names of the plain form that mean something to it. W4, PROTOCOL.md 4. */
export const RESERVED_FIELDS = [
  'type',
  'id',
  'key',
  'event',
  'data',
  'args',
  'ack',
  'error',
  'roomId',
  'seq',
  'n',
  'ts',
] as const

const RESERVED = new Set<string>(RESERVED_FIELDS)

/** @returns true for the one argument that can be spread: a plain object without a reserved name. */
export function isSpreadable(value: unknown): boolean {
  if (!isRecord(value)) return false
  for (const key in value) if (RESERVED.has(key)) return false
  return true
}

/** @returns true for objects that JSON writes with braces: no arrays, no bytes. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isBytes(value)
}
