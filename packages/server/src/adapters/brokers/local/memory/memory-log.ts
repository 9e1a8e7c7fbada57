/**
 * The log in memory: for tests, for `ROOMFUL_DATA=:memory:`, and the disk of the simulator. A row is one object, made at
 * its append and handed out as it is; nothing is copied. Bounds: rows per room and age, where the oldest goes; bytes in all,
 * where the oldest of the writer goes that has most.
 */
import { SlidingWindowLimiter } from '../../../../core/base/sliding-window.ts'
import type {
  Append,
  Appended,
  AppendKey,
  GrowingRow,
  Head,
  ReadLimits,
  Refused,
  Repeated,
  ReturningMember,
  RoomSubscription,
  StoredState,
} from '../../../../core/ports/broker.ts'
import type { Clock, Random } from '../../../../core/ports/system.ts'
import { AppendBatch, type BatchTarget, type Counter, MINUTE_MS, repeat, writerOf } from '../../common/append-batch.ts'
import { type HistoryPage, seqAt, spanOf, takePage } from '../../common/reading.ts'
import { byName, type TextStore } from '../../common/texts.ts'
import {
  EPOCH_LENGTH,
  formatEpoch,
  isOfOtherLog,
  LOG_DEFAULTS,
  LOG_ID_LENGTH,
  type Log,
  type LogLimits,
  type LogOptions,
} from '../log.ts'
import { MemoryKeys } from './keys.ts'
import { type IdleRooms, MemoryRoom, MemoryRows, type MemoryText, rowsInOrder } from './rows.ts'
import { MemorySessions } from './sessions.ts'
import { startSweep } from './sweep.ts'

/** A log that keeps nothing should not fill the machine either. */
const DATA_MAX_BYTES = 256 * 1024 ** 2
/** Nothing in memory outlives a crash, so the tail of this log cannot be lost alone. */
const GENERATION = 1

interface MemoryNamespace extends Counter {
  readonly logId: string
  readonly rooms: MemoryRooms
  readonly batch: AppendBatch<MemoryRoom>
}

export function createMemoryLog(options: LogOptions): Log {
  return new MemoryLog(options)
}

class MemoryLog implements Log {
  private readonly options: LogOptions
  private readonly limits: LogLimits
  private readonly namespaces = new Map<string, MemoryNamespace>()
  private readonly rows = new MemoryRows()
  private readonly keys = new MemoryKeys()
  private readonly sessions: MemorySessions
  private readonly limiter: SlidingWindowLimiter
  private readonly idleRooms: IdleRooms = new Map()
  private readonly returning = new Map<string, ReturningMember[]>()
  private readonly endSweep: () => void

  constructor(options: LogOptions) {
    this.options = options
    this.limits = { ...LOG_DEFAULTS, dataMaxBytes: DATA_MAX_BYTES, ...options }
    this.sessions = new MemorySessions(this.limits.sessionsMax)
    this.limiter = new SlidingWindowLimiter(options.clock)
    this.endSweep = startSweep({ ...this.parts(), clock: options.clock, limits: this.limits })
  }

  open(namespace: string): { logId: string; n: number } {
    const { logId, n } = this.namespace(namespace)
    return { logId, n }
  }

  append(namespace: string, entries: readonly Append[]): Appended[] {
    const log = this.namespace(namespace)
    const results = log.batch.run(entries, log, this.options.clock.now())
    let events = 0
    while (this.rows.bytes + this.keys.bytes > this.limits.dataMaxBytes && this.makeRoom()) events++
    if (events > 0) this.options.onFull?.(events)
    return results
  }

  take(scope: string, perMinute: number): number {
    return this.limiter.take(scope, perMinute, MINUTE_MS)
  }

  isNewKey(namespace: string, key: AppendKey): boolean {
    return !this.keys.has(namespace, key)
  }

  findKey(namespace: string, key: AppendKey): Repeated | Refused | undefined {
    const first = this.keys.find(namespace, key, 0, this.options.clock.now() - this.limits.dedupeWindowMs)
    return first && repeat(key, first)
  }

  saveAck(namespace: string, key: AppendKey, ack: string): void {
    this.keys.saveAck(namespace, key, ack)
  }

  read(namespace: string, after: readonly { roomId: string; seq: number }[], limits: ReadLimits) {
    const { rooms } = this.namespace(namespace)
    const cursors = after.map(({ roomId, seq }) => rooms.find(roomId)?.cursor(seq))
    return takePage(rowsInOrder(cursors.filter((cursor) => cursor !== undefined)), limits)
  }

  positions(namespace: string, n: number, roomIds: readonly string[]) {
    const { rooms, n: latest } = this.namespace(namespace)
    const known = roomIds.map((roomId) => rooms.find(roomId)).filter((room) => room !== undefined)
    const positions = known.map((room) => {
      const { roomId, epoch } = toHead(room)
      return { roomId, epoch, seq: seqAt(room, n, latest, (seq) => room.at(seq)?.n) }
    })
    return { n: latest, forgottenN: rooms.forgottenN, positions }
  }

