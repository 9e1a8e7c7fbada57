/**
 * Sessions in the file. A save is a note in memory that the next commit writes down, the last one per session; so ten
 * thousand links that close at once cost one transaction.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { ReturningMember, SessionRecord } from '../../../../core/ports/broker.ts'
import { type Command, command, type Query, query } from './connection.ts'
import type { SqliteWriter } from './writer.ts'

interface Note {
  readonly ns: number
  readonly id: string
  /** Nothing when it was dropped. */
  readonly session: SessionRecord | undefined
  readonly expiresAtMs: number
}

export class SqliteSessions {
  private readonly max: number
  private readonly notes = new Map<string, Note>()
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

  get noteCount(): number {
    return this.notes.size
  }

  /** @param session nothing to drop it */
  note(ns: number, id: string, session: SessionRecord | undefined, expiresAtMs: number): void {
    const name = `${ns} ${id}`
    this.notes.delete(name)
    this.notes.set(name, { ns, id, session, expiresAtMs })
    if (this.notes.size <= this.max) return
    for (const oldest of this.notes.keys()) {
      this.notes.delete(oldest)
      return
    }
  }

  find(ns: number, id: string, nowMs: number): SessionRecord | undefined {
    const note = this.notes.get(`${ns} ${id}`)
    if (note !== undefined) return note.expiresAtMs > nowMs ? note.session : undefined
    const row = this.select.get(ns, id, nowMs)
    return row === undefined ? undefined : (JSON.parse(row.record) as SessionRecord)
  }

  /** Writes the notes down; within a transaction, after which `forgetNotes` says that they are no longer needed. */
  writeNotes(): void {
    for (const { ns, id, session, expiresAtMs } of this.notes.values()) {
      if (session === undefined) this.remove.run(ns, id)
      else this.save.run(ns, id, JSON.stringify(session), Math.trunc(expiresAtMs))
    }
  }

  forgetNotes(): void {
    this.notes.clear()
  }

  /** Drops what has expired, and the next to expire when there are too many; within a transaction. */
  sweep(nowMs: number): void {
    this.removeExpired.run(nowMs)
    this.removeAbove.run(this.max)
  }
}

/** Who was told to come back after a restart: written when a server ends, taken when the next one starts. */
export class SqliteReturning {
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
