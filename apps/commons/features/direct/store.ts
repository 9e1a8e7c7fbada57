/** Everyone with an account who was ever here, so that one can write to them while they are away. B23. */
import type { Database } from '../../database.ts'

const SCHEMA = `
  CREATE TABLE people (
    user_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX people_seen_at ON people (seen_at);`

/** Those who were here last; nobody reads a longer list. */
const LISTED_MAX = 500

export interface Known {
  readonly userId: string
  readonly name: string
}

export class PeopleStore {
  private readonly statements

  constructor(database: Database) {
    database.migrate('direct', [SCHEMA])
    this.statements = {
      saw: database.prepare(
        `INSERT INTO people (user_id, name, seen_at) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at`,
      ),
      list: database.prepare(`SELECT user_id, name FROM people ORDER BY seen_at DESC LIMIT ${LISTED_MAX}`),
    }
  }

  saw({ userId, name }: Known, at: number): void {
    this.statements.saw.run(userId, name, at)
  }

  /** Who was here last comes first. */
  list(): Known[] {
    return this.statements.list.all().map((row) => ({ userId: String(row.user_id), name: String(row.name) }))
  }
}
