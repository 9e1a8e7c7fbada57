/**
 * The log in `roomful.db`, through `node:sqlite`. The writer is this thread: one transaction per batch, a few microseconds
 * per row, which is less than a thread's answer would take. What takes longer (checkpoints, reads that reach far back) is
 * the worker's.
 */
import type {
  Append,
  Appended,
  AppendKey,
  Head,
  ReturningMember,
  RoomSubscription,
} from '../../../../core/ports/broker.ts'
import type { Log } from '../log.ts'
import { SqliteQueue } from './batching.ts'
import type { SqliteNamespace } from './namespaces.ts'
import { SqliteReader } from './reader.ts'
import { openParts, type SqliteLogOptions, type SqliteParts } from './wiring.ts'

/**
 * Opens the log, made when it is missing.
 * @throws RoomfulError DATA_IN_USE, DATA_TOO_NEW or DATA_UNUSABLE, with a sentence for the person who starts the server
 */
export function openSqliteLog(options: SqliteLogOptions): Log {
  return new SqliteLog(options)
}

class SqliteLog implements Log {
  readonly read: Log['read']
  readonly history: Log['history']
  private readonly options: SqliteLogOptions
  private readonly parts: SqliteParts
  private readonly queue: SqliteQueue

  constructor(options: SqliteLogOptions) {
    this.options = options
    this.queue = new SqliteQueue({
      clock: options.clock,
      isHolding: () => this.parts.checkpoints.isHolding,
      write: (name, entries) => this.write(this.namespace(name), entries),
    })
    this.parts = openParts(options, () => this.queue.drain())
    const reader = new SqliteReader(this.parts.background, this.parts.namespaces)
    this.read = (namespace, after, limits) => reader.read(namespace, after, limits)
    this.history = (namespace, roomId, page) => reader.history(namespace, roomId, page)
  }

  open(name: string): { logId: string; n: number } {
    const { logId, n } = this.namespace(name)
    return { logId, n }
  }

  append(name: string, entries: readonly Append[]): Appended[] | Promise<Appended[]> {
    return this.queue.append(name, entries)
  }

  isNewKey(name: string, key: AppendKey): boolean {
    return this.namespace(name).isNewKey(key)
  }

  findKey(name: string, key: AppendKey): Appended | undefined {
    const namespace = this.namespace(name)
    const found = namespace.findKey(key, this.options.clock.now())
    if (found?.status !== 'duplicate' || found.ack !== undefined) return found
    const reply = this.parts.notes.replies.find(namespace.id, key)
    return reply === undefined ? found : { ...found, ack: reply }
  }

  saveReply(name: string, key: AppendKey, reply: string): void {
    this.parts.notes.replies.note(this.namespace(name).id, key, reply)
    this.parts.notes.plan()
  }

  positions(name: string, n: number, roomIds: readonly string[]) {
    return this.namespace(name).positions(n, roomIds)
  }

  heads(name: string, roomIds: readonly string[]): Head[] {
    const { rooms } = this.namespace(name)
    const known = roomIds.map((roomId) => rooms.find(roomId)).filter((room) => room !== undefined)
    return known.map((room) => rooms.toHead(room))
  }

  hold(name: string, subscriptions: readonly RoomSubscription[]): Head[] {
    const { rooms } = this.namespace(name)
    const heads = rooms.hold(subscriptions)
    for (const { roomId } of subscriptions) {
      const room = rooms.known(roomId)
      if (room !== undefined) this.parts.upkeep.look(room)
    }
    return heads
  }

  release(name: string, roomIds: readonly string[]): void {
    const { rooms } = this.namespace(name)
    for (const roomId of roomIds) rooms.release(roomId)
  }

  redact(name: string, roomId: string, seq: number): boolean {
    return this.parts.redaction.redact(this.namespace(name), roomId, seq)
  }

  redactUser(name: string, userId: string): Promise<number> {
    return this.parts.redaction.redactUser(this.namespace(name), userId)
  }

  mark(name: string, roomId: string): number {
    return this.parts.notes.marks.find(this.namespace(name), roomId)
  }

  setMark(name: string, roomId: string, seq: number): void {
    this.parts.notes.marks.note(this.namespace(name), roomId, seq)
    this.parts.notes.plan()
  }

  saveSession(...[session, expiresAtMs]: Parameters<Log['saveSession']>): void {
    this.parts.notes.sessions.note(this.namespace(session.namespace).id, session.id, session, expiresAtMs)
    this.parts.notes.plan()
  }

  sessionsStored(): void {
    this.parts.notes.flushNow()
  }

  findSession(name: string, id: string) {
    return this.parts.notes.sessions.find(this.namespace(name).id, id, this.options.clock.now())
  }

  dropSession(name: string, id: string): void {
    this.parts.notes.sessions.note(this.namespace(name).id, id, undefined, 0)
    this.parts.notes.plan()
  }

  saveReturning(name: string, members: readonly ReturningMember[]): void {
    this.parts.returning.save(this.namespace(name).id, members)
  }

  takeReturning(name: string): ReturningMember[] {
    return this.parts.returning.take(this.namespace(name).id)
  }

  healthy(): boolean {
    return this.parts.writer.isHealthy
  }

  async close(): Promise<void> {
    this.queue.drain()
    await this.parts.close()
  }

  private namespace(name: string): SqliteNamespace {
    return this.parts.namespaces.get(name)
  }

  private write(namespace: SqliteNamespace, entries: readonly Append[]): Appended[] {
    const { notes, upkeep, checkpoints, writers } = this.parts
    const { journalBytes } = notes
    const results = this.transaction(namespace, () => {
      notes.write()
      if (writers.isDue) writers.write()
      return namespace.append(entries, this.options.clock.now())
    })
    notes.forget()
    const { touched, written } = namespace.committed(results)
    upkeep.committed(touched, written.rows)
    checkpoints.committed(written.bytes + journalBytes)
    return results
  }

  private transaction(namespace: SqliteNamespace, work: () => Appended[]): Appended[] {
    try {
      return this.parts.writer.transaction(work)
    } catch (error) {
      namespace.rolledBack()
      throw error
    }
  }
}
