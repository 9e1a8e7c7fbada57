/** The namespaces of the file: all that it has from the start, and those that are opened later. */

import type { DatabaseSync } from 'node:sqlite'
import type { Append, Appended, AppendKey } from '../../../../core/ports/broker.ts'
import { AppendBatch, type BatchTarget, type FirstReply, repeat } from '../append-batch.ts'
import { LOG_ID_LENGTH, type LogLimits, writerOf } from '../log.ts'
import { seqAt } from '../position.ts'
import { type Command, command, type Query, query } from './connection.ts'
import type { NewKeys } from './new-keys.ts'
import { type SqliteRoom, SqliteRooms, type SqliteRoomsOptions } from './rooms.ts'
import { EVENT_BYTES, type SqliteWriters } from './writer.ts'

/** Log ids begin with the version of the cursors that carry them. */
const LOG_ID_VERSION = '1'

export class SqliteNamespaces {
  readonly byId = new Map<number, SqliteNamespace>()
  private readonly byName = new Map<string, SqliteNamespace>()
  private readonly limits: LogLimits
  private readonly options: SqliteNamespaceOptions
  private readonly select: Query<NamespaceRow>
  private readonly insert: Command

  constructor(limits: LogLimits, options: SqliteNamespaceOptions) {
    this.limits = limits
    this.options = options
    this.select = query(options.db, 'SELECT id, name, log_id, n, ts, forgotten_n FROM namespaces')
    this.insert = command(options.db, 'INSERT INTO namespaces (name, log_id, n, ts) VALUES (?, ?, 0, 0)')
    for (const row of this.select.all()) this.add(row)
  }

  /** The namespace, made when it is missing; in a transaction of its own. */
  get(name: string): SqliteNamespace {
    return this.byName.get(name) ?? this.make(name)
  }

  private make(name: string): SqliteNamespace {
    const log_id = `${LOG_ID_VERSION}${this.options.random.id(LOG_ID_LENGTH)}`
    const { lastInsertRowid } = this.options.writer.transaction(() => this.insert.run(name, log_id))
    return this.add({ id: Number(lastInsertRowid), name, log_id, n: 0, ts: 0, forgotten_n: 0 })
  }

  private add(row: NamespaceRow): SqliteNamespace {
    const namespace = new SqliteNamespace(row, this.limits, this.options)
    this.byId.set(row.id, namespace)
    this.byName.set(row.name, namespace)
    return namespace
  }
}

/** One namespace of the file: its counter, its rooms, and how a batch is written into it. */
export interface NamespaceRow {
  readonly id: number
  readonly name: string
  readonly log_id: string
  readonly n: number
  readonly ts: number
  readonly forgotten_n: number
}

export interface SqliteNamespaceOptions extends SqliteRoomsOptions {
  readonly newKeys: NewKeys
  readonly writers: SqliteWriters
}

/** What one batch cost the journal, so that upkeep knows when to come. */
export interface Written {
  readonly rows: number
  readonly bytes: number
}

/** Roughly: a row and its key with their indexes, and a page for each room's end of the index. */
const ROW_JOURNAL_BYTES = 600
const ROOM_JOURNAL_BYTES = 4096

export class SqliteNamespace {
  readonly id: number
  readonly name: string
  readonly logId: string
  readonly rooms: SqliteRooms
  n: number
  private ts: number
  /** The latest commit of a room that was forgotten. */
  private forgottenN: number
  private readonly limits: LogLimits
  private readonly batch: AppendBatch<SqliteRoom>
  private readonly newKeys: NewKeys
  private readonly writers: SqliteWriters
  private touched: SqliteRoom[] = []
  private written = { rows: 0, bytes: 0 }
  private readonly insertEvent: Command
  private readonly insertKey: Command
  private readonly replaceKey: Command
  private readonly selectKey: Query<FirstReply>
  private readonly saveCounter: Command
  private readonly selectContent: Query<{ is_there: number }>
  private readonly selectCommit: Query<{ n: number }>

