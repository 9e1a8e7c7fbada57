/** The namespaces of the file: counter, keys and rooms of each, and how a batch is written into it. */
import type {
  Append,
  Appended,
  AppendKey,
  GrowingRow,
  Refused,
  Repeated,
  StoredState,
} from '../../../../core/ports/broker.ts'
import type { Limiter } from '../../../../core/ports/system.ts'
import { AppendBatch, type BatchTarget, type FirstCommit, repeat, writerOf } from '../../common/append-batch.ts'
import { seqAt } from '../../common/reading.ts'
import { LOG_ID_LENGTH, type LogLimits } from '../log.ts'
import { type Command, command, type Query, query } from './connection.ts'
import type { NewKeys } from './new-keys.ts'
import { type SqliteRoom, SqliteRooms, type SqliteRoomsOptions } from './rooms.ts'
import { SqliteTexts } from './texts.ts'
import { EVENT_BYTES, type SqliteUsage, type SqliteWriter } from './writer.ts'

/** Log ids begin with the version of the cursors that contain them. */
const LOG_ID_VERSION = '1'
/** Roughly: a row and its key with their indexes, and a page for each room's end of the index. */
const ROW_JOURNAL_BYTES = 600
const ROOM_JOURNAL_BYTES = 4096

interface NamespaceRow {
  readonly id: number
  readonly name: string
  readonly log_id: string
  readonly n: number
  readonly ts: number
  readonly forgotten_n: number
}

export interface SqliteNamespacesOptions extends SqliteRoomsOptions {
  readonly limits: LogLimits
  readonly newKeys: NewKeys
  readonly limiter: Limiter
}

/** All that the file has, loaded on opening, and those that are made later. */
export class SqliteNamespaces {
  readonly byId = new Map<number, SqliteNamespace>()
  private readonly byName = new Map<string, SqliteNamespace>()
  private readonly options: SqliteNamespacesOptions
  private readonly insert: Command

  constructor(options: SqliteNamespacesOptions) {
    this.options = options
    this.insert = command(options.db, 'INSERT INTO namespaces (name, log_id, n, ts) VALUES (?, ?, 0, 0)')
    const select = query<NamespaceRow>(options.db, 'SELECT id, name, log_id, n, ts, forgotten_n FROM namespaces')
    for (const row of select.all()) this.add(row)
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
    const namespace = new SqliteNamespace(row, this.options)
    this.byId.set(row.id, namespace)
    this.byName.set(row.name, namespace)
    return namespace
  }
}

export class SqliteNamespace {
  readonly id: number
  readonly logId: string
  readonly rooms: SqliteRooms
  n: number
  private ts: number
  /** The latest commit of a room that was forgotten. */
  private forgottenN: number
  private readonly writer: SqliteWriter
  private readonly newKeys: NewKeys
  private readonly rows: NamespaceRows
  private readonly batch: AppendBatch<SqliteRoom>
  private readonly saveCounter: Command
  private readonly selectCommit: Query<{ n: number }>

  constructor(row: NamespaceRow, options: SqliteNamespacesOptions) {
    const { db, writer, generation, newKeys, limits, limiter } = options
    this.id = row.id
    this.logId = `${row.log_id}${generation.toString(36)}`
    this.n = row.n
    this.ts = row.ts
    this.forgottenN = row.forgotten_n
    this.writer = writer
    this.newKeys = newKeys
    this.rooms = new SqliteRooms(row.id, options)
    this.rows = new NamespaceRows(row, this.rooms, options)
    this.batch = new AppendBatch(this.rows, limits.eventMax, limiter)
    this.saveCounter = command(db, 'UPDATE namespaces SET n = ?, ts = ? WHERE id = ?')
    this.selectCommit = query(db, 'SELECT n FROM events WHERE room = ? AND seq = ?')
  }

  /** Writes the batch; within a transaction, after whose commit `committed` is called. */
  append(entries: readonly Append[], nowMs: number): Appended[] {
    this.writer.onRollback(this.rollBack)
    this.rows.begin()
    const counter = { n: this.n, ts: this.ts }
    const results = this.batch.run(entries, counter, nowMs)
    if (counter.n > this.n) this.saveCounter.run(counter.n, counter.ts, this.id)
    return results
  }

  /**
   * @param results of the last `append`
   * @returns the rooms that have new events
   */
  committed(results: readonly Appended[]): readonly SqliteRoom[] {
    const last = results.findLast((result) => result.status === 'stored')
    if (last?.status === 'stored') {
      this.n = last.n
      this.ts = last.ts
    }
    const { touched, count, journalBytes, texts } = this.rows
    for (const room of touched) {
      room.committedSeq = room.seq
      room.first = Math.max(room.first, room.seq - room.retention + 1)
    }
    this.writer.count(count, journalBytes + texts.journalBytes)
    return touched
  }

  growing(roomId: string): GrowingRow[] {
    const room = this.rooms.find(roomId)
    return room === undefined ? [] : this.rows.texts.all(room)
  }

  state(roomId: string): StoredState {
    const room = this.rooms.find(roomId)
    return room === undefined ? { fv: 0, entries: [] } : this.rows.texts.state(room)
  }

  readPositions(userId: string, roomIds: readonly string[]): number[] {
    return roomIds.map((roomId) => {
      const room = this.rooms.find(roomId)
      return room === undefined ? 0 : (this.rows.texts.fact(room, `r${userId}`)?.version ?? 0)
    })
  }

