/** Who was told to come back after a restart: written when a server ends, taken when the next one starts. */
import type { DatabaseSync } from 'node:sqlite'
import type { ReturningMember } from '../../../../core/ports/broker.ts'
import { type Command, command, type Query, query } from './statements.ts'
import type { SqliteWriter } from './writer.ts'

export class SqliteReturning {
  private readonly writer: SqliteWriter
  private readonly max: number
  private readonly insert: Command
  private readonly remove: Command
  private readonly select: Query<{ record: string }>
  private readonly count: Query<{ count: number }>

  constructor(db: DatabaseSync, writer: SqliteWriter, max: number) {
    this.writer = writer
    this.max = max
    this.insert = command(db, 'INSERT INTO returning_members (ns, record) VALUES (?, ?)')
    this.remove = command(db, 'DELETE FROM returning_members WHERE ns = ?')
    this.select = query(db, 'SELECT record FROM returning_members WHERE ns = ? ORDER BY id')
    this.count = query(db, 'SELECT count(*) AS count FROM returning_members')
  }

  save(ns: number, members: readonly ReturningMember[]): void {
    if (members.length === 0) return
    this.writer.transaction(() => {
      const free = Math.max(0, this.max - (this.count.get()?.count ?? 0))
      for (const member of members.slice(0, free)) this.insert.run(ns, JSON.stringify(member))
    })
  }

  take(ns: number): ReturningMember[] {
    const rows = this.select.all(ns)
    if (rows.length > 0) this.writer.transaction(() => this.remove.run(ns))
    return rows.map(({ record }) => JSON.parse(record) as ReturningMember)
  }
}
