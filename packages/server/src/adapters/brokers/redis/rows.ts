/**
 * Rows as text, in Redis and on their way to other nodes: `n seq ts redacted lengths… user key except type args`. Lengths are
 * in UTF-16 units, so that a row is cut out of a message without looking for its end. Numbers come from the script; the
 * tail is made here.
 */
import type { Append, NotedChange, StoredRow } from '../../../core/ports/broker.ts'
import { fragmentOf } from '../../../core/ports/facts.ts'

export interface ParsedRow {
  readonly row: StoredRow
  /** Where the text goes on. */
  readonly end: number
}

export function tailOf({ type, argsJson, userId, key, except }: Append): string {
  return tail(userId, key?.key, except, type, argsJson)
}

function tail(
  userId: string | undefined,
  key: string | undefined,
  except: string | undefined,
  type: string,
  argsJson: string,
): string {
  const lengths = `${lengthOf(userId)} ${lengthOf(key)} ${lengthOf(except)} ${type.length} ${argsJson.length} `
  return `${lengths}${userId ?? ''}${key ?? ''}${except ?? ''}${type}${argsJson}`
}

/** The same row without its content. */
export function emptied({ n, seq, ts, userId, key, type, except }: StoredRow): string {
  return `${n} ${seq} ${ts} 1 ${tail(userId, key, except, type, '[]')}`
}

/** 0 stands for a text that is not there, so an empty one has 1. */
function lengthOf(text: string | undefined): number {
  return text === undefined ? 0 : text.length + 1
}

class Reader {
  readonly text: string
  at: number

  constructor(text: string, at: number) {
    this.text = text
    this.at = at
  }

  number(): number {
    let value = 0
    for (;;) {
      const code = this.text.charCodeAt(this.at++)
      if (code === 32 || !(code >= 48 && code <= 57)) return value
      value = value * 10 + code - 48
    }
  }

  cut(length: number): string {
    const start = this.at
    this.at += length
    return this.text.slice(start, this.at)
  }

  optional(length: number): string | undefined {
    return length === 0 ? undefined : this.cut(length - 1)
  }
}

export function parseRow(roomId: string, text: string, at = 0): ParsedRow {
  const reader = new Reader(text, at)
  const n = reader.number()
  const seq = reader.number()
  const ts = reader.number()
  const redacted = reader.number() === 1
  const userLength = reader.number()
  const keyLength = reader.number()
  const exceptLength = reader.number()
  const typeLength = reader.number()
  const argsLength = reader.number()
  const userId = reader.optional(userLength)
  const key = reader.optional(keyLength)
  const except = reader.optional(exceptLength)
  const type = reader.cut(typeLength)
  const argsJson = reader.cut(argsLength)
  const row = { n, seq, ts, roomId, type, argsJson, userId, key, redacted, except }
  return { row, end: reader.at }
}

const EPOCH_LENGTH = 12

/** A frame of a message for this node. */
export type Frame =
  | {
      readonly kind: 'row'
      readonly epoch: string
      readonly row: ParsedRow['row']
      readonly traceparent: string | undefined
    }
  | {
      readonly kind: 'signal' | 'changed' | 'state' | 'presence' | 'online' | 'reset' | 'redacted' | 'taken' | 'log'
      readonly body: unknown
    }

const KINDS: Readonly<Record<string, Exclude<Frame['kind'], 'row'>>> = {
  S: 'signal',
  C: 'changed',
  F: 'state',
  P: 'presence',
  O: 'online',
  X: 'reset',
  D: 'redacted',
  T: 'taken',
  L: 'log',
}

/** A change of a message that is being written, as the script tells other nodes. */
export interface ChangeFrame {
  readonly roomId: string
  readonly seq: number
  readonly at: number
  readonly length: number
  readonly text: string
  readonly isResume: boolean
}

/** A change of the state of a room, as the script tells other nodes. */
export interface StateFrame {
  readonly roomId: string
  readonly name: string
  readonly version: number
  readonly value?: unknown
  readonly userId?: string
}

export function toStateChange({ roomId, name, version, value, userId }: StateFrame): NotedChange {
  const json = value === undefined ? undefined : JSON.stringify(value)
  const change =
    json === undefined
      ? ({ kind: 'delete', name, version: undefined } as const)
      : ({ kind: 'set', name, value: json, version: undefined } as const)
  return { roomId, change, stand: { version, value: json }, userId }
}

export function toChange({ roomId, seq, at, length, text, isResume }: ChangeFrame): NotedChange {
  const piece = { seq, fragment: fragmentOf(text), length }
  const change = isResume
    ? ({ kind: 'resume', was: '', argsJson: '', ...piece } as const)
    : ({ kind: 'extend', at, ...piece } as const)
  return { roomId, change }
}

/** Stands before a row that is followed. */
export function traceFrame(roomId: string, traceparent: string): string {
  return `W${JSON.stringify([roomId, traceparent])}\n`
}

/** What the script puts one after another into a message. A kind that this version does not know is left out. */
export function parseFrames(text: string, from = 0): Frame[] {
  const frames: Frame[] = []
  let trace: readonly [roomId: string, traceparent: string] | undefined
  for (let at = from; at < text.length; ) {
    if (text[at] === 'E') {
      const reader = new Reader(text, at + 1)
      const roomLength = reader.number()
      const epoch = reader.cut(EPOCH_LENGTH)
      const roomId = reader.cut(roomLength)
      const { row, end } = parseRow(roomId, text, reader.at)
      frames.push({ kind: 'row', epoch, row, traceparent: trace?.[0] === roomId ? trace[1] : undefined })
      trace = undefined
      at = end
      continue
    }
    const end = text.indexOf('\n', at)
    const stop = end < 0 ? text.length : end
    const kind = KINDS[text[at] as string]
    if (kind) frames.push({ kind, body: JSON.parse(text.slice(at + 1, stop)) as unknown })
    else if (text[at] === 'W') trace = JSON.parse(text.slice(at + 1, stop)) as typeof trace
    at = stop + 1
  }
  return frames
}

export interface Message {
  /** Which message of this mailbox. */
  readonly k: number
  /** The node's latest call that was executed before it. */
  readonly c: number
  readonly frames: string
}

export function parseMessage(text: string): Message {
  const reader = new Reader(text, 0)
  const k = reader.number()
  const c = reader.number()
  return { k, c, frames: text.slice(reader.at) }
}
