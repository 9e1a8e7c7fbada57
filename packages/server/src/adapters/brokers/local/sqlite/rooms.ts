/**
 * The rooms of one namespace as far as they are in use: where each stands is read from the file at first sight and then
 * kept in memory, so that an append looks nothing up.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Head, RoomSubscription } from '../../../../core/ports/broker.ts'
import type { Clock } from '../../../../core/ports/clock.ts'
import type { Random } from '../../../../core/ports/random.ts'
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
  /** When it was last let go of, or looked at by somebody who did not hold it. */
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

/** Rooms remembered that nobody holds, about 20 MB of them; the one let go of longest ago is forgotten first. */
const REMEMBERED_MAX = 50_000

interface RoomRow {
  readonly id: number
  readonly epoch: string
  readonly seq: number
  readonly retention: number
  readonly mark: number
  readonly trimmed_n: number
  readonly lowest: number | null
  readonly latest: number | null
}

export class SqliteRooms {
  private readonly ns: number
  private readonly options: SqliteRoomsOptions
  private readonly held = new Map<string, SqliteRoom>()
  private readonly remembered = new Map<string, SqliteRoom>()
  private readonly select: Query<RoomRow>
  private readonly insert: Command
  private readonly setRetention: Command

  constructor(ns: number, options: SqliteRoomsOptions) {
    const { db } = options
    this.ns = ns
    this.options = options
    this.select = query(
      db,
      `SELECT id, epoch, seq, retention, mark, trimmed_n, (SELECT min(seq) FROM events WHERE room = rooms.id) AS lowest,
        (SELECT max(seq) FROM events WHERE room = rooms.id) AS latest FROM rooms WHERE ns = ? AND name = ?`,
    )
    this.insert = command(db, 'INSERT INTO rooms (ns, name, epoch, seq, ts, retention) VALUES (?, ?, ?, 0, ?, ?)')
    this.setRetention = command(db, 'UPDATE rooms SET retention = ? WHERE id = ?')
  }

  find(roomId: string): SqliteRoom | undefined {
    return this.known(roomId) ?? this.load(roomId)
  }

  /** One that is in memory. */
  known(roomId: string): SqliteRoom | undefined {
    return this.held.get(roomId) ?? this.remembered.get(roomId)
  }

  isHeld(roomId: string): boolean {
    return this.held.has(roomId)
  }

  /** The room, made when it is missing; within a transaction. */
  get(roomId: string): SqliteRoom {
    return this.find(roomId) ?? this.make(roomId)
  }

  hold(subscriptions: readonly RoomSubscription[]): Head[] {
    const isChange = subscriptions.some((each) => this.find(each.roomId)?.retention !== this.retentionOf(each))
    if (isChange) this.options.writer.transaction(() => subscriptions.map((each) => this.applyDeclared(each)))
    return subscriptions.map(({ roomId }) => {
      const room = this.find(roomId) as SqliteRoom
      this.remembered.delete(roomId)
      this.held.set(roomId, room)
      return this.toHead(room)
    })
  }

  release(roomId: string): void {
    const room = this.held.get(roomId)
    if (room === undefined) return
    this.held.delete(roomId)
    room.idleSinceMs = this.options.clock.now()
    this.remember(room)
  }

  forget(roomId: string): void {
    this.remembered.delete(roomId)
  }

  /** After a failed transaction: what is remembered may come from within it, and the file knows better. */
  rollBack(touched: Iterable<SqliteRoom>): void {
    for (const room of touched) room.seq = room.committedSeq
    this.remembered.clear()
  }

  toHead({ roomId, epoch, seq, first }: SqliteRoom): Head {
    return { roomId, epoch: formatEpoch(epoch, this.options.generation), seq, first }
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
    const { id, epoch, retention, mark, trimmed_n: trimmedN } = row
    const idleSinceMs = this.options.clock.now()
    const first = Math.max(kept, seq - retention + 1)
    return this.remember({
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
      idleSinceMs,
    })
  }

  private make(roomId: string): SqliteRoom {
    const { random, retention, clock, writer } = this.options
    const epoch = random.id(EPOCH_LENGTH)
    const idleSinceMs = clock.now()
    const id = Number(this.insert.run(this.ns, roomId, epoch, Math.trunc(idleSinceMs), retention).lastInsertRowid)
    writer.onRollback(() => this.remembered.clear())
    return this.remember({
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
      idleSinceMs,
    })
  }

  private remember(room: SqliteRoom): SqliteRoom {
    this.remembered.set(room.roomId, room)
    if (this.remembered.size > REMEMBERED_MAX) {
      for (const oldest of this.remembered.keys()) {
        this.remembered.delete(oldest)
        break
      }
    }
    return room
  }
}
