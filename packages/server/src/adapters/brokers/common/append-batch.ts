/**
 * What becomes of a batch, in one place for the local logs, and the reference for others: numbers in the order of entries,
 * repeats recognised by their key, atomic groups stored together or not at all. The log only looks up, claims and stores.
 * G2, G3.
 */
import { ERROR_CODES } from '@roomful/protocol'
import type { Append, Appended, AppendKey, Refused, Repeated } from '../../../core/ports/broker.ts'

/** What was stored first under a key: its numbers, and what the request was answered with. */
export interface FirstCommit {
  readonly fingerprint: string
  readonly n: number
  readonly seq: number
  readonly ts: number
  /** Known with the numbers, or saved later. */
  ack: string | undefined
}

/** Where a namespace's numbers stand; changed as the batch goes. */
export interface Counter {
  n: number
  ts: number
}

/** What a log does for a batch. `part` is the place of an entry within its atomic group, whose entries share one key. */
export interface BatchTarget<Room extends { readonly seq: number }> {
  hasRoom(roomId: string): boolean
  /** The room, made when it is missing. */
  room(roomId: string): Room
  /**
   * Binds the key to these numbers. Part 0 decides for its group: it leaves a binding that is still valid alone.
   * @returns that binding, else nothing
   */
  claim(key: AppendKey, part: number, first: FirstCommit): FirstCommit | undefined
  /** The binding that is still valid at `ts`. */
  find(key: AppendKey, part: number, ts: number): FirstCommit | undefined
  /** The row is there, and was not redacted. */
  hasContent(room: Room, seq: number): boolean
  /** Adds the row as the room's next and counts it. */
  store(room: Room, entry: Append, n: number, seq: number, ts: number): void
}

/** What became of the first member of a group decides for the others. */
interface Fate {
  readonly first: Appended
  parts: number
}

const CONFLICT: Refused = { status: 'refused', code: 'CONFLICT', message: ERROR_CODES.CONFLICT.message }
const GONE: Appended = {
  status: 'refused',
  code: 'NOT_FOUND',
  message: 'The event that this is about is there no more',
}
const LIMITED: Appended = { status: 'refused', code: 'RATE_LIMITED', message: ERROR_CODES.RATE_LIMITED.message }
const TOO_LARGE: Appended = { status: 'refused', code: 'TOO_LARGE', message: ERROR_CODES.TOO_LARGE.message }

export class AppendBatch<Room extends { readonly seq: number }> {
  private readonly target: BatchTarget<Room>
  private readonly eventMax: number
  /** Made only for batches with groups, which are few. */
  private fates: Map<number, Fate> | undefined

  constructor(target: BatchTarget<Room>, eventMax: number) {
    this.target = target
    this.eventMax = eventMax
  }

  /** @param nowMs the clock; `ts` never goes below the counter's */
  run(entries: readonly Append[], counter: Counter, nowMs: number): Appended[] {
    counter.ts = Math.max(Math.trunc(nowMs), counter.ts)
    this.fates = undefined
    for (const entry of entries) {
      if (entry.atomicGroup === undefined) continue
      if (entry.argsJson.length > this.eventMax) this.decide(entry.atomicGroup, TOO_LARGE)
      else if (this.lacksRoom(entry)) this.decide(entry.atomicGroup, this.withoutRoom(entry, counter))
    }
    const results = new Array<Appended>(entries.length)
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Append
      results[i] =
        entry.atomicGroup === undefined ? this.single(entry, counter) : this.member(entry, entry.atomicGroup, counter)
    }
    return results
  }

  private single(entry: Append, counter: Counter): Appended {
    if (entry.argsJson.length > this.eventMax) return TOO_LARGE
    if (this.lacksRoom(entry)) return this.withoutRoom(entry, counter)
    // What stores nothing makes no room.
    const isNew = !this.target.hasRoom(entry.roomId)
    const isGone = entry.aboutSeq !== undefined && (isNew || !this.hasContent(entry, entry.aboutSeq))
    if (isGone || (isNew && entry.key !== undefined)) {
      const first = entry.key && this.target.find(entry.key, 0, counter.ts)
      if (first !== undefined) return repeat(entry.key as AppendKey, first)
      if (isGone) return GONE
    }
    const isFirst = isNew && entry.mayCreate === true
    const room = this.target.room(entry.roomId)
    if (entry.key !== undefined) {
      const first = this.target.claim(entry.key, 0, firstCommit(entry.key, room, counter, entry.ack))
      if (first !== undefined) return repeat(entry.key, first)
    }
    const stored = this.store(room, entry, counter)
    return isFirst ? { ...stored, isFirst } : stored
  }

  private hasContent({ roomId }: Append, seq: number): boolean {
    return this.target.hasContent(this.target.room(roomId), seq)
  }

  private lacksRoom({ mayCreate, roomId }: Append): boolean {
    return mayCreate === false && !this.target.hasRoom(roomId)
  }

  /** A repeat needs no room. */
  private withoutRoom({ key }: Append, { ts }: Counter): Appended {
    const first = key && this.target.find(key, 0, ts)
    return first === undefined ? LIMITED : repeat(key as AppendKey, first)
  }

  private member(entry: Append, group: number, counter: Counter): Appended {
    const fate = this.fates?.get(group)
    if (fate === undefined) return this.decide(group, this.single(entry, counter))
    const part = ++fate.parts
    if (fate.first.status === 'duplicate') {
      const first = entry.key && this.target.find(entry.key, part, counter.ts)
      return first === undefined ? CONFLICT : repeat(entry.key as AppendKey, first)
    }
    if (fate.first.status !== 'stored') return fate.first
    const room = this.target.room(entry.roomId)
    if (entry.key !== undefined) this.target.claim(entry.key, part, firstCommit(entry.key, room, counter, undefined))
    return this.store(room, entry, counter)
  }

  private decide(group: number, first: Appended): Appended {
    this.fates ??= new Map()
    this.fates.set(group, { first, parts: 0 })
    return first
  }

  private store(room: Room, entry: Append, counter: Counter): Extract<Appended, { status: 'stored' }> {
    const n = counter.n + 1
    const seq = room.seq + 1
    this.target.store(room, entry, n, seq, counter.ts)
    counter.n = n
    return { status: 'stored', n, seq, ts: counter.ts }
  }
}

function firstCommit(
  { fingerprint }: AppendKey,
  room: { readonly seq: number },
  { n, ts }: Counter,
  ack: string | undefined,
): FirstCommit {
  return { fingerprint, n: n + 1, seq: room.seq + 1, ts, ack }
}

/** What a repeat gets: the first numbers, or that the key stands for something else. */
export function repeat(key: AppendKey, first: FirstCommit): Repeated | Refused {
  if (first.fingerprint !== key.fingerprint) return CONFLICT
  const { n, seq, ts, ack } = first
  return { status: 'duplicate', n, seq, ts, ...(typeof ack === 'string' ? { ack } : {}) }
}

/** Who is charged for an entry's bytes. What the server itself writes counts per room, so that a busy one pays for itself. */
export function writerOf(namespace: string, { writer, userId, roomId }: Append): string {
  return writer ?? userId ?? `room:${namespace} ${roomId}`
}