  constructor(row: NamespaceRow, limits: LogLimits, options: SqliteNamespaceOptions) {
    const { db, generation, newKeys, writers } = options
    this.id = row.id
    this.name = row.name
    this.logId = `${row.log_id}${generation.toString(36)}`
    this.n = row.n
    this.ts = row.ts
    this.forgottenN = row.forgotten_n
    this.limits = limits
    this.newKeys = newKeys
    this.writers = writers
    this.rooms = new SqliteRooms(row.id, options)
    this.insertEvent = command(
      db,
      'INSERT INTO events (room, seq, n, ts, type, args, user, key, writer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.insertKey = insertKey(db, 'IGNORE')
    this.replaceKey = insertKey(db, 'REPLACE')
    const byName = 'key = ? AND scope = ? AND ns = ? AND part = ?'
    this.selectKey = query(db, `SELECT fingerprint, n, seq, ts, reply FROM keys WHERE ${byName}`)
    this.saveCounter = command(db, 'UPDATE namespaces SET n = ?, ts = ? WHERE id = ?')
    this.selectContent = query(db, 'SELECT args IS NOT NULL AS is_there FROM events WHERE room = ? AND seq = ?')
    this.selectCommit = query(db, 'SELECT n FROM events WHERE room = ? AND seq = ?')
    this.batch = new AppendBatch(this.target(), limits.eventMax)
  }

  /** Writes the batch; within a transaction, whose end `committed` or `rolledBack` must tell. */
  append(entries: readonly Append[], nowMs: number): Appended[] {
    this.touched = []
    this.written = { rows: 0, bytes: 0 }
    const counter = { n: this.n, ts: this.ts }
    const results = this.batch.run(entries, counter, nowMs)
    if (counter.n > this.n) this.saveCounter.run(counter.n, counter.ts, this.id)
    return results
  }

  /** @param results what `append` gave */
  committed(results: readonly Appended[]): { touched: readonly SqliteRoom[]; written: Written } {
    this.writers.committed()
    const last = results.findLast((result) => result.status === 'stored')
    if (last?.status === 'stored') {
      this.n = last.n
      this.ts = last.ts
    }
    for (const room of this.touched) {
      room.committedSeq = room.seq
      room.first = Math.max(room.first, room.seq - room.retention + 1)
    }
    return { touched: this.touched, written: this.written }
  }

  rolledBack(): void {
    this.rooms.rollBack(this.touched)
    this.writers.rolledBack()
  }

  isNewKey(key: AppendKey): boolean {
    return this.newKeys.isNew(this.id, key)
  }

  findKey(key: AppendKey, nowMs: number): Appended | undefined {
    const first = this.find(key, 0, nowMs)
    return first && repeat(key, first)
  }

  /** Where commit `n` stands in each room; a few looks at the index, on this thread. */
  positions(n: number, roomIds: readonly string[]) {
    const known = roomIds.map((roomId) => this.rooms.find(roomId)).filter((room) => room !== undefined)
    const positions = known.map((room) => {
      const { roomId, epoch } = this.rooms.toHead(room)
      const commitOf = (seq: number): number | undefined => this.selectCommit.get(room.id, seq)?.n
      const numbered = {
        first: room.first,
        seq: room.committedSeq,
        // What is above the retention is in the file until it is trimmed. Most often nobody asks.
        get trimmedN() {
          return commitOf(room.first - 1) ?? room.trimmedN
        },
      }
      return { roomId, epoch, seq: seqAt(numbered, n, this.n, commitOf) }
    })
    return { n: this.n, forgottenN: this.forgottenN, positions }
  }

  /** @param lastN the commit of its last event, which is gone as well */
  forget(roomId: string, lastN: number): void {
    this.rooms.forget(roomId)
    this.forgottenN = Math.max(this.forgottenN, lastN)
  }

  private target(): BatchTarget<SqliteRoom> {
    return {
      hasRoom: (roomId) => this.rooms.find(roomId) !== undefined,
      room: (roomId) => this.rooms.get(roomId),
      find: (key, part, ts) => this.find(key, part, ts),
      claim: (key, part, first) => this.claim(key, part, first),
      hasContent: (room, seq) => this.hasContent(room, seq),
      store: (room, entry, n, seq, ts) => this.store(room, entry, n, seq, ts),
    }
  }

  private find(key: AppendKey, part: number, nowMs: number): FirstReply | undefined {
    const first = this.selectKey.get(key.key, key.scope, this.id, part)
    return first !== undefined && first.ts >= nowMs - this.limits.dedupeWindowMs ? first : undefined
  }

  private hasContent(room: SqliteRoom, seq: number): boolean {
    const first = Math.max(room.first, room.seq - room.retention + 1)
    return seq >= first && this.selectContent.get(room.id, seq)?.is_there === 1
  }

  private claim(key: AppendKey, part: number, first: FirstReply): FirstReply | undefined {
    const { fingerprint, n, seq, ts, reply = null } = first
    if (part === 0) this.newKeys.add(this.id, key)
    const { changes } = this.insertKey.run(key.key, key.scope, this.id, part, fingerprint, n, seq, ts, reply)
    if (changes === 1) return undefined
    const known = part === 0 ? this.find(key, 0, ts) : undefined
    if (known !== undefined) return known
    this.replaceKey.run(key.key, key.scope, this.id, part, fingerprint, n, seq, ts, reply)
    return undefined
  }

  private store(room: SqliteRoom, entry: Append, n: number, seq: number, ts: number): void {
    const { type, argsJson, userId = null, key } = entry
    const writer = this.writers.idOf(writerOf(this.name, entry))
    this.insertEvent.run(room.id, seq, n, ts, type, argsJson, userId, key?.key ?? null, writer)
    const bytes = Buffer.byteLength(argsJson)
    this.writers.count(writer, bytes + EVENT_BYTES)
    this.written.rows++
    this.written.bytes += ROW_JOURNAL_BYTES + bytes
    if (room.seq === room.committedSeq) {
      this.touched.push(room)
      this.written.bytes += ROOM_JOURNAL_BYTES
    }
    room.seq = seq
  }
}

function insertKey(db: DatabaseSync, otherwise: 'IGNORE' | 'REPLACE'): Command {
  const columns = '(key, scope, ns, part, fingerprint, n, seq, ts, reply)'
  return command(db, `INSERT OR ${otherwise} INTO keys ${columns} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
}
