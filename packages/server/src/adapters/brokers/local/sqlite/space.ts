/**
 * Frees bytes of a full file: removes the oldest events of the largest writer. An event behind older ones of other writers
 * in the same room is emptied instead and keeps its number, like a redacted one, since a room's numbers have no holes.
 */
import type { DatabaseSync } from 'node:sqlite'
import { type Command, command, type Query, query } from './statements.ts'
import type { Lost } from './trim.ts'
import { EMPTIED, EVENT_BYTES, type SqliteWriters } from './writers.ts'

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

export class SqliteSpace {
  private readonly writers: SqliteWriters
  private readonly oldestOf: Query<Owned>
  private readonly front: Query<Front>
  private readonly remove: Command
  private readonly empty: Command
  private readonly remember: Query<{ ns: number; name: string }>

  constructor({ db, writers }: { db: DatabaseSync; writers: SqliteWriters }) {
    this.writers = writers
    this.oldestOf = query(
      db,
      `SELECT id, room, seq, n, ts, coalesce(octet_length(args), 0) AS bytes FROM events
        WHERE writer = ? AND writer <> ${EMPTIED} ORDER BY id LIMIT ?`,
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
   * Within a transaction, after the counts were saved.
   * @param bytes to free; stops earlier when the largest writer has become the second largest
   * @returns the rooms that lost their oldest; nothing when no writer has any
   */
  take(bytes: number, rowsMax: number): { rows: number; lost: Lost[] } | undefined {
    const largest = this.writers.largest()
    if (largest === undefined) return undefined
    const events = this.oldestOf.all(largest.id, rowsMax)
    const [first] = events
    if (first === undefined) {
      this.writers.clear(largest.id, largest.bytes) // counted too high
      return { rows: 1, lost: [] }
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
      this.writers.count(largest.id, -event.bytes - EVENT_BYTES)
      if (!fronts.has(event.room)) fronts.set(event.room, this.front.get(event.room))
      let front = fronts.get(event.room)
      if (front?.id !== event.id) {
        this.empty.run(event.id)
        this.writers.count(EMPTIED, EVENT_BYTES)
        continue
      }
      this.remove.run(event.id)
      gone.set(event.room, front)
      // Emptied events that are now the room's oldest go too.
      front = this.front.get(event.room)
      while (front?.writer === EMPTIED) {
        this.remove.run(front.id)
        this.writers.count(EMPTIED, -EVENT_BYTES)
        gone.set(event.room, front)
        front = this.front.get(event.room)
      }
      fronts.set(event.room, front)
    }
    const lost = Array.from(gone).flatMap(([room, { seq, n, ts }]) => {
      return this.remember.all(seq, n, ts, room).map((found) => ({ ...found, seq, n }))
    })
    return { rows, lost }
  }
}
