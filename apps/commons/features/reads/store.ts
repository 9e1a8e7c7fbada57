/** Read marks in the database of Commons, by person. */
import { type Database, defineStore } from '../../database.ts'
import type { Mark, Receipt } from './contract.ts'

const SCHEMA = `
  CREATE TABLE read_marks (
    user_id TEXT NOT NULL,
    about TEXT NOT NULL,
    until INTEGER NOT NULL,
    at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, about)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX read_marks_about ON read_marks (about, changed_at);`

/** Of one person; the one that did not change for longest makes room. */
const MARKS_MAX = 1_000
const RECEIPTS_MAX = 500

export class ReadStore {
  private readonly database: Database
  private readonly statements

  constructor(database: Database) {
    this.database = database
    this.statements = defineStore(database, 'reads', [SCHEMA], {
      list: 'SELECT about, until, at FROM read_marks WHERE user_id = ?',
      receipts: `SELECT user_id, at FROM read_marks WHERE about = ? ORDER BY changed_at DESC LIMIT ${RECEIPTS_MAX}`,
      mark: `INSERT INTO read_marks (user_id, about, until, at, changed_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET until = excluded.until, at = excluded.at, changed_at = excluded.changed_at
         WHERE excluded.until > until`,
      forget: 'DELETE FROM read_marks WHERE user_id = ? AND about = ?',
      trim: `DELETE FROM read_marks WHERE user_id = ?1 AND about IN
         (SELECT about FROM read_marks WHERE user_id = ?1 ORDER BY changed_at DESC, about LIMIT -1 OFFSET ${MARKS_MAX})`,
    })
  }

  list(userId: string): Mark[] {
    return this.statements.list
      .all(userId)
      .map(({ about, until, at }) => ({ about: String(about), until: Number(until), at: Number(at) }))
  }

  /** How far others read what this person wrote to them, the latest first. */
  receipts(userId: string): Receipt[] {
    return this.statements.receipts
      .all(`direct:${userId}`)
      .map(({ user_id, at }) => ({ userId: String(user_id), at: Number(at) }))
  }

  /** @returns false when as much or more was read already */
  mark(userId: string, { about, until, at }: Mark, now: number): boolean {
    return this.database.change(() => {
      if (Number(this.statements.mark.run(userId, about, until, at, now).changes) === 0) return false
      this.statements.trim.run(userId)
      return true
    })
  }

  /** @returns false when there was none */
  forget(userId: string, about: string): boolean {
    return Number(this.statements.forget.run(userId, about).changes) > 0
  }
}
