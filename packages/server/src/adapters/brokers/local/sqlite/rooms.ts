/**
 * The rooms of one namespace that are in use. Each is read from the file once and then cached, so that an append needs no
 * look-up.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Head, RoomSubscription } from '../../../../core/ports/broker.ts'
import type { Clock, Random } from '../../../../core/ports/system.ts'
import { EPOCH_LENGTH, formatEpoch } from '../log.ts'
import { type Command, command, type Query, query } from './connection.ts'
import type { SqliteWriter } from './writer.ts'

export interface SqliteRoom {
  readonly id: number
  readonly roomId: string
  /** The random half of its epoch. */
  readonly epoch: string
  retention: number
  /** Latest number given, and the latest that is committed: they differ within a transaction. */
  seq: number
  committedSeq: number
  /** Lowest number that may be read; lower ones may still be in the file. */
  first: number
  /** Lowest number in the file. */
  kept: number
  /** The commit of the one before it. */
  trimmedN: number
  mark: number
  /** Messages that are being written. */
  growing: number
  /** Version of its state. */
  fv: number
  /** When it was last released, or loaded without being retained. */
  idleSinceMs: number
}

export interface SqliteRoomsOptions {
  readonly db: DatabaseSync
  readonly writer: SqliteWriter
  readonly clock: Clock
  readonly random: Random
  readonly generation: number
  /** Most events per room that does not say otherwise. */
  readonly retention: number
}

/** Cached rooms that are not retained, about 20 MB; the one released longest ago is dropped first. */
const CACHED_MAX = 50_000
/** Rows that a room may have in the file beyond its retention, as a part of it: trimming one by one would cost more. */
const SLACK = 0.1
const SLACK_MIN = 64

/** It has so many rows below its first readable one that they should be trimmed. */
export function isOverfull({ first, kept, retention }: SqliteRoom): boolean {
  return first - kept > Math.max(SLACK_MIN, retention * SLACK)
}

interface RoomRow {
  readonly id: number
  readonly epoch: string
  readonly seq: number
  readonly retention: number
  readonly mark: number
  readonly trimmed_n: number
  readonly growing: number
  readonly fv: number
  readonly lowest: number | null
  readonly latest: number | null
}

export class SqliteRooms {
  private readonly ns: number
  private readonly options: SqliteRoomsOptions
  private readonly retained = new Map<string, SqliteRoom>()
  private readonly cached = new Map<string, SqliteRoom>()
  private readonly select: Query<RoomRow>
  private readonly insert: Command
  private readonly setRetention: Command

  constructor(ns: number, options: SqliteRoomsOptions) {
    const { db } = options
    this.ns = ns
    this.options = options
    this.select = query(
      db,
      `SELECT id, epoch, seq, retention, mark, trimmed_n, fv,
        (SELECT count(*) FROM texts WHERE room = rooms.id) AS growing, (SELECT min(seq) FROM events WHERE room = rooms.id) AS lowest,
        (SELECT max(seq) FROM events WHERE room = rooms.id) AS latest FROM rooms WHERE ns = ? AND name = ?`,
    )
    this.insert = command(db, 'INSERT INTO rooms (ns, name, epoch, seq, ts, retention) VALUES (?, ?, ?, 0, ?, ?)')
    this.setRetention = command(db, 'UPDATE rooms SET retention = ? WHERE id = ?')
  }

  find(roomId: string): SqliteRoom | undefined {
    return this.loaded(roomId) ?? this.load(roomId)
  }

  /** Only if it is in memory. */
  loaded(roomId: string): SqliteRoom | undefined {
    return this.retained.get(roomId) ?? this.cached.get(roomId)
  }

  isRetained(roomId: string): boolean {
    return this.retained.has(roomId)
  }

  /** The room, made when it is missing; within a transaction. */
  get(roomId: string): SqliteRoom {
    return this.find(roomId) ?? this.make(roomId)
  }

  /** Makes the rooms that are missing, and keeps all of them in memory and in the file until `release`. */
  retain(subscriptions: readonly RoomSubscription[]): Head[] {
    const isChange = subscriptions.some((each) => this.find(each.roomId)?.retention !== this.retentionOf(each))
    if (isChange) this.options.writer.transaction(() => subscriptions.map((each) => this.applyDeclared(each)))
    return subscriptions.map(({ roomId }) => {
      const room = this.find(roomId) as SqliteRoom
      this.cached.delete(roomId)
      this.retained.set(roomId, room)
      return this.toHead(room)
    })
  }

  unsubscribe(roomId: string): void {
    const room = this.retained.get(roomId)
    if (room === undefined) return
    this.retained.delete(roomId)
    room.idleSinceMs = this.options.clock.now()
    this.cache(room)
  }

  forget(roomId: string): void {
    this.cached.delete(roomId)
  }

  /** After a failed transaction: the cache may contain what it wrote, so it is read from the file again. */
  rollBack(touched: Iterable<SqliteRoom>): void {
    for (const room of touched) room.seq = room.committedSeq
    this.cached.clear()
  }

  toHead({ roomId, epoch, seq, first, growing, fv }: SqliteRoom): Head {
    const head = { roomId, epoch: formatEpoch(epoch, this.options.generation), seq, first }
    if (growing === 0 && fv === 0) return head
    return { ...head, ...(growing > 0 ? { isGrowing: true } : {}), ...(fv > 0 ? { hasState: true } : {}) }
  }

  private retentionOf({ retention }: RoomSubscription): number {
    return retention ?? this.options.retention
  }

  private applyDeclared(subscription: RoomSubscription): void {
    const room = this.get(subscription.roomId)
    const { retention, first } = room
    this.options.writer.onRollback(() => Object.assign(room, { retention, first }))
    room.retention = this.retentionOf(subscription)
    room.first = Math.max(first, room.seq - room.retention + 1)
    this.setRetention.run(room.retention, room.id)
  }

  private load(roomId: string): SqliteRoom | undefined {
    const row = this.select.get(this.ns, roomId)
    if (row === undefined) return undefined
    const seq = Math.max(row.seq, row.latest ?? 0)
    const kept = row.lowest ?? seq + 1
    const { id, epoch, retention, mark, growing, fv, trimmed_n: trimmedN } = row
    const idleSinceMs = this.options.clock.now()
    const first = Math.max(kept, seq - retention + 1)
    return this.cache({
      id,
      roomId,
      epoch,
      retention,
      seq,
      committedSeq: seq,
      first,
      kept,
      trimmedN,
      mark,
      growing,
      fv,
      idleSinceMs,
    })
  }

  private make(roomId: string): SqliteRoom {
    const { random, retention, clock, writer } = this.options
    const epoch = random.id(EPOCH_LENGTH)
    const idleSinceMs = clock.now()
    const id = Number(this.insert.run(this.ns, roomId, epoch, Math.trunc(idleSinceMs), retention).lastInsertRowid)
    writer.onRollback(() => this.cached.clear())
    return this.cache({
      id,
      roomId,
      epoch,
      retention,
      seq: 0,
      committedSeq: 0,
      first: 1,
      kept: 1,
      trimmedN: 0,
      mark: 0,
      growing: 0,
      fv: 0,
      idleSinceMs,
    })
  }

  private cache(room: SqliteRoom): SqliteRoom {
    this.cached.set(room.roomId, room)
    if (this.cached.size > CACHED_MAX) {
      for (const oldest of this.cached.keys()) {
        this.cached.delete(oldest)
        break
      }
    }
    return room
  }
}