  isNewKey(key: AppendKey): boolean {
    return this.newKeys.isNew(this.id, key)
  }

  findKey(key: AppendKey, nowMs: number): Repeated | Refused | undefined {
    const first = this.rows.find(key, 0, nowMs)
    return first && repeat(key, first)
  }

  /** Where commit `n` stands in each room: a few index look-ups, on this thread. */
  positions(n: number, roomIds: readonly string[]) {
    const known = roomIds.map((roomId) => this.rooms.find(roomId)).filter((room) => room !== undefined)
    const positions = known.map((room) => {
      const { roomId, epoch } = this.rooms.toHead(room)
      const commitOf = (seq: number): number | undefined => this.selectCommit.get(room.id, seq)?.n
      const numbered = {
        first: room.first,
        seq: room.committedSeq,
        // A getter, since it is rarely needed. What is above the retention is in the file until it is trimmed.
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

  private readonly rollBack = (): void => {
    this.rooms.rollBack(this.rows.touched)
    this.batch.rollBack()
  }
}

/** The rows of a batch: looked up, claimed and stored for `AppendBatch`, which decides. */
class NamespaceRows implements BatchTarget<SqliteRoom> {
  /** Of the current batch. */
  touched: SqliteRoom[] = []
  count = 0
  journalBytes = 0
  readonly texts: SqliteTexts
  private readonly ns: number
  private readonly name: string
  private readonly rooms: SqliteRooms
  private readonly dedupeWindowMs: number
  private readonly newKeys: NewKeys
  private readonly usage: SqliteUsage
  private readonly insertEvent: Command
  private readonly insertKey: Command
  private readonly replaceKey: Command
  private readonly selectKey: Query<FirstCommit>
  private readonly selectContent: Query<{ is_there: number }>

  constructor(namespace: NamespaceRow, rooms: SqliteRooms, { db, writer, newKeys, limits }: SqliteNamespacesOptions) {
    this.ns = namespace.id
    this.name = namespace.name
    this.rooms = rooms
    this.dedupeWindowMs = limits.dedupeWindowMs
    this.newKeys = newKeys
    this.usage = writer.usage
    this.texts = new SqliteTexts(db, writer)
    this.insertEvent = command(
      db,
      'INSERT INTO events (room, seq, n, ts, type, args, user, key, writer, except_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    const key = 'INTO keys (key, scope, ns, part, fingerprint, n, seq, ts, reply) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'
    this.insertKey = command(db, `INSERT OR IGNORE ${key}`)
    this.replaceKey = command(db, `INSERT OR REPLACE ${key}`)
    const byName = 'key = ? AND scope = ? AND ns = ? AND part = ?'
    this.selectKey = query(db, `SELECT fingerprint, n, seq, ts, reply AS ack FROM keys WHERE ${byName}`)
    this.selectContent = query(db, 'SELECT args IS NOT NULL AS is_there FROM events WHERE room = ? AND seq = ?')
  }

  begin(): void {
    this.touched = []
    this.count = 0
    this.journalBytes = 0
    this.texts.journalBytes = 0
  }

  hasRoom(roomId: string): boolean {
    return this.rooms.find(roomId) !== undefined
  }

  room(roomId: string): SqliteRoom {
    return this.rooms.get(roomId)
  }

  find(key: AppendKey, part: number, nowMs: number): FirstCommit | undefined {
    const first = this.selectKey.get(key.key, key.scope, this.ns, part)
    return first !== undefined && first.ts >= nowMs - this.dedupeWindowMs ? first : undefined
  }

  epochOf(room: SqliteRoom): string {
    return this.rooms.toHead(room).epoch
  }

  hasContent(room: SqliteRoom, seq: number): boolean {
    const first = Math.max(room.first, room.seq - room.retention + 1)
    return seq >= first && this.selectContent.get(room.id, seq)?.is_there === 1
  }

  claim(key: AppendKey, part: number, first: FirstCommit): FirstCommit | undefined {
    const { fingerprint, n, seq, ts, ack = null } = first
    if (part === 0) this.newKeys.add(this.ns, key)
    const { changes } = this.insertKey.run(key.key, key.scope, this.ns, part, fingerprint, n, seq, ts, ack)
    if (changes === 1) return undefined
    const known = part === 0 ? this.find(key, 0, ts) : undefined
    if (known !== undefined) return known
    this.replaceKey.run(key.key, key.scope, this.ns, part, fingerprint, n, seq, ts, ack)
    return undefined
  }

  store(room: SqliteRoom, entry: Append, n: number, seq: number, ts: number): undefined {
    const { type, argsJson, userId = null, key, except = null } = entry
    const writer = this.usage.idOf(writerOf(this.name, entry))
    const keyName = key?.key ?? null
    const values = [room.id, seq, n, ts, type, argsJson, userId, keyName, writer, except] as const
    const { lastInsertRowid } = this.insertEvent.run(...values)
    const bytes = Buffer.byteLength(argsJson)
    this.usage.stored(Number(lastInsertRowid), writer, bytes + EVENT_BYTES)
    this.count++
    this.journalBytes += ROW_JOURNAL_BYTES + bytes
    if (room.seq === room.committedSeq) {
      this.touched.push(room)
      this.journalBytes += ROOM_JOURNAL_BYTES
    }
    room.seq = seq
  }
}
