/** The tasks in the database. */
import { type Database, defineStore } from '../../database.ts'
import type { Task } from './contract.ts'

const SCHEMA = `
  CREATE TABLE tasks (
    task_id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    is_done INTEGER NOT NULL DEFAULT 0,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    key TEXT,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    UNIQUE (user_id, key)
  ) STRICT;`

type NewTask = Omit<Task, 'isDone' | 'changedAt'> & { readonly key: string | undefined }
type TaskChange = Partial<Pick<Task, 'title' | 'description' | 'isDone'>>

export class TaskStore {
  private readonly database: Database
  private readonly statements

  constructor(database: Database) {
    this.database = database
    const columns = 'task_id, title, description, is_done, user_id, name, created_at, changed_at'
    this.statements = defineStore(database, 'tasks', [SCHEMA], {
      list: `SELECT ${columns} FROM tasks ORDER BY created_at DESC, task_id DESC`,
      count: 'SELECT count(*) AS count FROM tasks',
      countOf: 'SELECT count(*) AS count FROM tasks WHERE user_id = ?',
      find: `SELECT ${columns} FROM tasks WHERE task_id = ?`,
      findKey: `SELECT ${columns} FROM tasks WHERE user_id = ? AND key = ?`,
      insert:
        'INSERT INTO tasks (task_id, title, description, user_id, name, key, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      update: 'UPDATE tasks SET title = ?, description = ?, is_done = ?, changed_at = ? WHERE task_id = ?',
      delete: 'DELETE FROM tasks WHERE task_id = ?',
    })
  }

  list(): Task[] {
    return this.statements.list.all().map(toTask)
  }

  get count(): number {
    return Number(this.statements.count.get()?.count)
  }

  countOf(userId: string): number {
    return Number(this.statements.countOf.get(userId)?.count)
  }

  find(taskId: string): Task | undefined {
    const row = this.statements.find.get(taskId)
    return row && toTask(row)
  }

  /** What the user saved under this key before: a repeat makes no second task. */
  findKey(userId: string, key: string): Task | undefined {
    const row = this.statements.findKey.get(userId, key)
    return row && toTask(row)
  }

  add({ taskId, title, description, userId, name, key, createdAt }: NewTask): Task {
    this.database.change(() =>
      this.statements.insert.run(taskId, title, description, userId, name, key ?? null, createdAt, createdAt),
    )
    return { taskId, title, description, isDone: false, userId, name, createdAt, changedAt: createdAt }
  }

  change(task: Task, change: TaskChange, changedAt: number): Task {
    const changed = { ...task, ...change, changedAt }
    const { title, description, isDone, taskId } = changed
    this.database.change(() => this.statements.update.run(title, description, isDone ? 1 : 0, changedAt, taskId))
    return changed
  }

  delete(taskId: string): void {
    this.database.change(() => this.statements.delete.run(taskId))
  }
}

function toTask(row: Record<string, unknown>): Task {
  return {
    taskId: String(row.task_id),
    title: String(row.title),
    description: String(row.description),
    isDone: row.is_done === 1,
    userId: String(row.user_id),
    name: String(row.name),
    createdAt: Number(row.created_at),
    changedAt: Number(row.changed_at),
  }
}
