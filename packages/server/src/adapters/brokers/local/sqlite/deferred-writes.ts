/** Sessions, marks and replies that wait to be written down: with the next append, or by themselves when none comes soon. */
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../../../core/ports/clock.ts'
import { SqliteMarks } from './marks.ts'
import { SqliteReplies } from './replies.ts'
import { SqliteSessions } from './sessions.ts'
import type { SqliteWriter } from './writer.ts'

const WAIT_MS = 100
/** What a note adds to the journal: the page that it changes. */
const JOURNAL_BYTES = 4096
/** After a failure of the disk. */
const AGAIN_MS = 1000

export interface NotesOptions {
  readonly db: DatabaseSync
  readonly writer: SqliteWriter
  readonly clock: Clock
  readonly sessionsMax: number
  /** They were written by themselves: how much that added to the journal. */
  readonly onWritten: (bytes: number) => void
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

  /** What writing them adds to the journal. */
  get journalBytes(): number {
    return (this.sessions.noteCount + this.marks.noteCount + this.replies.noteCount) * JOURNAL_BYTES
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
    const { journalBytes } = this
    if (journalBytes === 0) return
    this.options.writer.transaction(() => this.write())
    this.forget()
    this.options.onWritten(journalBytes)
  }

  /** Somebody waits for it. @throws RoomfulError UNAVAILABLE; the notes then stay, and are written later */
  flushNow(): void {
    try {
      this.flush()
    } catch (error) {
      this.plan(AGAIN_MS)
      throw error
    }
  }

  private readonly onTime = (): void => {
    try {
      this.flushNow()
    } catch (error) {
      this.options.report(error)
    }
  }
}
