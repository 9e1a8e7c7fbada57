/**
 * Reads of the log, for the writer's connection and the worker's. Rooms are merged by the ids of their events, which come
 * from the index without the bodies; a body is read only when it goes into the page.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { ReadLimits, StoredRow } from '../../../../core/ports/broker.ts'
import { type Cursor, inOrder, takePage } from '../../common/reading.ts'
import { type Query, query } from './connection.ts'

/** A room and the number after which to read. */
export interface RoomPosition {
  readonly room: number
  readonly roomId: string
  readonly seq: number
}

export interface UserEvent {
  readonly id: number
  /** 1, or 0 when it is above its room's retention and not trimmed yet. */
  readonly is_readable: number
}

export interface EventRow {
  readonly seq: number
  readonly n: number
  readonly ts: number
  readonly type: string
  readonly args: string | null
  readonly user: string | null
  readonly key: string | null
  readonly except_id: string | null
}

interface IdRow {
  readonly id: number
  readonly seq: number
}

/** Ids that a cursor reads from the index at a time, at least. */
const CHUNK_MIN = 16

const COLUMNS = 'seq, n, ts, type, args, user, key, except_id'

export class SqliteQueries {
  private readonly byId: Query<EventRow>
  private readonly bySpan: Query<EventRow>
  private readonly ids: Query<IdRow>
  private readonly idsByUser: Query<UserEvent>

  constructor(db: DatabaseSync) {
    this.byId = query(db, `SELECT ${COLUMNS} FROM events WHERE id = ?`)
    this.bySpan = query(db, `SELECT ${COLUMNS} FROM events WHERE room = ? AND seq BETWEEN ? AND ? ORDER BY seq`)
    this.ids = query(db, 'SELECT id, seq FROM events WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?')
    this.idsByUser = query(
      db,
      `SELECT events.id,
          events.seq > (SELECT max(seq) FROM events AS newer WHERE newer.room = rooms.id) - rooms.retention AS is_readable
        FROM events JOIN rooms ON rooms.id = events.room
        WHERE events.id > ? AND user = ? AND args IS NOT NULL AND rooms.ns = ? ORDER BY events.id LIMIT ?`,
    )
  }

  /** Of several rooms, merged by order of commit. */
  read(after: readonly RoomPosition[], limits: ReadLimits): StoredRow[] {
    const chunk = Math.min(limits.events, CHUNK_MIN + Math.ceil(limits.events / Math.max(1, after.length)))
    const cursors = after.map((position) => new IdCursor(this.ids, position, Math.max(1, chunk)))
    return takePage(this.bodies(cursors), limits)
  }

  /** Of one room, from one number to another. */
  span(room: number, roomId: string, from: number, to: number): StoredRow[] {
    return this.bySpan.all(room, from, to).map((row) => toStoredRow(roomId, row))
  }

  /** The next events after `id` that a user wrote and that have a body: a walk over the whole log. */
  byUser(ns: number, userId: string, id: number, limit: number): UserEvent[] {
    return this.idsByUser.all(id, userId, ns, limit)
  }

  private *bodies(cursors: readonly IdCursor[]): Generator<StoredRow> {
    for (const cursor of inOrder(cursors)) {
      const row = this.byId.get(cursor.order)
      if (row !== undefined) yield toStoredRow(cursor.roomId, row)
    }
  }
}

class IdCursor implements Cursor {
  order = Number.POSITIVE_INFINITY
  readonly roomId: string
  private readonly room: number
  private readonly ids: Query<IdRow>
  private readonly chunk: number
  private rows: IdRow[] = []
  private at = 0
  private seq: number

  constructor(ids: Query<IdRow>, position: RoomPosition, chunk: number) {
    this.ids = ids
    this.room = position.room
    this.roomId = position.roomId
    this.seq = position.seq
    this.chunk = chunk
    this.fetch()
  }

  next(): void {
    this.at++
    if (this.at >= this.rows.length && this.rows.length === this.chunk) this.fetch()
    else this.order = this.rows[this.at]?.id ?? Number.POSITIVE_INFINITY
  }

  private fetch(): void {
    this.rows = this.ids.all(this.room, this.seq, this.chunk)
    this.at = 0
    this.seq = this.rows.at(-1)?.seq ?? this.seq
    this.order = this.rows[0]?.id ?? Number.POSITIVE_INFINITY
  }
}

export function toStoredRow(roomId: string, row: EventRow): StoredRow {
  const { n, seq, ts, type, args, user, key, except_id: except } = row
  return {
    n,
    seq,
    ts,
    roomId,
    type,
    argsJson: args ?? '[]',
    userId: user ?? undefined,
    key: key ?? undefined,
    redacted: args === null,
    except: except ?? undefined,
  }
}
