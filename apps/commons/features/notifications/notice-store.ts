/** Which notifications quote which messages, so that a quote goes with the message that is deleted. */
import { type Database, defineStore } from '../../database.ts'

const SCHEMA = `
  CREATE TABLE notices (
    room_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    notice_seq INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (room_id, seq, user_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX notices_made_at ON notices (made_at);`

/** Longer than the log of most rooms reaches back. */
const KEPT_MS = 90 * 24 * 60 * 60 * 1_000

export interface Notice {
  readonly userId: string
  /** Its number among the notifications of that person. */
  readonly noticeSeq: number
}

export class NoticeStore {
  private readonly database: Database
  private readonly statements

  constructor(database: Database) {
    this.database = database
    this.statements = defineStore(database, 'notices', [SCHEMA], {
      add: 'INSERT OR REPLACE INTO notices VALUES (?, ?, ?, ?, ?)',
      trim: 'DELETE FROM notices WHERE made_at < ?',
      list: 'SELECT user_id, notice_seq FROM notices WHERE room_id = ? AND seq = ?',
      delete: 'DELETE FROM notices WHERE room_id = ? AND seq = ?',
    })
  }

  add(
    { roomId, seq, userId, noticeSeq }: Notice & { readonly roomId: string; readonly seq: number },
    at: number,
  ): void {
    this.database.change(() => {
      this.statements.add.run(roomId, seq, userId, noticeSeq, at)
      this.statements.trim.run(at - KEPT_MS)
    })
  }

  /** @returns those that quote a message, and forgets them */
  take(roomId: string, seq: number): Notice[] {
    return this.database.change(() => {
      const found = this.statements.list.all(roomId, seq)
      this.statements.delete.run(roomId, seq)
      return found.map((row) => ({ userId: String(row.user_id), noticeSeq: Number(row.notice_seq) }))
    })
  }
}
