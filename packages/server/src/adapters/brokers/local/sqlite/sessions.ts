/** What the file keeps of connections: sessions for recovery, and the members to expect after a restart. */
import type { DatabaseSync } from 'node:sqlite'
import type { ReturningMember, SessionRecord } from '../../../../core/ports/broker.ts'
import { type Command, command, type Query, query } from './connection.ts'
import type { SqliteWriter } from './writer.ts'

interface Save {
  readonly ns: number
  readonly id: string
  /** Nothing when the session was dropped. */
  readonly session: SessionRecord | undefined
  readonly expiresAtMs: number
}

/**
 * Sessions. Saves wait in memory for the next commit, the last one per session, so that ten thousand connections that
 * close at once cost one transaction.
 */
export class SqliteSessions {
  private readonly max: number
  private readonly waiting = new Map<string, Save>()
  private readonly save: Command
  private readonly remove: Command
  private readonly select: Query<{ record: string }>
  private readonly removeExpired: Command
  private readonly removeAbove: Command

  constructor(db: DatabaseSync, max: number) {
    this.max = max
    this.save = command(db, 'INSERT OR REPLACE INTO sessions (ns, id, record, expires_at) VALUES (?, ?, ?, ?)')
    this.remove = command(db, 'DELETE FROM sessions WHERE ns = ? AND id = ?')
    this.select = query(db, 'SELECT record FROM sessions WHERE ns = ? AND id = ? AND expires_at > ?')
    this.removeExpired = command(db, 'DELETE FROM sessions WHERE expires_at <= ?')
    this.removeAbove = command(
      db,
      `DELETE FROM sessions WHERE (ns, id) IN (SELECT ns, id FROM sessions ORDER BY expires_at
        LIMIT max(0, (SELECT count(*) FROM sessions) - ?))`,
    )
  }

  /** How many saves wait. */
  get size(): number {
    return this.waiting.size
  }

  /** @param session nothing to drop it */
  set(ns: number, id: string, session: SessionRecord | undefined, expiresAtMs: number): void {
    const name = `${ns} ${id}`
    this.waiting.delete(name)
    this.waiting.set(name, { ns, id, session, expiresAtMs })
    if (this.waiting.size <= this.max) return
    for (const oldest of this.waiting.keys()) {
      this.waiting.delete(oldest)
      return
    }
  }

  find(ns: number, id: string, nowMs: number): SessionRecord | undefined {
    const waiting = this.waiting.get(`${ns} ${id}`)
    if (waiting !== undefined) return waiting.expiresAtMs > nowMs ? waiting.session : undefined
    const row = this.select.get(ns, id, nowMs)
    return row === undefined ? undefined : (JSON.parse(row.record) as SessionRecord)
  }

  /** Within a transaction. */
  write(): void {
    for (const { ns, id, session, expiresAtMs } of this.waiting.values()) {
      if (session === undefined) this.remove.run(ns, id)
      else this.save.run(ns, id, JSON.stringify(session), Math.trunc(expiresAtMs))
    }
  }

  /** After the commit. */
  written(): void {
    this.waiting.clear()
  }

  /** Drops what has expired, and the next to expire when there are too many; within a transaction. */
  sweep(nowMs: number): void {
    this.removeExpired.run(nowMs)
    this.removeAbove.run(this.max)
  }
}

/** Members expected to reconnect after a restart: saved when a server ends, taken when the next one starts. */
export class SqliteReturningMembers {
  private readonly writer: SqliteWriter
  private readonly max: number
  private readonly insert: Command
  private readonly remove: Command
  private readonly select: Query<{ record: string }>
  private readonly count: Query<{ count: number }>

  constructor(db: DatabaseSync, writer: SqliteWriter, max: number) {
    this.writer = writer
    this.max = max
    this.insert = command(db, 'INSERT INTO returning_members (ns, record) VALUES (?, ?)')
    this.remove = command(db, 'DELETE FROM returning_members WHERE ns = ?')
    this.select = query(db, 'SELECT record FROM returning_members WHERE ns = ? ORDER BY id')
    this.count = query(db, 'SELECT count(*) AS count FROM returning_members')
  }

  save(ns: number, members: readonly ReturningMember[]): void {
    if (members.length === 0) return
    this.writer.transaction(() => {
      const free = Math.max(0, this.max - (this.count.get()?.count ?? 0))
      for (const member of members.slice(0, free)) this.insert.run(ns, JSON.stringify(member))
    })
  }

  take(ns: number): ReturningMember[] {
    const rows = this.select.all(ns)
    if (rows.length > 0) this.writer.transaction(() => this.remove.run(ns))
    return rows.map(({ record }) => JSON.parse(record) as ReturningMember)
  }
}
