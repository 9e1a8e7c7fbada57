/**
 * Deletes from the file what may no longer be read, a slice at a time, each in one transaction: events that are too old,
 * keys that are too old or too many, events above a room's retention, and, when the file is full, the oldest of the
 * largest writer. The rooms in memory change only after the commit.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { LogLimits } from '../log.ts'
import { type Command, command, type Query, query } from './connection.ts'
import type { SqliteNamespace } from './namespaces.ts'
import type { SqliteRoom } from './rooms.ts'
import { EMPTIED, EVENT_BYTES, type SqliteUsage, type SqliteWriter } from './writer.ts'

export interface TrimOptions {
  readonly db: DatabaseSync
  readonly writer: SqliteWriter
  readonly limits: LogLimits
  readonly namespaces: ReadonlyMap<number, SqliteNamespace>
  readonly onFull: ((events: number) => void) | undefined
}

interface OldEvent {
  readonly id: number
  readonly room: number
  readonly seq: number
  readonly n: number
  readonly ts: number
}

/** Events of a room below `upTo` go. */
interface Cut {
  readonly room: SqliteRoom
  readonly upTo: number
  /** The commit of the last of them. */
  readonly n: number
}

/** A room lost its oldest events, up to this one. */
interface Lost {
  readonly ns: number
  readonly name: string
  readonly seq: number
  readonly n: number
}

interface Taken {
  readonly rows: number
  readonly lost: readonly Lost[]
  /** Nothing was found, and there are events that are not in the index yet. */
  readonly isIndexing: boolean
}

/** From this fullness on events are indexed by writer, so that all of them are when the file is full. */
const INDEX_FULLNESS = 0.5
/** Events indexed at a time, about 2 ms. */
const INDEX_ROWS = 2_000
/** How many times at most one attempt to free space indexes more events. */
const INDEX_STEPS = 20
/** Of all bytes, how much is freed beyond what is too much, so that not every append has to free as much again. */
const FREED_SHARE = 0.02

export class SqliteTrim {
  private readonly options: TrimOptions
  private readonly index: WriterIndex
  private readonly space: SpaceTaker
  private readonly oldestEvents: Query<OldEvent>
  private readonly oldestKeys: Query<{ id: number; ts: number }>
  private readonly newestKey: Query<{ id: number | null }>
  private readonly keyBytes: Query<{ bytes: number | null }>
  private readonly selectCommit: Query<{ n: number }>
  private readonly weighUpTo: Query<{ writer: number; bytes: number }>
  private readonly weighBelow: Query<{ writer: number; bytes: number }>
  private readonly deleteEvents: Command
  private readonly deleteKeys: Command
  private readonly deleteBelow: Command
  private readonly rememberTrimmed: Command
  private readonly rememberSeq: Query<{ ns: number; name: string }>

  constructor(options: TrimOptions) {
    const { db } = options
    this.options = options
    this.index = new WriterIndex(db)
    this.space = new SpaceTaker(db, options.writer.usage, this.index)
    this.oldestEvents = query(db, 'SELECT id, room, seq, n, ts FROM events ORDER BY id LIMIT ?')
    this.oldestKeys = query(db, 'SELECT id, ts FROM keys ORDER BY id LIMIT ?')
    this.newestKey = query(db, 'SELECT max(id) AS id FROM keys')
    this.keyBytes = query(
      db,
      `SELECT avg(length(key) * 2 + length(scope) * 2 + length(fingerprint) + coalesce(length(reply), 0)) + 60 AS bytes
        FROM (SELECT * FROM keys ORDER BY id DESC LIMIT 100)`,
    )
    const weight = `SELECT writer, sum(coalesce(octet_length(args), 0) + ${EVENT_BYTES}) AS bytes FROM events`
    this.weighUpTo = query(db, `${weight} WHERE id <= ? GROUP BY writer`)
    this.weighBelow = query(db, `${weight} WHERE room = ? AND seq < ? GROUP BY writer`)
    this.deleteEvents = command(db, 'DELETE FROM events WHERE id <= ?')
    this.deleteKeys = command(db, 'DELETE FROM keys WHERE id <= ?')
    this.deleteBelow = command(db, 'DELETE FROM events WHERE room = ? AND seq < ?')
    this.selectCommit = query(db, 'SELECT n FROM events WHERE room = ? AND seq = ?')
    this.rememberTrimmed = command(db, 'UPDATE rooms SET trimmed_n = max(trimmed_n, ?) WHERE id = ?')
    this.rememberSeq = query(
      db,
      `UPDATE rooms SET seq = max(seq, ?), trimmed_n = max(trimmed_n, ?), ts = max(ts, ?)
        WHERE id = ? RETURNING ns, name`,
    )
  }

