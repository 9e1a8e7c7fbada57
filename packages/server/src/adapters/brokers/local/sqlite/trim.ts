/**
 * Takes out of the file what nobody may read any more, a slice at a time, each in one transaction: the oldest events when
 * they are too old or there are too many bytes, keys past their window or above their number, and events above a room's
 * retention. What is remembered in memory changes only when the slice is committed.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { LogLimits } from '../log.ts'
import type { SqliteNamespace } from './namespace.ts'
import type { SqliteRoom } from './rooms.ts'
import { type Command, command, type Query, query } from './statements.ts'
import type { SqliteWriter } from './writer.ts'

export interface TrimOptions {
  readonly db: DatabaseSync
  readonly writer: SqliteWriter
  readonly limits: LogLimits
  readonly namespaces: ReadonlyMap<number, SqliteNamespace>
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

export class SqliteTrim {
  private readonly options: TrimOptions
  private readonly oldestEvents: Query<OldEvent>
  private readonly oldestKeys: Query<{ id: number; ts: number }>
  private readonly newestKey: Query<{ id: number | null }>
  private readonly usedBytes: Query<{ bytes: number }>
  private readonly selectCommit: Query<{ n: number }>
  private readonly deleteEvents: Command
  private readonly deleteKeys: Command
  private readonly deleteBelow: Command
  private readonly rememberTrimmed: Command
  private readonly rememberSeq: Query<{ ns: number; name: string }>

  constructor(options: TrimOptions) {
    const { db } = options
    this.options = options
    this.oldestEvents = query(db, 'SELECT id, room, seq, n, ts FROM events ORDER BY id LIMIT ?')
    this.oldestKeys = query(db, 'SELECT id, ts FROM keys ORDER BY id LIMIT ?')
    this.newestKey = query(db, 'SELECT max(id) AS id FROM keys')
    const pages = '(SELECT page_count FROM pragma_page_count()) - (SELECT freelist_count FROM pragma_freelist_count())'
    this.usedBytes = query(db, `SELECT (${pages}) * (SELECT page_size FROM pragma_page_size()) AS bytes`)
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

  /**
   * @param overfull rooms with events below their first readable one
   * @param max rows that may go of each kind
   * @returns whether there may be more to do
   */
  slice(overfull: ReadonlySet<SqliteRoom>, nowMs: number, max: number): boolean {
    const { limits, writer } = this.options
    const isOverBytes = (this.usedBytes.get()?.bytes ?? 0) > limits.dataMaxBytes
    const events = this.findEvents(isOverBytes ? Number.POSITIVE_INFINITY : nowMs - limits.retentionMs, max)
    // What is dropped for its bytes takes the keys of its time with it.
    const bytesCutoffTs = isOverBytes ? (events.at(-1)?.ts ?? Number.POSITIVE_INFINITY) : 0
    const lastKey = this.findKey(Math.max(nowMs - limits.dedupeWindowMs, bytesCutoffTs), max)
    const cuts = this.findCuts(overfull, max)
    if (events.length === 0 && lastKey === undefined && cuts.length === 0) return false
    const emptied = writer.transaction(() => {
      if (lastKey !== undefined) this.deleteKeys.run(lastKey)
      this.deleteRows(cuts, nowMs)
      return this.deleteOldest(events)
    })
    for (const { room, upTo, n } of cuts) raise(room, upTo, n)
    for (const { ns, name, seq, n } of emptied) {
      const room = this.options.namespaces.get(ns)?.rooms.known(name)
      if (room) raise(room, seq + 1, n)
    }
    return true
  }

  private findEvents(cutoffTs: number, max: number): OldEvent[] {
    return takeWhile(this.oldestEvents.all(max), ({ ts }) => ts < cutoffTs)
  }

  /** @returns the last key that goes */
  private findKey(cutoffTs: number, max: number): number | undefined {
    // Ids are given one by one, so their span is their number, or a little more where a key was bound anew.
    const firstKept = (this.newestKey.get()?.id ?? 0) - this.options.limits.dedupeMax + 1
    return takeWhile(this.oldestKeys.all(max), ({ id, ts }) => ts < cutoffTs || id < firstKept).at(-1)?.id
  }

  private deleteRows(cuts: readonly Cut[], nowMs: number): void {
    for (const { room, upTo, n } of cuts) {
      this.deleteBelow.run(room.id, upTo)
      if (upTo > room.seq) this.rememberSeq.all(room.seq, n, Math.trunc(nowMs), room.id)
      else this.rememberTrimmed.run(n, room.id)
    }
  }

  /** @returns the rooms they were of, each with its latest number among them */
  private deleteOldest(events: readonly OldEvent[]): { ns: number; name: string; seq: number; n: number }[] {
    const last = events.at(-1)
    if (last === undefined) return []
    this.deleteEvents.run(last.id)
    const lastOfRooms = new Map(events.map((event) => [event.room, event]))
    return Array.from(lastOfRooms.values()).flatMap(({ room, seq, n, ts }) => {
      return this.rememberSeq.all(seq, n, ts, room).map((found) => ({ ...found, seq, n }))
    })
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
