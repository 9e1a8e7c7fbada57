/** Sessions, marks and replies that wait to be written down: with the next append, or by themselves when none comes soon. */
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../../../core/ports/clock.ts'
import { SqliteMarks } from './marks.ts'
import { SqliteReplies } from './replies.ts'
import { SqliteSessions } from './sessions.ts'
import type { SqliteWriter } from './writer.ts'

const WAIT_MS = 100
/** After a failure of the disk. */
const AGAIN_MS = 1000

export interface NotesOptions {
  readonly db: DatabaseSync
  readonly writer: SqliteWriter
  readonly clock: Clock
  readonly sessionsMax: number
  readonly report: (error: unknown) => void
}

export class SqliteNotes {
  readonly sessions: SqliteSessions
  readonly marks: SqliteMarks
  readonly replies: SqliteReplies
  private readonly options: NotesOptions
  private cancel: (() => void) | undefined

  constructor(options: NotesOptions) {
    this.options = options
    this.sessions = new SqliteSessions(options.db, options.sessionsMax)
    this.marks = new SqliteMarks(options.db)
    this.replies = new SqliteReplies(options.db)
  }

  /** There is a new note. */
  plan(waitMs = WAIT_MS): void {
    this.cancel ??= this.options.clock.after(waitMs, this.onTime)
  }

  /** Within a transaction, after which `forget` says that they are no longer needed. */
  write(): void {
    this.sessions.writeNotes()
    this.marks.writeNotes()
    this.replies.writeNotes()
  }

  forget(): void {
    this.sessions.forgetNotes()
    this.marks.forgetNotes()
    this.replies.forgetNotes()
  }

  /** @throws RoomfulError UNAVAILABLE; the notes then stay */
  flush(): void {
    this.cancel?.()
    this.cancel = undefined
    if (![this.sessions, this.marks, this.replies].some(({ hasNotes }) => hasNotes)) return
    this.options.writer.transaction(() => this.write())
    this.forget()
  }

  private readonly onTime = (): void => {
    try {
      this.flush()
    } catch (error) {
      this.options.report(error)
      this.plan(AGAIN_MS)
    }
  }
}
