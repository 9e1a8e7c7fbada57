/**
 * The log in `roomful.db`, through `node:sqlite`. This thread is the writer: one transaction per batch, a few microseconds
 * per row, which is less than a message to another thread and back. What takes longer (checkpoints, reads that reach far
 * back) runs in a worker.
 */
import type {
  Append,
  Appended,
  AppendKey,
  GrowingRow,
  Head,
  Refused,
  Repeated,
  ReturningMember,
  RoomSubscription,
  StoredState,
} from '../../../../core/ports/broker.ts'
import { MINUTE_MS } from '../../common/append-batch.ts'
import { isOfOtherLog, type Log } from '../log.ts'
import { SqliteBatching } from './batching.ts'
import type { SqliteNamespace } from './namespaces.ts'
import { isOverfull } from './rooms.ts'
import { openComponents, type SqliteComponents, type SqliteLogOptions } from './wiring.ts'

/**
 * Opens the log, made when it is missing.
 * @throws RoomfulError DATA_IN_USE, DATA_TOO_NEW or DATA_UNUSABLE, with a sentence for the person who starts the server
 */
export function openSqliteLog(options: SqliteLogOptions): Log {
  return new SqliteLog(options)
}

class SqliteLog implements Log {
  private readonly options: SqliteLogOptions
  private readonly components: SqliteComponents
  private readonly batching: SqliteBatching

  constructor(options: SqliteLogOptions) {
    this.options = options
    this.batching = new SqliteBatching({
      clock: options.clock,
      isPaused: () => this.components.checkpoints.isPaused,
      write: (name, entries) => this.write(this.namespace(name), entries),
    })
    this.components = openComponents(options, () => this.batching.flush())
  }

  open(name: string): { logId: string; n: number } {
    const { logId, n } = this.namespace(name)
    return { logId, n }
  }

  append(name: string, entries: readonly Append[]): Appended[] | Promise<Appended[]> {
    if (this.batching.mustWait(entries.length)) return this.batching.add(name, entries)
    return this.write(this.namespace(name), entries)
  }

  take(scope: string, perMinute: number): number {
    return this.components.limiter.take(scope, perMinute, MINUTE_MS)
  }

  isNewKey(name: string, key: AppendKey): boolean {
    return this.namespace(name).isNewKey(key)
  }

  findKey(name: string, key: AppendKey): Repeated | Refused | undefined {
    const namespace = this.namespace(name)
    const found = namespace.findKey(key, this.options.clock.now())
    if (found?.status !== 'duplicate' || found.ack !== undefined) return found
    const ack = this.components.deferred.acks.find(namespace.id, key)
    return ack === undefined ? found : { ...found, ack }
  }

  saveAck(name: string, key: AppendKey, ack: string): void {
    this.components.deferred.acks.set(this.namespace(name).id, key, ack)
    this.components.deferred.schedule()
  }

  read(...[name, after, limits]: Parameters<Log['read']>) {
    return this.components.reader.read(name, after, limits)
  }

  history(...[name, roomId, page]: Parameters<Log['history']>) {
    return this.components.reader.history(name, roomId, page)
  }

  growing(name: string, roomId: string): GrowingRow[] {
    return this.namespace(name).growing(roomId)
  }

  state(name: string, roomId: string): StoredState {
    return this.namespace(name).state(roomId)
  }

  readPositions(name: string, userId: string, roomIds: readonly string[]): number[] {
    return this.namespace(name).readPositions(userId, roomIds)
  }

  positions(name: string, n: number, roomIds: readonly string[]) {
    return this.namespace(name).positions(n, roomIds)
  }

  heads(name: string, roomIds: readonly string[]): Head[] {
    const { rooms } = this.namespace(name)
    const known = roomIds.map((roomId) => rooms.find(roomId)).filter((room) => room !== undefined)
    return known.map((room) => rooms.toHead(room))
  }

  subscribe(name: string, subscriptions: readonly RoomSubscription[]): Head[] {
    const { rooms } = this.namespace(name)
    const heads = rooms.retain(subscriptions)
    for (const { roomId } of subscriptions) {
      const room = rooms.loaded(roomId)
      if (room !== undefined && isOverfull(room)) this.components.maintenance.trimSoon(room)
    }
    return heads
  }

  unsubscribe(name: string, roomIds: readonly string[]): void {
    const { rooms } = this.namespace(name)
    for (const roomId of roomIds) rooms.unsubscribe(roomId)
  }

  redact(name: string, roomId: string, seq: number, epoch?: string): boolean {
    return this.components.redaction.redact(this.namespace(name), roomId, seq, epoch)
  }

  redactUser(name: string, userId: string): Promise<number> {
    return this.components.redaction.redactUser(this.namespace(name), userId)
  }

  mark(name: string, roomId: string): number {
    return this.components.deferred.marks.find(this.namespace(name), roomId)
  }

  setMark(name: string, roomId: string, seq: number, epoch?: string): void {
    const namespace = this.namespace(name)
    const room = namespace.rooms.find(roomId)
    if (room && isOfOtherLog(epoch, namespace.rooms.toHead(room))) return
    this.components.deferred.marks.set(namespace, roomId, seq)
    this.components.deferred.schedule()
  }

  saveSession(...[session, ttlMs]: Parameters<Log['saveSession']>): void {
    const expiresAtMs = this.options.clock.now() + ttlMs
    this.components.deferred.sessions.set(this.namespace(session.namespace).id, session.id, session, expiresAtMs)
    this.components.deferred.schedule()
  }

  sessionsStored(): void {
    this.components.deferred.flush()
  }

  findSession(name: string, id: string) {
    return this.components.deferred.sessions.find(this.namespace(name).id, id, this.options.clock.now())
  }

  dropSession(name: string, id: string): void {
    this.components.deferred.sessions.set(this.namespace(name).id, id, undefined, 0)
    this.components.deferred.schedule()
  }

  saveReturning(name: string, members: readonly ReturningMember[]): void {
    this.components.returning.save(this.namespace(name).id, members)
  }

  takeReturning(name: string): ReturningMember[] {
    return this.components.returning.take(this.namespace(name).id)
  }

  healthy(): boolean {
    return this.components.writer.isHealthy
  }

  async close(): Promise<void> {
    this.batching.flush()
    await this.components.close()
  }

  private namespace(name: string): SqliteNamespace {
    return this.components.namespaces.get(name)
  }

  /** One transaction; what waits to be written goes along, and what the commit made due is started. */
  private write(namespace: SqliteNamespace, entries: readonly Append[]): Appended[] {
    const { writer, deferred, maintenance, limits } = this.components
    const { isPending } = deferred
    const rowsBefore = writer.rows
    const results = writer.transaction(() => {
      if (isPending) deferred.write()
      if (writer.usage.mustSave) writer.usage.save()
      return namespace.append(entries, this.options.clock.now())
    })
    if (isPending) deferred.written()
    for (const room of namespace.committed(results)) if (isOverfull(room)) maintenance.trimSoon(room)
    if (writer.usage.total > limits.dataMaxBytes) maintenance.freeSpace(writer.rows - rowsBefore)
    return results
  }
}