  /** What the file holds, as a part of what it may hold: 1 is full. */
  get fullness(): number {
    return this.options.writer.usage.total / this.options.limits.dataMaxBytes
  }

  /**
   * @param overfull rooms with events below their first readable one
   * @param max rows that may go of each kind
   * @returns whether there may be more to do
   */
  slice(overfull: ReadonlySet<SqliteRoom>, nowMs: number, max: number): boolean {
    const { limits } = this.options
    const events = this.findEvents(nowMs - limits.retentionMs, max)
    const lastKey = this.findKey(nowMs - limits.dedupeWindowMs, max)
    const cuts = this.findCuts(overfull, max)
    if (events.length > 0 || lastKey !== undefined || cuts.length > 0) {
      const emptied = this.options.writer.transaction(() => {
        if (lastKey !== undefined) this.deleteKeys.run(lastKey)
        this.deleteRows(cuts, nowMs)
        return this.deleteOldest(events)
      })
      for (const { room, upTo, n } of cuts) raise(room, upTo, n)
      this.raiseAll(emptied)
    }
    const isIndexing = this.fullness > INDEX_FULLNESS && this.indexMore() === INDEX_ROWS
    return this.freeSpace(max) || isIndexing || events.length > 0 || lastKey !== undefined || cuts.length > 0
  }

  /** Deletes up to `max` rows if the file is full. @returns whether it was */
  freeSpace(max: number): boolean {
    const { writer, limits, onFull } = this.options
    const { usage } = writer
    if (usage.total <= limits.dataMaxBytes) return false
    const aim = limits.dataMaxBytes * (1 - FREED_SHARE)
    let left = max
    while (left > 0 && usage.total > aim) {
      const taken = writer.transaction(() => {
        usage.save()
        return this.space.take(usage.total - aim, left) ?? this.takeOldest(left)
      })
      this.raiseAll(taken.lost)
      if (taken.rows === 0) return taken.isIndexing
      left -= taken.rows
      onFull?.(taken.rows)
    }
    return true
  }

  private indexMore(): number {
    return this.options.writer.transaction(() => this.index.advance())
  }

  /** Where no writer has any events. */
  private takeOldest(max: number): Taken {
    const events = this.findEvents(Number.POSITIVE_INFINITY, max)
    return { rows: events.length, lost: this.deleteOldest(events), isIndexing: false }
  }

  private raiseAll(rooms: readonly Lost[]): void {
    for (const { ns, name, seq, n } of rooms) {
      const room = this.options.namespaces.get(ns)?.rooms.loaded(name)
      if (room) raise(room, seq + 1, n)
    }
  }

  private findEvents(cutoffTs: number, max: number): OldEvent[] {
    return takeWhile(this.oldestEvents.all(max), ({ ts }) => ts < cutoffTs)
  }

  /** @returns the last key that goes */
  private findKey(cutoffTs: number, max: number): number | undefined {
    // Ids are given one by one, so their span is their number, or a little more where a key was bound again.
    const newest = this.newestKey.get()?.id ?? 0
    const firstKept = newest - this.keysMax() + 1
    return takeWhile(this.oldestKeys.all(max), ({ id, ts }) => ts < cutoffTs || id < firstKept).at(-1)?.id
  }

