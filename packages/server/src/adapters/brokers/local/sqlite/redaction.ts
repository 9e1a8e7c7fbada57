/** Empties events for good, also those below a room's first readable number that wait to be trimmed. */
import type { DatabaseSync } from 'node:sqlite'
import type { SqliteBackground } from './background.ts'
import type { SqliteNamespace } from './namespace.ts'
import { type Command, command, type Query, query } from './statements.ts'
import type { SqliteWriter } from './writer.ts'

/** Events emptied in one transaction, about 2 ms. */
const SLICE = 500

export class SqliteRedaction {
  private readonly writer: SqliteWriter
  private readonly background: SqliteBackground
  private readonly one: Command
  private readonly byId: Command
  private readonly newest: Query<{ id: number | null }>

  constructor(db: DatabaseSync, writer: SqliteWriter, background: SqliteBackground) {
    this.writer = writer
    this.background = background
    this.one = command(db, 'UPDATE events SET args = NULL WHERE room = ? AND seq = ? AND args IS NOT NULL')
    this.byId = command(db, 'UPDATE events SET args = NULL WHERE id = ? AND args IS NOT NULL')
    this.newest = query(db, 'SELECT max(id) AS id FROM events')
  }

  /** @returns whether a readable one had a body */
  redact(namespace: SqliteNamespace, roomId: string, seq: number): boolean {
    const room = namespace.rooms.find(roomId)
    if (room === undefined) return false
    const { changes } = this.writer.transaction(() => this.one.run(room.id, seq))
    return changes === 1 && seq >= room.first
  }

  /** Everything there is of a user when it is called. @returns how many readable ones had a body */
  async redactUser(namespace: SqliteNamespace, userId: string): Promise<number> {
    const lastId = this.newest.get()?.id ?? 0
    let count = 0
    for (let afterId = 0; afterId < lastId; ) {
      const found = await this.background.ask({ kind: 'by-user', ns: namespace.id, userId, afterId, limit: SLICE })
      const last = found.at(-1)
      if (last === undefined) break
      afterId = last.id
      this.writer.transaction(() => {
        for (const { id, is_readable } of found) count += Number(this.byId.run(id).changes) * is_readable
      })
    }
    return count
  }
}
