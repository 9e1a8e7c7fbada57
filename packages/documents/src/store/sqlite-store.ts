/**
 * Documents in one SQLite file: updates as they came, folded into a snapshot now and then. It works synchronously; worker.ts
 * runs it beside the server, so that commits and compaction never block the server.
 */
import { Database, type DatabaseOptions } from './database.ts'
import { foldUpdates } from './fold-updates.ts'
import type { Refusal } from './port.ts'
import type { DocumentChange, DocumentRecord, ListPage, Loaded, NewDocument, StoredUpdate, Usage } from './record.ts'

export interface SqliteStoreOptions extends DatabaseOptions {
  /** Updates are folded once there are as many, or once they are as large as the snapshot and this. */
  readonly foldUpdates: number
  readonly foldBytes: number
}

const COLUMNS =
  'name AS id, title, owner AS ownerId, locked AS isLocked, created_at AS createdAt, changed_at AS changedAt, bytes'
/** Names of removed documents that are remembered; those removed longest ago are given again. */
const REMOVED_MAX = 100_000
/** Documents whose length is remembered rather than counted. */
const MEASURED_MAX = 10_000

interface Length {
  updates: number
  bytes: number
  snapshot: number
}

export class SqliteStore {
  private readonly options: SqliteStoreOptions
  private readonly db: Database
  /** How close documents that are written to are to being folded. */
  private readonly lengths = new Map<string, Length>()
  private readonly long = new Set<string>()

  /** @throws Error with a sentence when the file is of a newer version, or cannot be used */
  constructor(options: SqliteStoreOptions) {
    this.options = options
    this.db = new Database(options)
  }

  load(id: string): Loaded {
    const row = this.db.get<{ key: number; removed: number; account: string }>(
      'SELECT id AS key, removed, account FROM documents WHERE name = ?',
      id,
    )
    if (!row) return { record: undefined, account: undefined, isRemoved: false, updates: [] }
    const { account } = row
    if (row.removed) return { record: undefined, account, isRemoved: true, updates: [] }
    return { record: this.find(id), account, isRemoved: false, updates: this.contentOf(row.key) }
  }

  /** All of it or nothing, in one transaction, but for documents that were removed. */
  append(updates: readonly StoredUpdate[]): (Refusal | undefined)[] {
    let refusals: (Refusal | undefined)[] = []
    this.db.transaction(() => {
      refusals = updates.map(({ id, update, userId, account, at }) => {
        this.db.run(INSERT, id, id, userId, account, at, at)
        const { changes } = this.db.run(
          `INSERT INTO updates (document, body) SELECT id, ? FROM documents WHERE name = ? AND removed = 0`,
          update,
          id,
        )
        this.db.run(
          'UPDATE documents SET changed_at = ?, bytes = bytes + ? WHERE name = ? AND removed = 0',
          at,
          update.byteLength,
          id,
        )
        return Number(changes) === 0 ? 'FORBIDDEN' : undefined
      })
    })
    for (const each of updates) this.measure(each)
    return refusals
  }

  /** Folds what has grown long since the last time. What fails is tried again when it has grown further. */
  tidy(): void {
    for (const id of this.long) {
      this.long.delete(id)
      try {
        this.fold(id)
      } catch {
        this.lengths.delete(id) // a full disk: everything is still there, only longer
      }
    }
  }

  /** Folds what there is into one snapshot. */
  fold(id: string): void {
    const key = this.db.get<{ key: number }>('SELECT id AS key FROM documents WHERE name = ? AND removed = 0', id)?.key
    if (key === undefined) return
    const snapshot = foldUpdates(this.contentOf(key))
    this.db.transaction(() => {
      this.db.run('DELETE FROM updates WHERE document = ?', key)
      this.db.run('INSERT OR REPLACE INTO snapshots (document, body) VALUES (?, ?)', key, snapshot)
      this.db.run('UPDATE documents SET bytes = ? WHERE id = ?', snapshot.byteLength, key)
    })
    this.lengths.delete(id)
  }

  find(id: string): DocumentRecord | undefined {
    return toRecord(this.db.get<Row>(`SELECT ${COLUMNS} FROM documents WHERE name = ? AND removed = 0`, id))
  }

