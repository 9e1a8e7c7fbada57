/** Forgets rooms that hold nothing and that nobody holds: a walk over the table of rooms, some of them at each sweep. */
import type { DatabaseSync } from 'node:sqlite'
import type { LogLimits } from '../log.ts'
import type { SqliteNamespace } from './namespace.ts'
import { type Command, command, type Query, query } from './statements.ts'
import type { SqliteWriter } from './writer.ts'

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