  history(namespace: string, roomId: string, page: HistoryPage) {
    const room = this.namespace(namespace).rooms.find(roomId)
    if (room === undefined) return { events: [], more: false }
    const { from, to, more } = spanOf(page, room.first, room.seq)
    return { events: room.slice(from, to), more, epoch: toHead(room).epoch }
  }

  growing(namespace: string, roomId: string): GrowingRow[] {
    const room = this.namespace(namespace).rooms.find(roomId)
    const found: GrowingRow[] = []
    for (const [seq, { fragments, length, ts }] of room?.texts ?? []) {
      const row = room?.at(seq)
      if (row !== undefined && !row.redacted) found.push({ row, fragment: fragments.join(''), length, ts })
    }
    return found
  }

  state(namespace: string, roomId: string): StoredState {
    const room = this.namespace(namespace).rooms.find(roomId)
    const facts = [...(room?.facts ?? [])].filter(([key]) => key.startsWith('s'))
    const entries = facts.map(([key, { value, version }]) => ({ name: key.slice(1), value, version }))
    return { fv: room?.fv ?? 0, entries: entries.sort(byName) }
  }

  readPositions(namespace: string, userId: string, roomIds: readonly string[]): number[] {
    const { rooms } = this.namespace(namespace)
    return roomIds.map((roomId) => rooms.find(roomId)?.facts.get(`r${userId}`)?.version ?? 0)
  }

  heads(namespace: string, roomIds: readonly string[]): Head[] {
    const { rooms } = this.namespace(namespace)
    const known = roomIds.map((roomId) => rooms.find(roomId)).filter((room) => room !== undefined)
    return known.map(toHead)
  }

  subscribe(namespace: string, subscriptions: readonly RoomSubscription[]): Head[] {
    const { rooms } = this.namespace(namespace)
    return subscriptions.map((subscription) => rooms.subscribe(subscription))
  }

  unsubscribe(namespace: string, roomIds: readonly string[]): void {
    const { rooms } = this.namespace(namespace)
    for (const roomId of roomIds) rooms.unsubscribe(roomId)
  }

  redact(namespace: string, roomId: string, seq: number, epoch?: string): boolean {
    const room = this.namespace(namespace).rooms.find(roomId)
    if (room === undefined || isOfOtherLog(epoch, toHead(room))) return false
    return this.rows.redact(room, seq)
  }

  redactUser(namespace: string, userId: string): number {
    let count = 0
    for (const room of this.namespace(namespace).rooms.all()) {
      for (const row of room.slice(room.first, room.seq)) {
        if (row.userId === userId && this.rows.redact(room, row.seq)) count++
      }
    }
    return count
  }

  mark(namespace: string, roomId: string): number {
    return this.namespace(namespace).rooms.find(roomId)?.mark ?? 0
  }

  setMark(namespace: string, roomId: string, seq: number, epoch?: string): void {
    const room = this.namespace(namespace).rooms.get(roomId)
    if (isOfOtherLog(epoch, toHead(room))) return
    room.mark = Math.max(room.mark, seq)
  }

  saveSession(...[session, ttlMs]: Parameters<Log['saveSession']>): void {
    this.sessions.save(session, this.options.clock.now() + ttlMs)
  }

  sessionsStored(): void {}

  findSession(namespace: string, id: string) {
    return this.sessions.find(namespace, id, this.options.clock.now())
  }

  dropSession(namespace: string, id: string): void {
    this.sessions.drop(namespace, id)
  }

  saveReturning(namespace: string, members: readonly ReturningMember[]): void {
    const kept = [...(this.returning.get(namespace) ?? []), ...members]
    this.returning.set(namespace, kept.slice(0, this.limits.returningMax))
  }

  takeReturning(namespace: string): ReturningMember[] {
    const kept = this.returning.get(namespace) ?? []
    this.returning.delete(namespace)
    return kept
  }

  healthy(): boolean {
    return true
  }

  close(): void {
    this.endSweep()
  }

  /** @returns false when nothing is left that could go */
  private makeRoom(): boolean {
    const isOfKeys = this.keys.bytes * 2 > this.limits.dataMaxBytes
    if (!isOfKeys && this.rows.dropFromLargest()) return true
    if (this.keys.size === 0) return false
    this.keys.dropOldest()
    return true
  }

  private namespace(name: string): MemoryNamespace {
    const known = this.namespaces.get(name)
    if (known !== undefined) return known
    const { clock, random } = this.options
    const rooms = new MemoryRooms({ ...this.parts(), clock, random, retention: this.limits.retention })
    const batch = new AppendBatch(this.target(name, rooms), this.limits.eventMax, this.limiter)
    const log = { logId: `1${random.id(LOG_ID_LENGTH)}`, n: 0, ts: 0, rooms, batch }
    this.namespaces.set(name, log)
    return log
  }

