/**
 * When the file is tidied: a sweep from time to time, and slices shortly one after the other while there is something to
 * delete. The more was written since the last slice, the more the next one deletes, so that the file stops growing under
 * any load.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../../../core/ports/system.ts'
import type { LogLimits } from '../log.ts'
import { type Command, command, type Query, query } from './connection.ts'
import type { SqliteNamespace } from './namespaces.ts'
import type { SqliteRoom } from './rooms.ts'
import type { SqliteSessions } from './sessions.ts'
import type { SqliteTrim } from './trim.ts'
import type { SqliteWriter } from './writer.ts'

const SWEEP_MS = 10_000
const SLICE_MS = 20
/** Rows of a slice, about 1 ms, or twice what was written since the last if that is more. */
const SLICE_ROWS = 500
/** Above this, a full file frees space within the append, however much is written meanwhile. */
const FULLNESS_MAX = 1.1
/** Writers without an event that are forgotten at a sweep. */
const IDLE_WRITERS = 500

export interface MaintenanceOptions {
  readonly clock: Clock
  readonly writer: SqliteWriter
  readonly trim: SqliteTrim
  readonly roomSweep: SqliteRoomSweep
  readonly sessions: SqliteSessions
  readonly report: (error: unknown) => void
}

export class SqliteMaintenance {
  private readonly options: MaintenanceOptions
  private readonly overfull = new Set<SqliteRoom>()
  /** Rows that the writer had written when the last slice began. */
  private slicedRows = 0
  private cancelSweep: () => void
  private cancelSlice: (() => void) | undefined

  constructor(options: MaintenanceOptions) {
    this.options = options
    this.cancelSweep = options.clock.after(SWEEP_MS, this.sweep)
  }

  /** The room is overfull. */
  trimSoon(room: SqliteRoom): void {
    this.overfull.add(room)
    this.scheduleSlice()
  }

  /** The file holds more than it may after `rows` were written. */
  freeSpace(rows: number): void {
    const { trim } = this.options
    if (trim.fullness > FULLNESS_MAX) this.attempt(() => void trim.freeSpace(Math.max(SLICE_ROWS, 2 * rows)))
    else this.scheduleSlice()
  }

  stop(): void {
    this.cancelSweep()
    this.cancelSlice?.()
  }

  /** At the end: what was counted since the last sweep. */
  saveUsage(): void {
    const { writer } = this.options
    this.attempt(() => writer.transaction(() => writer.usage.save()))
  }

  private scheduleSlice(): void {
    this.cancelSlice ??= this.options.clock.after(SLICE_MS, this.slice)
  }

  private readonly sweep = (): void => {
    const { clock, roomSweep, sessions, writer } = this.options
    this.cancelSweep = clock.after(SWEEP_MS, this.sweep)
    this.attempt(() => {
      writer.transaction(() => {
        sessions.sweep(clock.now())
        writer.usage.save()
        writer.usage.sweep(IDLE_WRITERS)
      })
      roomSweep.slice(clock.now())
      this.scheduleSlice()
    })
  }

  private readonly slice = (): void => {
    this.cancelSlice = undefined
    const { trim, clock, writer } = this.options
    const max = Math.max(SLICE_ROWS, 2 * (writer.rows - this.slicedRows))
    this.slicedRows = writer.rows
    this.attempt(() => {
      const isMore = trim.slice(this.overfull, clock.now(), max)
      for (const room of this.overfull) if (room.kept >= room.first) this.overfull.delete(room)
      if (isMore) this.scheduleSlice()
    })
  }

  /** The writer retries when the disk fails; here the next sweep does. */
  private attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.options.report(error)
    }
  }
}

export interface RoomSweepOptions {
  readonly db: DatabaseSync
  readonly writer: SqliteWriter
  readonly limits: LogLimits
  readonly namespaces: ReadonlyMap<number, SqliteNamespace>
  /** When this log was opened: a room that was not used since counts as idle from then on. */
  readonly openedAtMs: number
}

interface RoomRow {
  readonly id: number
  readonly ns: number
  readonly name: string
  readonly seq: number
  readonly ts: number
  readonly trimmed_n: number
  readonly fv: number
  readonly has_events: number
}

/** Rooms checked per sweep, about a millisecond. */
const SLICE_ROOMS = 1000

/** Forgets rooms that are empty and not retained: a walk over the table of rooms, some of them at each sweep. */
export class SqliteRoomSweep {
  private readonly options: RoomSweepOptions
  private readonly next: Query<RoomRow>
  private readonly remove: Command
  private readonly removeTexts: Command
  private readonly removePieces: Command
  private readonly removeFacts: Command
  private readonly rememberForgotten: Command
  private lastId = 0

  constructor(options: RoomSweepOptions) {
    this.options = options
    this.next = query(
      options.db,
      `SELECT id, ns, name, seq, ts, trimmed_n, fv, EXISTS (SELECT 1 FROM events WHERE room = rooms.id) AS has_events
        FROM rooms WHERE id > ? ORDER BY id LIMIT ?`,
    )
    this.remove = command(options.db, 'DELETE FROM rooms WHERE id = ?')
    this.removeTexts = command(options.db, 'DELETE FROM texts WHERE room = ?')
    this.removePieces = command(options.db, 'DELETE FROM pieces WHERE room = ?')
    this.removeFacts = command(options.db, 'DELETE FROM facts WHERE room = ?')
    this.rememberForgotten = command(options.db, 'UPDATE namespaces SET forgotten_n = max(forgotten_n, ?) WHERE id = ?')
  }

  /** Checks the next rooms, beginning again after the last. */
  slice(nowMs: number): void {
    const { writer, namespaces } = this.options
    const rows = this.next.all(this.lastId, SLICE_ROOMS)
    this.lastId = rows.length < SLICE_ROOMS ? 0 : (rows.at(-1)?.id ?? 0)
    const gone = rows.filter((row) => this.isForgettable(row, nowMs))
    if (gone.length === 0) return
    writer.transaction(() => {
      for (const { id, ns, trimmed_n } of gone) {
        this.remove.run(id)
        this.removeTexts.run(id)
        this.removePieces.run(id)
        this.removeFacts.run(id)
        if (trimmed_n > 0) this.rememberForgotten.run(trimmed_n, ns)
      }
    })
    for (const { ns, name, trimmed_n } of gone) namespaces.get(ns)?.forget(name, trimmed_n)
  }

  private isForgettable({ ns, name, seq, ts, fv, has_events }: RoomRow, nowMs: number): boolean {
    const { limits, namespaces, openedAtMs } = this.options
    if (has_events === 1 || fv > 0) return false // state stays
    const rooms = namespaces.get(ns)?.rooms
    if (rooms?.isRetained(name)) return false
    const idleSinceMs = rooms?.loaded(name)?.idleSinceMs ?? openedAtMs
    if (nowMs - idleSinceMs < limits.emptyRoomMs) return false
    return nowMs - ts >= (seq === 0 ? limits.emptyRoomMs : limits.retentionMs)
  }
}
