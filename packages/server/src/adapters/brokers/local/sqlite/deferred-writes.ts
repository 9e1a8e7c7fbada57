/**
 * Sessions, marks and acknowledgements wait in memory and are written with the next append, or by themselves when none
 * comes soon.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { AppendKey } from '../../../../core/ports/broker.ts'
import type { Clock } from '../../../../core/ports/system.ts'
import { type Command, command } from './connection.ts'
import type { SqliteNamespace } from './namespaces.ts'
import { SqliteSessions } from './sessions.ts'
import type { SqliteWriter } from './writer.ts'

const WAIT_MS = 100
/** What one of them adds to the journal: the page that it changes. */
const JOURNAL_BYTES = 4096
/** After a failure of the disk. */
const RETRY_MS = 1000
/** So many wait only when the disk fails; an inbox whose mark was dropped gets some messages again. */
const MARKS_MAX = 100_000
/** So many wait only when the disk fails; a request whose acknowledgement was dropped runs its handler again. */
const ACKS_MAX = 10_000

export interface DeferredWritesOptions {
  readonly db: DatabaseSync
  readonly writer: SqliteWriter
  readonly clock: Clock
  readonly sessionsMax: number
  readonly report: (error: unknown) => void
}

export class SqliteDeferredWrites {
  /** Something waits: the next transaction takes it along, between `write` and `written`. */
  isPending = false
  readonly sessions: SqliteSessions
  readonly marks: SqliteMarks
  readonly acks: SqliteAcks
  private readonly options: DeferredWritesOptions
  private cancel: (() => void) | undefined

  constructor(options: DeferredWritesOptions) {
    this.options = options
    this.sessions = new SqliteSessions(options.db, options.sessionsMax)
    this.marks = new SqliteMarks(options.db)
    this.acks = new SqliteAcks(options.db)
  }

  /** Something was added. */
  schedule(): void {
    this.isPending = true
    this.cancel ??= this.options.clock.after(WAIT_MS, this.onTime)
  }

  /** Within a transaction. */
  write(): void {
    this.sessions.write()
    this.marks.write()
    this.acks.write()
  }

  /** After the commit: nothing waits any more. */
  written(): void {
    const { size } = this
    this.isPending = false
    this.sessions.written()
    this.marks.written()
    this.acks.written()
    this.options.writer.count(0, size * JOURNAL_BYTES)
  }

  /** @throws RoomfulError UNAVAILABLE; they then wait on, and are retried later */
  flush(): void {
    this.cancel?.()
    this.cancel = undefined
    if (this.size === 0) return
    try {
      this.options.writer.transaction(() => this.write())
    } catch (error) {
      this.cancel = this.options.clock.after(RETRY_MS, this.onTime)
      throw error
    }
    this.written()
  }

  /** At the end: no retry. @throws RoomfulError UNAVAILABLE */
  close(): void {
    try {
      this.flush()
    } finally {
      this.cancel?.()
    }
  }

  private get size(): number {
    return this.sessions.size + this.marks.size + this.acks.size
  }

  private readonly onTime = (): void => {
    try {
      this.flush()
    } catch (error) {
      this.options.report(error)
    }
  }
}

interface Mark {
  readonly namespace: SqliteNamespace
  readonly roomId: string
  readonly seq: number
}

/** Up to where each inbox was delivered; of those that wait, the highest per inbox. */
class SqliteMarks {
  private readonly waiting = new Map<string, Mark>()
  private readonly save: Command

  constructor(db: DatabaseSync) {
    this.save = command(db, 'UPDATE rooms SET mark = max(mark, ?) WHERE id = ?')
  }

  get size(): number {
    return this.waiting.size
  }

  set(namespace: SqliteNamespace, roomId: string, seq: number): void {
    if (seq <= this.find(namespace, roomId)) return
    this.waiting.set(`${namespace.id} ${roomId}`, { namespace, roomId, seq })
    if (this.waiting.size <= MARKS_MAX) return
    for (const oldest of this.waiting.keys()) {
      this.waiting.delete(oldest)
      return
    }
  }

  find(namespace: SqliteNamespace, roomId: string): number {
    return this.waiting.get(`${namespace.id} ${roomId}`)?.seq ?? namespace.rooms.find(roomId)?.mark ?? 0
  }

  write(): void {
    for (const { namespace, roomId, seq } of this.waiting.values()) this.save.run(seq, namespace.rooms.get(roomId).id)
  }

  written(): void {
    for (const { namespace, roomId, seq } of this.waiting.values()) {
      const room = namespace.rooms.loaded(roomId)
      if (room !== undefined) room.mark = Math.max(room.mark, seq)
    }
    this.waiting.clear()
  }
}

interface Ack {
  readonly ns: number
  readonly key: AppendKey
  readonly ack: string
}

/** Acknowledgements that were known only after their commit; of those that wait, the first per key. */
export class SqliteAcks {
  private readonly waiting = new Map<string, Ack>()
  private readonly save: Command

  constructor(db: DatabaseSync) {
    const byName = 'key = ? AND scope = ? AND ns = ? AND part = 0'
    this.save = command(db, `UPDATE keys SET reply = ? WHERE ${byName} AND fingerprint = ? AND reply IS NULL`)
  }

  get size(): number {
    return this.waiting.size
  }

  set(ns: number, key: AppendKey, ack: string): void {
    const name = nameOf(ns, key)
    if (!this.waiting.has(name) && this.waiting.size < ACKS_MAX) this.waiting.set(name, { ns, key, ack })
  }

  find(ns: number, key: AppendKey): string | undefined {
    return this.waiting.get(nameOf(ns, key))?.ack
  }

  write(): void {
    for (const { ns, key, ack } of this.waiting.values()) this.save.run(ack, key.key, key.scope, ns, key.fingerprint)
  }

  written(): void {
    this.waiting.clear()
  }
}

function nameOf(ns: number, { scope, key, fingerprint }: AppendKey): string {
  return `${ns} ${scope.length} ${fingerprint} ${scope}${key}`
}