  private target(namespace: string, rooms: MemoryRooms): BatchTarget<MemoryRoom> {
    const { keys, rows, limits } = this
    return {
      hasRoom: (roomId) => rooms.find(roomId) !== undefined,
      room: (roomId) => rooms.get(roomId),
      find: (key, part, ts) => keys.find(namespace, key, part, ts - limits.dedupeWindowMs),
      claim: (key, part, first) => {
        const known = keys.claim(namespace, key, part, first, first.ts - limits.dedupeWindowMs)
        if (keys.size > limits.dedupeMax) keys.dropOldest()
        return known
      },
      epochOf: (room) => toHead(room).epoch,
      hasContent: (room, seq) => room.at(seq)?.redacted === false,
      texts: this.texts(),
      store: (room, entry, n, seq, ts) => {
        const { type, argsJson, userId, key, except } = entry
        // The id of the room is one text for all its rows.
        const row = { n, seq, ts, roomId: room.roomId, type, argsJson, userId, key: key?.key, redacted: false, except }
        rows.add(room, row, writerOf(namespace, entry))
        return row
      },
    }
  }

  private texts(): TextStore<MemoryRoom> {
    const { rows } = this
    const textOf = (room: MemoryRoom, seq: number) => room.texts.get(seq) as MemoryText
    return {
      argsOf: (room, seq) => {
        const row = room.at(seq)
        return row === undefined || row.redacted ? undefined : row.argsJson
      },
      rewrite: (room, seq, argsJson) => rows.rewrite(room, seq, argsJson),
      growing: (room, seq) => room.texts.get(seq),
      countGrowing: (room) => room.texts.size,
      begin: (room, seq, ts) => void room.texts.set(seq, { fragments: [], length: 0, ts }),
      extend: (room, seq, _at, fragment, length, ts) => {
        const text = textOf(room, seq)
        if (fragment !== '') text.fragments.push(fragment)
        text.length += length
        text.ts = ts
        rows.bytes += fragment.length
      },
      fragmentOf: (room, seq) => textOf(room, seq).fragments.join(''),
      end: (room, seq) => {
        for (const fragment of textOf(room, seq).fragments) rows.bytes -= fragment.length
        room.texts.delete(seq)
      },
      fact: (room, key) => room.facts.get(key),
      putFact: (room, key, value, version, isNew) => {
        rows.bytes += value.length - (room.facts.get(key)?.value.length ?? 0)
        if (isNew && key.startsWith('s')) room.names++
        room.facts.set(key, { value, version })
      },
      deleteFact: (room, key) => {
        rows.bytes -= room.facts.get(key)?.value.length ?? 0
        room.facts.delete(key)
        room.names--
      },
      countState: (room) => room.names,
      fv: (room) => room.fv,
      setFv: (room, fv) => {
        room.fv = fv
      },
    }
  }

  private parts() {
    const { rows, keys, sessions, idleRooms } = this
    return { rows, keys, sessions, idleRooms }
  }
}

interface MemoryRoomsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly rows: MemoryRows
  readonly idleRooms: IdleRooms
  /** Most rows per room that does not say otherwise. */
  readonly retention: number
}

/** The rooms of one namespace. */
class MemoryRooms {
  /** The latest commit of a room that was forgotten. */
  forgottenN = 0
  private readonly rooms = new Map<string, MemoryRoom>()
  private readonly options: MemoryRoomsOptions

  constructor(options: MemoryRoomsOptions) {
    this.options = options
  }

  find(roomId: string): MemoryRoom | undefined {
    return this.rooms.get(roomId)
  }

  all(): Iterable<MemoryRoom> {
    return this.rooms.values()
  }

  /** The room, made when it is missing. */
  get(roomId: string): MemoryRoom {
    const known = this.rooms.get(roomId)
    if (known !== undefined) return known
    const { random, clock, retention, rows } = this.options
    const room = new MemoryRoom(roomId, random.id(EPOCH_LENGTH), retention, clock.now())
    this.rooms.set(roomId, room)
    rows.addRoom()
    this.letIdle(room)
    return room
  }

  subscribe({ roomId, retention }: RoomSubscription): Head {
    const room = this.get(roomId)
    room.retention = retention ?? this.options.retention
    this.options.rows.trim(room)
    this.options.idleRooms.delete(room)
    return toHead(room)
  }

  unsubscribe(roomId: string): void {
    const room = this.rooms.get(roomId)
    if (room === undefined) return
    room.idleSinceMs = this.options.clock.now()
    this.letIdle(room)
  }

  private letIdle(room: MemoryRoom): void {
    const { idleRooms, rows } = this.options
    idleRooms.set(room, () => {
      idleRooms.delete(room)
      this.rooms.delete(room.roomId)
      this.forgottenN = Math.max(this.forgottenN, room.trimmedN)
      rows.forgetRoom()
    })
  }
}

function toHead({ roomId, epoch, seq, first, texts, fv }: MemoryRoom): Head {
  const head = { roomId, epoch: formatEpoch(epoch, GENERATION), seq, first }
  if (texts.size === 0 && fv === 0) return head
  return { ...head, ...(texts.size > 0 ? { isGrowing: true } : {}), ...(fv > 0 ? { hasState: true } : {}) }
}
