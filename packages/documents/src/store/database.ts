/** The database file of the store: its settings, its format, prepared statements and transactions. */
import { createRequire } from 'node:module'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/** Not imported, so that a Node without it gets a sentence instead of a failed import. */
const sqlite = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite')

/** The schema of `documents.db`, one step per format; a released step is never changed, only followed by another. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    owner TEXT NOT NULL,
    locked INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0, -- its name stays, so that a client that was away does not bring it back
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0    -- snapshot and updates
  ) STRICT;
  CREATE INDEX documents_by_change ON documents (changed_at, name) WHERE removed = 0;

  CREATE TABLE snapshots (
    document INTEGER PRIMARY KEY REFERENCES documents (id),
    body BLOB NOT NULL
  ) STRICT;

  CREATE TABLE updates (
    id INTEGER PRIMARY KEY, -- order of commit
    document INTEGER NOT NULL REFERENCES documents (id),
    body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX updates_by_document ON updates (document, id);
  `,
  `
  ALTER TABLE documents ADD COLUMN account TEXT NOT NULL DEFAULT ''; -- whose quota it counts towards
  UPDATE documents SET account = owner;
  CREATE INDEX documents_by_account ON documents (account) WHERE removed = 0;
  CREATE INDEX documents_by_removal ON documents (changed_at) WHERE removed = 1;
  `,
]

/** The format that this version writes. */
const FORMAT = MIGRATIONS.length

export interface DatabaseOptions {
  /** A file, or `:memory:`. */
  readonly path: string
  /** `normal` survives the end of the process, `full` also that of the power. */
  readonly sync: 'normal' | 'full'
}

const BUSY_TIMEOUT_MS = 5_000
/** The journal is copied into the file when it has grown to this many pages of 4 KiB. */
const CHECKPOINT_PAGES = 2_000

export class Database {
  private readonly db: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()

  /** @throws Error with a sentence when the file is of a newer version, or cannot be used */
  constructor({ path, sync }: DatabaseOptions) {
    this.db = new sqlite.DatabaseSync(path)
    try {
      const format = this.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0
      if (format > FORMAT) throw new Error(tooNew(path, format))
      this.db.exec(`PRAGMA journal_mode = wal; PRAGMA synchronous = ${sync}; PRAGMA temp_store = memory`)
      this.db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
      for (let next = format; next < FORMAT; next++) {
        this.db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[next]}; PRAGMA user_version = ${next + 1}; COMMIT`)
      }
    } catch (error) {
      this.db.close()
      throw error
    }
  }

  transaction(work: () => void): void {
    if (this.db.isTransaction) this.db.exec('ROLLBACK')
    this.db.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.db.exec('COMMIT')
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK')
      throw error
    }
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number | bigint } {
    return this.statement(sql).run(...values)
  }

  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.statement(sql).get(...values) as T | undefined
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.statement(sql).all(...values) as T[]
  }

  close(): void {
    this.statements.clear()
    this.db.close()
  }

  private statement(sql: string): StatementSync {
    const known = this.statements.get(sql)
    if (known) return known
    const made = this.db.prepare(sql)
    this.statements.set(sql, made)
    return made
  }
}

function tooNew(path: string, format: number): string {
  return `The documents in ${path} were written by a newer Roomful (format ${format}, this one knows ${FORMAT}): use that version or a newer one, or another data folder`
}
