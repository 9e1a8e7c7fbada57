/**
 * Tables in the database, so that a restart in the middle of a game does not end it. Where several nodes share the database,
 * each row knows the fence of the lead that wrote it: a lead of before changes nothing any more.
 */
import { type Database, defineStore } from '../../database.ts'
import type { Game } from './rules.ts'

const STEPS = [
  'CREATE TABLE games (room_id TEXT PRIMARY KEY, game TEXT NOT NULL) STRICT;',
  'ALTER TABLE games ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;',
]

export class GameStore {
  private readonly database: Database
  private readonly statements

  constructor(database: Database) {
    this.database = database
    this.statements = defineStore(database, 'games', STEPS, {
      list: 'SELECT game FROM games',
      take: 'UPDATE games SET fence = max(fence, ?)',
      save: `INSERT INTO games (room_id, game, fence) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET game = excluded.game, fence = excluded.fence WHERE excluded.fence >= fence`,
      delete: 'DELETE FROM games WHERE room_id = ? AND fence <= ?',
    })
  }

  /** All tables; from now on only this lead, or a later one, changes them. */
  take(fence: number): Game[] {
    return this.database.change(() => {
      this.statements.take.run(fence)
      return this.statements.list.all().map(({ game }) => JSON.parse(String(game)) as Game)
    })
  }

  save(game: Game, fence: number): void {
    this.database.change(() => this.statements.save.run(game.roomId, JSON.stringify(game), fence))
  }

  delete(roomId: string, fence: number): void {
    this.database.change(() => this.statements.delete.run(roomId, fence))
  }
}
