/**
 * What becomes of a batch, in one place for the local logs, and the reference for others: numbers in the order of entries,
 * repeats recognised by their key, atomic groups stored together or not at all. The log only looks up, claims and stores.
 * G2, G3.
 */
import { ERROR_CODES } from '@roomful/protocol'
import type {
  Append,
  Appended,
  AppendedRow,
  AppendKey,
  FactChange,
  RateLimit,
  Refused,
  Repeated,
  StoredRow,
} from '../../../core/ports/broker.ts'
import { isEvent, isStateChange, keyOfFact } from '../../../core/ports/facts.ts'
import type { Limiter } from '../../../core/ports/system.ts'
import { applyChange, REFUSALS, refusalOf, refusedState, type TextStore } from './texts.ts'

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
  readonly texts: TextStore<Room>
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
  /** Of the room's log. */
  epochOf(room: Room): string
  /** The row is there, and was not redacted. */
  hasContent(room: Room, seq: number): boolean
  /** Adds the row as the room's next and counts it. @returns the row, if it is kept in memory */
  store(room: Room, entry: Append, n: number, seq: number, ts: number): StoredRow | undefined
}

/** The row is no field: results are compared and copied by their numbers. */
class Stored implements AppendedRow {
  readonly status = 'stored'
  readonly n: number
  readonly seq: number
  readonly ts: number
  readonly #row: StoredRow | undefined

  constructor(n: number, seq: number, ts: number, row: StoredRow | undefined) {
    this.n = n
    this.seq = seq
    this.ts = ts
    this.#row = row
  }

  get row(): StoredRow | undefined {
    return this.#row
  }
}

/** What became of the first member of a group decides for the others. */
interface Fate {
  readonly first: Appended
  parts: number
}

/** Of a {@link RateLimit}. */
export const MINUTE_MS = 60_000
const COUNTED: Readonly<Record<RateLimit['counts'], string>> = { message: 'messages', 'new-room': 'new rooms' }

const CONFLICT: Refused = { status: 'refused', code: 'CONFLICT', message: ERROR_CODES.CONFLICT.message }
const GONE: Refused = {
  status: 'refused',
  code: 'NOT_FOUND',
  message: 'The event that this is about is there no more',
}

const TOO_LARGE: Appended = { status: 'refused', code: 'TOO_LARGE', message: ERROR_CODES.TOO_LARGE.message }

export class AppendBatch<Room extends { readonly seq: number }> {
  private readonly target: BatchTarget<Room>
  private readonly eventMax: number
  private readonly limiter: Limiter
  /** What this batch has counted. */
  private readonly taken: string[] = []
  /** Made only for batches with groups, which are few. */
  private fates: Map<number, Fate> | undefined

  constructor(target: BatchTarget<Room>, eventMax: number, limiter: Limiter) {
    this.target = target
    this.eventMax = eventMax
    this.limiter = limiter
  }

