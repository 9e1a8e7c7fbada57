/** What the writer's thread may ask the worker, and how it is answered: there or, should the worker be gone, right here. */
import type { DatabaseSync } from 'node:sqlite'
import type { ReadLimits, StoredRow } from '../../../../core/ports/broker.ts'
import { type Query, query } from './connection.ts'
import { type RoomPosition, SqliteQueries, type UserEvent } from './queries.ts'

export type Question =
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

export interface Answers {
  readonly read: StoredRow[]
  readonly span: StoredRow[]
  readonly 'by-user': UserEvent[]
  readonly checkpoint: Checkpoint
}

/** How much of the journal there is and how much of it is in the file; in pages, -1 when it could not be done. */
export interface Checkpoint {
  readonly log: number
  readonly checkpointed: number
}

export class SqliteAnswers {
  private readonly queries: SqliteQueries
  private readonly checkpoint: Query<Checkpoint>

  constructor(db: DatabaseSync) {
    this.queries = new SqliteQueries(db)
    // PASSIVE never keeps the writer waiting; the other modes would, for two flushes of the disk.
    this.checkpoint = query(db, 'PRAGMA wal_checkpoint(PASSIVE)')
  }

  answer<Q extends Question>(question: Q): Answers[Q['kind']]
  answer(question: Question): Answers[Question['kind']] {
    switch (question.kind) {
      case 'read':
        return this.queries.read(question.after, question.limits)
      case 'span':
        return this.queries.span(question.room, question.roomId, question.from, question.to)
      case 'by-user':
        return this.queries.byUser(question.ns, question.userId, question.afterId, question.limit)
      case 'checkpoint':
        return this.checkpoint.get() ?? { log: -1, checkpointed: -1 }
      default:
        return question satisfies never
    }
  }
}