  /** Newest change first. */
  list({ limit, before }: ListPage): DocumentRecord[] {
    const { changedAt = Number.MAX_SAFE_INTEGER, id = '' } = before ?? {}
    const rows = this.db.all<Row>(
      `SELECT ${COLUMNS} FROM documents WHERE removed = 0 AND (changed_at, name) < (?, ?) ORDER BY changed_at DESC, name DESC LIMIT ?`,
      changedAt,
      id,
      limit,
    )
    return rows.flatMap((row) => toRecord(row) ?? [])
  }

  /** @returns undefined when the name is taken, or was */
  create({ id, title, ownerId, account, at }: NewDocument): DocumentRecord | undefined {
    const { changes } = this.db.run(INSERT, id, title, ownerId, account, at, at)
    return changes === 1 ? this.find(id) : undefined
  }

  change(id: string, { title, isLocked }: DocumentChange, at: number): DocumentRecord | undefined {
    this.db.run(
      `UPDATE documents SET title = coalesce(?, title), locked = coalesce(?, locked), changed_at = CASE WHEN ? IS NULL THEN changed_at ELSE ? END
       WHERE name = ? AND removed = 0`,
      title ?? null,
      isLocked === undefined ? null : Number(isLocked),
      title ?? null,
      at,
      id,
    )
    return this.find(id)
  }

  /** Of an account, or without one of all. */
  usage(account?: string): Usage {
    const columns = 'SELECT count(*) AS documents, coalesce(sum(bytes), 0) AS bytes FROM documents WHERE removed = 0'
    const found =
      account === undefined ? this.db.get<Usage>(columns) : this.db.get<Usage>(`${columns} AND account = ?`, account)
    return found ? { documents: found.documents, bytes: found.bytes } : { documents: 0, bytes: 0 }
  }

  /** Its content goes; its name is remembered. @returns whose quota it counted towards; nothing when there was none */
  remove(id: string, at: number): string | undefined {
    const found = this.db.get<{ key: number; account: string }>(
      'SELECT id AS key, account FROM documents WHERE name = ? AND removed = 0',
      id,
    )
    if (found === undefined) return undefined
    const { key, account } = found
    this.db.transaction(() => {
      this.db.run('DELETE FROM updates WHERE document = ?', key)
      this.db.run('DELETE FROM snapshots WHERE document = ?', key)
      this.db.run("UPDATE documents SET removed = 1, title = '', bytes = 0, changed_at = ? WHERE id = ?", at, key)
      this.db.run(FORGET, REMOVED_MAX)
    })
    return account
  }

  close(): void {
    this.db.close()
  }

  private contentOf(key: number): Uint8Array[] {
    const rows = this.db.all<{ body: Uint8Array }>(
      'SELECT body FROM snapshots WHERE document = ?1 UNION ALL SELECT body FROM (SELECT body FROM updates WHERE document = ?1 ORDER BY id)',
      key,
    )
    return rows.map(({ body }) => body)
  }

  private measure({ id, update }: StoredUpdate): void {
    const length = this.lengths.get(id) ?? this.lengthOf(id)
    if (this.lengths.size >= MEASURED_MAX) this.lengths.clear()
    this.lengths.set(id, length)
    length.updates++
    length.bytes += update.byteLength
    const { foldUpdates: most, foldBytes } = this.options
    if (length.updates >= most || length.bytes >= length.snapshot + foldBytes) this.long.add(id)
  }

  private lengthOf(id: string): Length {
    const found = this.db.get<Length>(
      `SELECT count(u.id) AS updates, coalesce(sum(length(u.body)), 0) AS bytes,
              coalesce((SELECT length(body) FROM snapshots WHERE document = d.id), 0) AS snapshot
       FROM documents d LEFT JOIN updates u ON u.document = d.id WHERE d.name = ?`,
      id,
    )
    return found ? { ...found } : { updates: 0, bytes: 0, snapshot: 0 }
  }
}

const INSERT =
  'INSERT OR IGNORE INTO documents (name, title, owner, account, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?)'
const FORGET =
  'DELETE FROM documents WHERE id IN (SELECT id FROM documents WHERE removed = 1 ORDER BY changed_at DESC LIMIT -1 OFFSET ?)'

type Row = Omit<DocumentRecord, 'isLocked'> & { isLocked: number }

function toRecord(row: Row | undefined): DocumentRecord | undefined {
  return row && { ...row, isLocked: row.isLocked === 1 }
}
