/** Who waits for help, in the database. The conversations themselves are in the rooms' logs. */
import { type Database, defineStore } from '../../database.ts'
import type { HelpRequest } from './contract.ts'

const SCHEMA = `
  CREATE TABLE help_requests (
    room_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    asked_at INTEGER NOT NULL
  ) STRICT;`

/** Those who have waited longest; the next ones come up as these are answered. */
const LISTED_MAX = 200

export class HelpStore {
  private readonly database: Database
  private readonly statements

  constructor(database: Database) {
    this.database = database
    this.statements = defineStore(database, 'help', [SCHEMA], {
      list: `SELECT * FROM help_requests ORDER BY asked_at LIMIT ${LISTED_MAX}`,
      find: 'SELECT * FROM help_requests WHERE room_id = ?',
      open: 'INSERT OR IGNORE INTO help_requests VALUES (?, ?, ?, ?)',
      close: 'DELETE FROM help_requests WHERE room_id = ?',
    })
  }

  /** Who has waited longest comes first. */
  list(): HelpRequest[] {
    return this.statements.list.all().map((row) => ({
      roomId: String(row.room_id),
      userId: String(row.user_id),
      name: String(row.name),
      askedAt: Number(row.asked_at),
    }))
  }

  find(roomId: string): boolean {
    return this.statements.find.get(roomId) !== undefined
  }

  open({ roomId, userId, name, askedAt }: HelpRequest): void {
    this.database.change(() => this.statements.open.run(roomId, userId, name, askedAt))
  }

  close(roomId: string): void {
    this.database.change(() => this.statements.close.run(roomId))
  }
}