  /** @param nowMs the clock; `ts` never goes below the counter's */
  run(entries: readonly Append[], counter: Counter, nowMs: number): Appended[] {
    counter.ts = Math.max(Math.trunc(nowMs), counter.ts)
    this.fates = undefined
    this.taken.length = 0
    for (const { atomicGroup, argsJson } of entries) {
      if (atomicGroup !== undefined && argsJson.length > this.eventMax) this.decide(atomicGroup, TOO_LARGE)
    }
    const results = new Array<Appended>(entries.length)
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Append
      const before = entry.sharesLimits ? results[i - 1] : undefined
      const limited = before?.status === 'refused' && before.limit !== undefined ? before : undefined
      results[i] =
        entry.atomicGroup === undefined
          ? (limited ?? this.single(entry, counter))
          : this.member(entry, entry.atomicGroup, counter, entries, limited)
    }
    return results
  }

  /** Nothing of the last batch was stored. */
  rollBack(): void {
    this.giveBack(0)
  }

  private single(entry: Append, counter: Counter, members?: readonly Append[]): Appended {
    if (entry.argsJson.length > this.eventMax) return TOO_LARGE
    // What stores nothing makes no room.
    const isNew = !this.target.hasRoom(entry.roomId)
    const other = (members ?? [entry]).find((each) => this.isOfOtherLog(each))
    const isGone = entry.aboutSeq !== undefined && (isNew || !this.hasContent(entry, entry.aboutSeq))
    if (other || isGone || (isNew && entry.key !== undefined)) {
      const first = entry.key && this.target.find(entry.key, 0, counter.ts)
      if (first !== undefined) return repeat(entry.key as AppendKey, first)
      if (other) return this.otherLog(other)
      if (isGone) return GONE
    }
    const refusal = this.changeRefusal(members ?? [entry])
    if (refusal) {
      const first = entry.key && this.target.find(entry.key, 0, counter.ts)
      return first === undefined ? refusal : repeat(entry.key as AppendKey, first)
    }
    const before = this.taken.length
    const limited = members ? this.takeAll(members) : entry.limits && this.take(entry.limits, isNew)
    if (limited) {
      this.giveBack(before)
      const first = entry.key && this.target.find(entry.key, 0, counter.ts)
      return first === undefined ? limited : repeat(entry.key as AppendKey, first)
    }
    const room = this.target.room(entry.roomId)
    if (entry.key !== undefined) {
      const first = this.target.claim(entry.key, 0, firstCommit(entry.key, room, counter, entry.ack))
      if (first !== undefined) {
        this.giveBack(before)
        return repeat(entry.key, first)
      }
    }
    return this.store(room, entry, counter)
  }

  /** Of the first that cannot be done. What they are about must be there before any of them is stored. */
  private changeRefusal(entries: readonly Append[]): Refused | undefined {
    for (const { change, roomId } of entries) {
      if (change === undefined) continue
      const makesRoom = change.kind === 'begin' || isStateChange(change)
      if (!makesRoom && !this.target.hasRoom(roomId)) return GONE
      if (!this.target.hasRoom(roomId)) {
        // A room that is made for it has none yet, and what it must have cannot be there.
        const version = change.kind === 'set' || change.kind === 'delete' ? (change.version ?? 0) : 0
        if (version > 0) return refusedState('S', 0, undefined)
        continue
      }
      const refusal = refusalOf(this.target.texts, this.target.room(roomId), change)
      if (refusal) return refusal
    }
    return undefined
  }

  /** Counts one of each. @returns the refusal of the first that has none left */
  private take(limits: readonly RateLimit[], isNewRoom: boolean): Refused | undefined {
    for (const limit of limits) {
      if (limit.counts === 'new-room' && !isNewRoom) continue
      const waitMs = this.limiter.take(limit.scope, limit.perMinute, MINUTE_MS)
      if (waitMs > 0) return limitRefusal(limit, waitMs)
      this.taken.push(limit.scope)
    }
    return undefined
  }

  private takeAll(members: readonly Append[]): Refused | undefined {
    const made = new Set<string>()
    for (const { limits, roomId } of members) {
      const limited = limits && this.take(limits, !made.has(roomId) && !this.target.hasRoom(roomId))
      if (limited) return limited
      made.add(roomId)
    }
    return undefined
  }

  private giveBack(to: number): void {
    while (this.taken.length > to) this.limiter.giveBack(this.taken.pop() as string)
  }

  private isOfOtherLog({ roomId, epoch }: Append): boolean {
    if (epoch === undefined) return false
    return !this.target.hasRoom(roomId) || this.target.epochOf(this.target.room(roomId)) !== epoch
  }

  /** A version of state is another one there, so the refusal says which there is. */
  private otherLog({ roomId, change }: Append): Refused {
    if (change?.kind !== 'set' && change?.kind !== 'delete') return REFUSALS.P
    const known = this.target.hasRoom(roomId)
      ? this.target.texts.fact(this.target.room(roomId), keyOfFact(change))
      : undefined
    return refusedState('S', known?.version ?? 0, known?.value)
  }

  private hasContent({ roomId }: Append, seq: number): boolean {
    return this.target.hasContent(this.target.room(roomId), seq)
  }

  private member(
    entry: Append,
    group: number,
    counter: Counter,
    entries: readonly Append[],
    limited: Refused | undefined,
  ): Appended {
    const fate = this.fates?.get(group)
    if (fate === undefined) {
      const members = entries.filter(({ atomicGroup }) => atomicGroup === group)
      return this.decide(group, limited ?? this.single(entry, counter, members))
    }
    const part = ++fate.parts
    if (fate.first.status === 'duplicate') {
      const first = entry.key && this.target.find(entry.key, part, counter.ts)
      return first === undefined ? CONFLICT : repeat(entry.key as AppendKey, first)
    }
    if (fate.first.status !== 'stored' && fate.first.status !== 'changed') return fate.first
    const room = this.target.room(entry.roomId)
    if (entry.key !== undefined) this.target.claim(entry.key, part, firstCommit(entry.key, room, counter, undefined))
    return this.store(room, entry, counter)
  }

  private decide(group: number, first: Appended): Appended {
    this.fates ??= new Map()
    this.fates.set(group, { first, parts: 0 })
    return first
  }

  private store(room: Room, entry: Append, counter: Counter): Extract<Appended, { status: 'stored' | 'changed' }> {
    const { change } = entry
    if (change && !isEvent(entry)) return this.change(room, change, counter)
    const n = counter.n + 1
    const seq = room.seq + 1
    // What ends may be the oldest row of a room that is full, and gone with the next one.
    if (change?.kind === 'end') applyChange(this.target.texts, room, change, seq, counter.ts)
    const row = this.target.store(room, entry, n, seq, counter.ts)
    counter.n = n
    if (change && change.kind !== 'end') applyChange(this.target.texts, room, change, seq, counter.ts)
    return new Stored(n, seq, counter.ts, row)
  }

  private change(room: Room, change: FactChange, { ts }: Counter): Extract<Appended, { status: 'changed' }> {
    return { status: 'changed', ts, ...applyChange(this.target.texts, room, change, 0, ts) }
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

/** That no more of a minute is left. */
export function limitRefusal({ counts, perMinute }: RateLimit, retryAfterMs: number): Refused {
  const message = `Rate limit exceeded: ${perMinute} ${COUNTED[counts]} a minute`
  return { status: 'refused', code: 'RATE_LIMITED', message, retryAfterMs, limit: counts }
}

/** Who is charged for an entry's bytes. What the server itself writes counts per room, so that a busy one pays for itself. */
export function writerOf(namespace: string, { writer, userId, roomId }: Append): string {
  return writer ?? userId ?? `room:${namespace} ${roomId}`
}
