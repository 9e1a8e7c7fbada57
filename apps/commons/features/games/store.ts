/** Tables in the database, so that a restart in the middle of a game does not end it. */
import { type Database, defineStore } from '../../database.ts'
import type { Game } from './rules.ts'

const SCHEMA = 'CREATE TABLE games (room_id TEXT PRIMARY KEY, game TEXT NOT NULL) STRICT;'

export class GameStore {
  private readonly database: Database
  private readonly statements

  constructor(database: Database) {
    this.database = database
    this.statements = defineStore(database, 'games', [SCHEMA], {
      list: 'SELECT game FROM games',
      save: 'INSERT OR REPLACE INTO games (room_id, game) VALUES (?, ?)',
      delete: 'DELETE FROM games WHERE room_id = ?',
    })
  }

  list(): Game[] {
    return this.statements.list.all().map(({ game }) => JSON.parse(String(game)) as Game)
  }

  save(game: Game): void {
    this.database.change(() => this.statements.save.run(game.roomId, JSON.stringify(game)))
  }

  delete(roomId: string): void {
    this.database.change(() => this.statements.delete.run(roomId))
  }
}
