/** The presentations in the database; the first one comes with the application. */
import { type Database, defineStore } from '../../database.ts'
import type { Slide, Stage } from './contract.ts'
import { WELCOME } from './welcome.ts'

const SCHEMA = `
  CREATE TABLE stages (
    stage_id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    slides TEXT NOT NULL,
    shown INTEGER NOT NULL DEFAULT 0,
    key TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, key)
  ) STRICT;`

/** The newest; a longer list would not be read. */
const LISTED_MAX = 200

export class StageStore {
  private readonly database: Database
  private readonly statements

  constructor(database: Database) {
    this.database = database
    this.statements = defineStore(database, 'stage', [SCHEMA], {
      list: `SELECT * FROM stages ORDER BY created_at DESC, stage_id LIMIT ${LISTED_MAX}`,
      find: 'SELECT * FROM stages WHERE stage_id = ?',
      findKey: 'SELECT * FROM stages WHERE user_id = ? AND key = ?',
      count: 'SELECT count(*) AS count FROM stages WHERE user_id = ?',
      insert:
        'INSERT OR IGNORE INTO stages (stage_id, title, user_id, name, slides, key, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      show: 'UPDATE stages SET shown = ? WHERE stage_id = ?',
      delete: 'DELETE FROM stages WHERE stage_id = ?',
    })
    this.add(WELCOME, 0)
  }

  list(): Stage[] {
    return this.statements.list.all().map(toStage)
  }

  find(stageId: string): Stage | undefined {
    const row = this.statements.find.get(stageId)
    return row && toStage(row)
  }

  /** What the user made under this key before. */
  findKey(userId: string, key: string): Stage | undefined {
    const row = this.statements.findKey.get(userId, key)
    return row && toStage(row)
  }

  /** How many a user has. */
  count(userId: string): number {
    return Number(this.statements.count.get(userId)?.count)
  }

  add({ stageId, title, userId, name, slides }: Omit<Stage, 'index'>, createdAt: number, key?: string): void {
    const json = JSON.stringify(slides)
    this.database.change(() => this.statements.insert.run(stageId, title, userId, name, json, key ?? null, createdAt))
  }

  show(stageId: string, index: number): void {
    this.database.change(() => this.statements.show.run(index, stageId))
  }

  delete(stageId: string): void {
    this.database.change(() => this.statements.delete.run(stageId))
  }
}

function toStage(row: Record<string, unknown>): Stage {
  return {
    stageId: String(row.stage_id),
    title: String(row.title),
    userId: String(row.user_id),
    name: String(row.name),
    slides: JSON.parse(String(row.slides)) as Slide[],
    index: Number(row.shown),
  }
}