  /** Keys may take as much again as events, so that a small file is not full of them. */
  private keysMax(): number {
    const { dedupeMax, dataMaxBytes } = this.options.limits
    if (dataMaxBytes === Number.POSITIVE_INFINITY) return dedupeMax
    return Math.min(dedupeMax, Math.ceil(dataMaxBytes / (this.keyBytes.get()?.bytes ?? 1)))
  }

  private deleteRows(cuts: readonly Cut[], nowMs: number): void {
    for (const { room, upTo, n } of cuts) {
      this.discount(this.weighBelow.all(room.id, upTo))
      this.deleteBelow.run(room.id, upTo)
      if (upTo > room.seq) this.rememberSeq.all(room.seq, n, Math.trunc(nowMs), room.id)
      else this.rememberTrimmed.run(n, room.id)
    }
  }

  /** @returns the rooms they were of, each with its latest number among them */
  private deleteOldest(events: readonly OldEvent[]): Lost[] {
    const last = events.at(-1)
    if (last === undefined) return []
    this.discount(this.weighUpTo.all(last.id))
    this.deleteEvents.run(last.id)
    const lastOfRooms = new Map(events.map((event) => [event.room, event]))
    return Array.from(lastOfRooms.values()).flatMap(({ room, seq, n, ts }) => {
      return this.rememberSeq.all(seq, n, ts, room).map((found) => ({ ...found, seq, n }))
    })
  }

  private discount(weights: readonly { writer: number; bytes: number }[]): void {
    for (const { writer, bytes } of weights) this.options.writer.usage.count(writer, -bytes)
  }

  private findCuts(overfull: ReadonlySet<SqliteRoom>, max: number): Cut[] {
    const cuts: Cut[] = []
    let left = max
    for (const room of overfull) {
      if (left <= 0) break
      const upTo = Math.min(room.first, room.kept + left)
      left -= upTo - room.kept
      cuts.push({ room, upTo, n: this.selectCommit.get(room.id, upTo - 1)?.n ?? room.trimmedN })
    }
    return cuts
  }
}

/** Everything below `first` is gone; the last of it was of commit `n`. */
function raise(room: SqliteRoom, first: number, n: number): void {
  room.first = Math.max(room.first, first)
  room.kept = Math.max(room.kept, first)
  room.trimmedN = Math.max(room.trimmedN, n)
}

function takeWhile<T>(items: readonly T[], isTaken: (item: T) => boolean): T[] {
  const end = items.findIndex((item) => !isTaken(item))
  return end < 0 ? [...items] : items.slice(0, end)
}

interface Owned {
  readonly id: number
  readonly room: number
  readonly seq: number
  readonly n: number
  readonly ts: number
  readonly bytes: number
}

interface Front {
  readonly id: number
  readonly seq: number
  readonly n: number
  readonly ts: number
  readonly writer: number
}

/**
 * Frees bytes of a full file: removes the oldest events of the largest writer. An event behind older ones of other writers
 * in the same room is emptied instead and keeps its number, like a redacted one, since a room's numbers have no holes.
 */
class SpaceTaker {
  private readonly usage: SqliteUsage
  private readonly index: WriterIndex
  private readonly oldestOf: Query<Owned>
  private readonly front: Query<Front>
  private readonly remove: Command
  private readonly empty: Command
  private readonly remember: Query<{ ns: number; name: string }>

  constructor(db: DatabaseSync, usage: SqliteUsage, index: WriterIndex) {
    this.usage = usage
    this.index = index
    this.oldestOf = query(
      db,
      `SELECT id, room, seq, n, ts, coalesce(octet_length(args), 0) AS bytes FROM events
        WHERE writer = ? AND writer <> ${EMPTIED} AND is_indexed = 1 ORDER BY id LIMIT ?`,
    )
    this.front = query(db, 'SELECT id, seq, n, ts, writer FROM events WHERE room = ? ORDER BY seq LIMIT 1')
    this.remove = command(db, 'DELETE FROM events WHERE id = ?')
    this.empty = command(db, `UPDATE events SET args = NULL, writer = ${EMPTIED} WHERE id = ?`)
    this.remember = query(
      db,
      `UPDATE rooms SET seq = max(seq, ?), trimmed_n = max(trimmed_n, ?), ts = max(ts, ?)
        WHERE id = ? RETURNING ns, name`,
    )
  }

