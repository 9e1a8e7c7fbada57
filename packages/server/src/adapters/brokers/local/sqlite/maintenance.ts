/**
 * When the file is tended to: a sweep from time to time, and slices soon one after the other while there is something to
 * take out. A slice takes more the more was written since the last, so that under any load the file stops growing.
 */

import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../../../core/ports/clock.ts'
import type { LogLimits } from '../log.ts'
import { type Command, command, type Query, query } from './connection.ts'
import type { SqliteNamespace } from './namespaces.ts'
import type { SqliteRoom } from './rooms.ts'
import type { SqliteSessions } from './sessions.ts'
import type { SqliteTrim } from './trim.ts'
import type { SqliteWriter, SqliteWriters } from './writer.ts'

const SWEEP_MS = 10_000
const SLICE_MS = 20
/** Rows of a slice, about 1 ms, and twice what was written since the last if that is more. */
const SLICE_ROWS = 500
/** Rows that a room may have in the file beyond its retention, as a part of it: trimming one by one would cost more. */
const SLACK = 0.1
const SLACK_MIN = 64
/** So far above its bytes the file is made room in at once, however much is written meanwhile. */
const FULLNESS_MAX = 1.1
/** Writers without an event that are forgotten at a sweep. */
const IDLE_WRITERS = 500

export interface UpkeepOptions {
  readonly clock: Clock
  readonly limits: LogLimits
  readonly writer: SqliteWriter
  readonly writers: SqliteWriters
  readonly trim: SqliteTrim
  readonly roomSweep: SqliteRoomSweep
  readonly sessions: SqliteSessions
  readonly report: (error: unknown) => void
}

export class SqliteUpkeep {
  private readonly options: UpkeepOptions
  private readonly overfull = new Set<SqliteRoom>()
  private writtenRows = 0
  private cancelSweep: () => void
  private cancelSlice: (() => void) | undefined

  constructor(options: UpkeepOptions) {
    this.options = options
    this.cancelSweep = options.clock.after(SWEEP_MS, this.sweep)
  }

  /** Rows were added to these rooms. */
  committed(rooms: readonly SqliteRoom[], rows: number): void {
    this.writtenRows += rows
    for (const room of rooms) this.look(room)
    const { fullness } = this.options.trim
    if (fullness > FULLNESS_MAX) this.attempt(() => void this.options.trim.makeRoom(Math.max(SLICE_ROWS, 2 * rows)))
    else if (fullness > 1) this.planSlice()
  }

  /** A room may have more rows in the file than it should. */
  look(room: SqliteRoom): void {
    if (room.first - room.kept <= Math.max(SLACK_MIN, room.retention * SLACK)) return
    this.overfull.add(room)
    this.planSlice()
  }

  stop(): void {
    this.cancelSweep()
    this.cancelSlice?.()
  }

  /** Before the end: what was counted since the last sweep. */
  writeCounts(): void {
    const { writer, writers } = this.options
    this.attempt(() => writers.commit(() => writer.transaction(() => writers.write())))
  }

  private planSlice(): void {
    this.cancelSlice ??= this.options.clock.after(SLICE_MS, this.slice)
  }

  private readonly sweep = (): void => {
    const { clock, roomSweep, sessions, writer, writers } = this.options
    this.cancelSweep = clock.after(SWEEP_MS, this.sweep)
    this.attempt(() => {
      writers.commit(() => {
        writer.transaction(() => {
          sessions.sweep(clock.now())
          writers.write()
          writers.sweep(IDLE_WRITERS)
        })
      })
      roomSweep.slice(clock.now())
      this.planSlice()
    })
  }

  private readonly slice = (): void => {
    this.cancelSlice = undefined
    const max = Math.max(SLICE_ROWS, 2 * this.writtenRows)
    this.writtenRows = 0
    this.attempt(() => {
      const { trim, clock } = this.options
      const isMore = trim.slice(this.overfull, clock.now(), max)
      for (const room of this.overfull) if (room.kept >= room.first) this.overfull.delete(room)
      if (isMore) this.planSlice()
    })
  }

  /** A disk that fails is found by the writer, which tries again; the next sweep does so here. */
  private attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.options.report(error)
    }
  }
}

/** Forgets rooms that hold nothing and that nobody holds: a walk over the table of rooms, some of them at each sweep. */
export interface RoomSweepOptions {
  readonly db: DatabaseSync
  readonly writer: SqliteWriter
  readonly limits: LogLimits
  readonly namespaces: ReadonlyMap<number, SqliteNamespace>
  /** When this log was opened: before that, nobody knows how long a room had been idle. */
  readonly openedAtMs: number
}

interface RoomRow {
  readonly id: number
  readonly ns: number
  readonly name: string
  readonly seq: number
  readonly ts: number
  readonly trimmed_n: number
  readonly has_events: number
}

/** Rooms looked at per sweep, about a millisecond. */
const SLICE = 1000

export class SqliteRoomSweep {
  private readonly options: RoomSweepOptions
  private readonly next: Query<RoomRow>
  private readonly remove: Command
  private readonly rememberForgotten: Command
  private lastId = 0

  constructor(options: RoomSweepOptions) {
    this.options = options
    this.next = query(
      options.db,
      `SELECT id, ns, name, seq, ts, trimmed_n, EXISTS (SELECT 1 FROM events WHERE room = rooms.id) AS has_events
        FROM rooms WHERE id > ? ORDER BY id LIMIT ?`,
    )
    this.remove = command(options.db, 'DELETE FROM rooms WHERE id = ?')
    this.rememberForgotten = command(options.db, 'UPDATE namespaces SET forgotten_n = max(forgotten_n, ?) WHERE id = ?')
  }

  /** Looks at the next rooms, from the first again after the last. */
  slice(nowMs: number): void {
    const { writer, namespaces } = this.options
    const rows = this.next.all(this.lastId, SLICE)
    this.lastId = rows.length < SLICE ? 0 : (rows.at(-1)?.id ?? 0)
    const gone = rows.filter((row) => this.isForgettable(row, nowMs))
    if (gone.length === 0) return
    writer.transaction(() => {
      for (const { id, ns, trimmed_n } of gone) {
        this.remove.run(id)
        if (trimmed_n > 0) this.rememberForgotten.run(trimmed_n, ns)
      }
    })
    for (const { ns, name, trimmed_n } of gone) namespaces.get(ns)?.forget(name, trimmed_n)
  }

  private isForgettable({ ns, name, seq, ts, has_events }: RoomRow, nowMs: number): boolean {
    const { limits, namespaces, openedAtMs } = this.options
    if (has_events === 1) return false
    const rooms = namespaces.get(ns)?.rooms
    if (rooms?.isHeld(name)) return false
    const idleSinceMs = rooms?.known(name)?.idleSinceMs ?? openedAtMs
    if (nowMs - idleSinceMs < limits.emptyRoomMs) return false
    return nowMs - ts >= (seq === 0 ? limits.emptyRoomMs : limits.retentionMs)
  }
}
