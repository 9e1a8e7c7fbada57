/** Empties events for good, including those below a room's first readable number that are not trimmed yet. */
import type { DatabaseSync } from 'node:sqlite'
import { isOfOtherLog } from '../log.ts'
import type { SqliteBackground } from './background.ts'
import { type Command, command, type Query, query } from './connection.ts'
import type { SqliteNamespace } from './namespaces.ts'
import type { SqliteWriter } from './writer.ts'

/** Events emptied in one transaction, about 2 ms. */
const SLICE = 500

export class SqliteRedaction {
  private readonly writer: SqliteWriter
  private readonly background: SqliteBackground
  private readonly find: Query<{ id: number }>
  private readonly content: Query<{ writer: number; bytes: number }>
  private readonly empty: Command
  private readonly newest: Query<{ id: number | null }>

  constructor(db: DatabaseSync, writer: SqliteWriter, background: SqliteBackground) {
    this.writer = writer
    this.background = background
    this.find = query(db, 'SELECT id FROM events WHERE room = ? AND seq = ?')
    this.content = query(db, 'SELECT writer, octet_length(args) AS bytes FROM events WHERE id = ? AND args IS NOT NULL')
    this.empty = command(db, 'UPDATE events SET args = NULL WHERE id = ?')
    this.newest = query(db, 'SELECT max(id) AS id FROM events')
  }

  /** @returns whether the event was readable and had a body */
  redact(namespace: SqliteNamespace, roomId: string, seq: number, epoch?: string): boolean {
    const room = namespace.rooms.find(roomId)
    if (room === undefined || isOfOtherLog(epoch, namespace.rooms.toHead(room))) return false
    const id = this.find.get(room.id, seq)?.id
    return id !== undefined && this.redactAll([id]).length === 1 && seq >= room.first
  }

  /** All events of a user that exist now. @returns how many were readable and had a body */
  async redactUser(namespace: SqliteNamespace, userId: string): Promise<number> {
    const lastId = this.newest.get()?.id ?? 0
    let count = 0
    for (let afterId = 0; afterId < lastId; ) {
      const found = await this.background.request({ kind: 'by-user', ns: namespace.id, userId, afterId, limit: SLICE })
      const last = found.at(-1)
      if (last === undefined) break
      afterId = last.id
      const emptied = new Set(this.redactAll(found.map(({ id }) => id)))
      for (const { id, is_readable } of found) if (emptied.has(id)) count += is_readable
    }
    return count
  }

  /** @returns those that had a body */
  private redactAll(ids: readonly number[]): number[] {
    const emptied: number[] = []
    const empty = () => {
      for (const id of ids) {
        const content = this.content.get(id)
        if (content === undefined) continue
        this.empty.run(id)
        this.writer.usage.count(content.writer, -content.bytes)
        emptied.push(id)
      }
    }
    this.writer.transaction(empty)
    return emptied
  }
}