  /**
   * Within a transaction, after the usage was saved.
   * @param bytes to free; stops earlier when the largest writer has become the second largest
   * @returns nothing when no writer has any events
   */
  take(bytes: number, rowsMax: number): Taken | undefined {
    const largest = this.usage.largest()
    if (largest === undefined) return undefined
    const { events, isIndexing } = this.findOldest(largest.id, rowsMax)
    if (isIndexing) return { rows: 0, lost: [], isIndexing }
    if (events.length === 0) {
      this.usage.clear(largest.id, largest.bytes) // counted too high
      return { rows: 1, lost: [], isIndexing }
    }
    // At least a sixteenth at once, or two writers of equal size would alternate row by row.
    const share = Math.min(bytes, Math.max(largest.bytes - largest.next, largest.bytes / 16))
    const fronts = new Map<number, Front | undefined>()
    const gone = new Map<number, Front>()
    let freed = 0
    let rows = 0
    for (const event of events) {
      if (rows > 0 && freed >= share) break
      rows++
      freed += event.bytes + EVENT_BYTES
      this.usage.count(largest.id, -event.bytes - EVENT_BYTES)
      if (!fronts.has(event.room)) fronts.set(event.room, this.front.get(event.room))
      let front = fronts.get(event.room)
      if (front?.id !== event.id) {
        this.empty.run(event.id)
        this.usage.count(EMPTIED, EVENT_BYTES)
        continue
      }
      this.remove.run(event.id)
      gone.set(event.room, front)
      // Emptied events that are now the room's oldest go too.
      front = this.front.get(event.room)
      while (front?.writer === EMPTIED) {
        this.remove.run(front.id)
        this.usage.count(EMPTIED, -EVENT_BYTES)
        gone.set(event.room, front)
        front = this.front.get(event.room)
      }
      fronts.set(event.room, front)
    }
    const lost = Array.from(gone).flatMap(([room, { seq, n, ts }]) => {
      return this.remember.all(seq, n, ts, room).map((found) => ({ ...found, seq, n }))
    })
    return { rows, lost, isIndexing }
  }

  private findOldest(writer: number, max: number): { events: Owned[]; isIndexing: boolean } {
    for (let steps = 0; steps < INDEX_STEPS; steps++) {
      const events = this.oldestOf.all(writer, max)
      if (events.length > 0 || this.index.advance() === 0) return { events, isIndexing: false }
    }
    return { events: [], isIndexing: true }
  }
}

/**
 * Fills the index of events by writer in the order of events: it is behind, but has no holes, so that the first event of a
 * writer in it is also that writer's oldest.
 */
class WriterIndex {
  private readonly next: Query<{ from: number; to: number | null; rows: number }>
  private readonly include: Command
  private readonly save: Command

  constructor(db: DatabaseSync) {
    this.next = query(
      db,
      `SELECT indexed_id AS "from", max(next.id) AS "to", count(*) AS rows FROM file,
        (SELECT id FROM events WHERE id > (SELECT indexed_id FROM file) ORDER BY id LIMIT ${INDEX_ROWS}) AS next`,
    )
    this.include = command(db, 'UPDATE events SET is_indexed = 1 WHERE id > ? AND id <= ?')
    this.save = command(db, 'UPDATE file SET indexed_id = ?')
  }

  /** Within a transaction: adds the next events, up to `INDEX_ROWS`. @returns how many */
  advance(): number {
    const { from, to, rows } = this.next.get() ?? { from: 0, to: null, rows: 0 }
    if (to === null) return 0
    this.include.run(from, to)
    this.save.run(to)
    return rows
  }
}
