/**
 * What the writer's thread may request from the worker, and how it is done: in the worker or, if there is none, on the
 * writer's own thread.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { ReadLimits, StoredRow } from '../../../../core/ports/broker.ts'
import { type Query, query, type Sync } from './connection.ts'
import { type RoomPosition, SqliteQueries, type UserEvent } from './queries.ts'

export interface WorkerSettings {
  readonly path: string
  readonly sync: Sync
}

export interface RequestMessage {
  readonly id: number
  readonly request: WorkerRequest
}

/** Sent instead of a request: the worker closes the file and ends. */
export type CloseMessage = 'close'

export type ResultMessage =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }

export type WorkerRequest =
  | { readonly kind: 'read'; readonly after: readonly RoomPosition[]; readonly limits: ReadLimits }
  | {
      readonly kind: 'span'
      readonly room: number
      readonly roomId: string
      readonly from: number
      readonly to: number
    }
  | {
      readonly kind: 'by-user'
      readonly ns: number
      readonly userId: string
      readonly afterId: number
      readonly limit: number
    }
  | { readonly kind: 'checkpoint' }

export interface WorkerResults {
  readonly read: StoredRow[]
  readonly span: StoredRow[]
  readonly 'by-user': UserEvent[]
  readonly checkpoint: Checkpoint
}

/** Pages of the journal, and how many of them are copied into the file; -1 when it could not be done. */
export interface Checkpoint {
  readonly log: number
  readonly checkpointed: number
}

export class RequestRunner {
  private readonly queries: SqliteQueries
  private readonly checkpoint: Query<Checkpoint>

  constructor(db: DatabaseSync) {
    this.queries = new SqliteQueries(db)
    // PASSIVE never blocks the writer; the other modes would, for two flushes of the disk.
    this.checkpoint = query(db, 'PRAGMA wal_checkpoint(PASSIVE)')
  }

  run<R extends WorkerRequest>(request: R): WorkerResults[R['kind']]
  run(request: WorkerRequest): WorkerResults[WorkerRequest['kind']] {
    switch (request.kind) {
      case 'read':
        return this.queries.read(request.after, request.limits)
      case 'span':
        return this.queries.span(request.room, request.roomId, request.from, request.to)
      case 'by-user':
        return this.queries.byUser(request.ns, request.userId, request.afterId, request.limit)
      case 'checkpoint':
        return this.checkpoint.get() ?? { log: -1, checkpointed: -1 }
      default:
        return request satisfies never
    }
  }
}
