/** Everyone with an account who was ever here, so that one can write to them while they are away. B23. */
import { type Database, defineStore } from '../../database.ts'

const STEPS = [
  `CREATE TABLE people (
    user_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX people_seen_at ON people (seen_at);`,
  // By the name as people write it after an @: letter case and compatibility forms make no difference.
  `ALTER TABLE people ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
  UPDATE people SET name_key = lower(name);
  CREATE INDEX people_name_key ON people (name_key);`,
]

/** Users in the list, the most recent first; a longer list would not be read. */
const LISTED_MAX = 500
/** Accounts of other identity providers may share a name. */
const CALLED_MAX = 5

export interface Known {
  readonly userId: string
  readonly name: string
  readonly seenAt: number
}

/** Names that are read as the same have the same key. */
export function nameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim()
}

export class PeopleStore {
  private readonly statements

  constructor(database: Database) {
    this.statements = defineStore(database, 'direct', STEPS, {
      saw: `INSERT INTO people (user_id, name, name_key, seen_at) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET name = excluded.name, name_key = excluded.name_key, seen_at = excluded.seen_at`,
      list: `SELECT user_id, name, seen_at FROM people ORDER BY seen_at DESC LIMIT ${LISTED_MAX}`,
      called: `SELECT user_id FROM people WHERE name_key = ? LIMIT ${CALLED_MAX}`,
    })
  }

  saw({ userId, name }: Pick<Known, 'userId' | 'name'>, at: number): void {
    this.statements.saw.run(userId, name, nameKey(name), at)
  }

  /** @param key as {@link nameKey} makes it. @returns ids of those who have this name */
  called(key: string): string[] {
    return this.statements.called.all(key).map((row) => String(row.user_id))
  }

  /** Who was here last comes first. */
  list(): Known[] {
    return this.statements.list.all().map((row) => {
      return { userId: String(row.user_id), name: String(row.name), seenAt: Number(row.seen_at) }
    })
  }
}
