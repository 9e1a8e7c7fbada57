/** Sessions, marks and replies that wait to be written down: with the next append, or by themselves when none comes soon. */
import type { DatabaseSync } from 'node:sqlite'
import type { AppendKey } from '../../../../core/ports/broker.ts'
import type { Clock } from '../../../../core/ports/clock.ts'
import { type Command, command } from './connection.ts'
import type { SqliteNamespace } from './namespaces.ts'
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

/** Only a disk that fails lets so many wait; an inbox whose mark was dropped is told some messages again. */
const MARKS_MAX = 100_000

interface Mark {
  readonly namespace: SqliteNamespace
  readonly roomId: string
  readonly seq: number
}

/** How far inboxes were told: notes in memory, the highest per inbox, that the next commit writes down. */
export class SqliteMarks {
  private readonly notes = new Map<string, Mark>()
  private readonly save: Command

  constructor(db: DatabaseSync) {
    this.save = command(db, 'UPDATE rooms SET mark = max(mark, ?) WHERE id = ?')
  }

  get noteCount(): number {
    return this.notes.size
  }

  note(namespace: SqliteNamespace, roomId: string, seq: number): void {
    if (seq <= this.find(namespace, roomId)) return
    this.notes.set(`${namespace.id} ${roomId}`, { namespace, roomId, seq })
    if (this.notes.size <= MARKS_MAX) return
    for (const oldest of this.notes.keys()) {
      this.notes.delete(oldest)
      return
    }
  }

  find(namespace: SqliteNamespace, roomId: string): number {
    return this.notes.get(`${namespace.id} ${roomId}`)?.seq ?? namespace.rooms.find(roomId)?.mark ?? 0
  }

  /** Writes the notes down; within a transaction, after which `forgetNotes` says that they are no longer needed. */
  writeNotes(): void {
    for (const { namespace, roomId, seq } of this.notes.values()) this.save.run(seq, namespace.rooms.get(roomId).id)
  }

  forgetNotes(): void {
    for (const { namespace, roomId, seq } of this.notes.values()) {
      const room = namespace.rooms.known(roomId)
      if (room !== undefined) room.mark = Math.max(room.mark, seq)
    }
    this.notes.clear()
  }
}

/** Only a disk that fails lets so many wait; a request whose reply was dropped is asked of its handler again. */
const REPLIES_MAX = 10_000

interface Reply {
  readonly ns: number
  readonly key: AppendKey
  readonly reply: string
}

/** Replies that were known only after their commit: notes in memory, the first per key, that the next commit writes down. */
export class SqliteReplies {
  private readonly notes = new Map<string, Reply>()
  private readonly save: Command

  constructor(db: DatabaseSync) {
    const byName = 'key = ? AND scope = ? AND ns = ? AND part = 0'
    this.save = command(db, `UPDATE keys SET reply = ? WHERE ${byName} AND fingerprint = ? AND reply IS NULL`)
  }

  get noteCount(): number {
    return this.notes.size
  }

  note(ns: number, key: AppendKey, reply: string): void {
    const name = nameOf(ns, key)
    if (!this.notes.has(name) && this.notes.size < REPLIES_MAX) this.notes.set(name, { ns, key, reply })
  }

  find(ns: number, key: AppendKey): string | undefined {
    return this.notes.get(nameOf(ns, key))?.reply
  }

  /** Writes the notes down; within a transaction, after which `forgetNotes` says that they are no longer needed. */
  writeNotes(): void {
    for (const { ns, key, reply } of this.notes.values()) this.save.run(reply, key.key, key.scope, ns, key.fingerprint)
  }

  forgetNotes(): void {
    this.notes.clear()
  }
}

function nameOf(ns: number, { scope, key, fingerprint }: AppendKey): string {
  return `${ns} ${scope.length} ${fingerprint} ${scope}${key}`
}
