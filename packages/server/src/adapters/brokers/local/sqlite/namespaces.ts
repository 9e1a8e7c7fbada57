/** The namespaces of the file: all that it has from the start, and those that are opened later. */

import { LOG_ID_LENGTH, type LogLimits } from '../log.ts'
import { type NamespaceRow, SqliteNamespace, type SqliteNamespaceOptions } from './namespace.ts'
import type { Command, Query } from './statements.ts'
import { command, query } from './statements.ts'

/** Log ids begin with the version of the cursors that carry them. */
const LOG_ID_VERSION = '1'

export class SqliteNamespaces {
  readonly byId = new Map<number, SqliteNamespace>()
  private readonly byName = new Map<string, SqliteNamespace>()
  private readonly limits: LogLimits
  private readonly options: SqliteNamespaceOptions
  private readonly select: Query<NamespaceRow>
  private readonly insert: Command

  constructor(limits: LogLimits, options: SqliteNamespaceOptions) {
    this.limits = limits
    this.options = options
    this.select = query(options.db, 'SELECT id, name, log_id, n, ts, forgotten_n FROM namespaces')
    this.insert = command(options.db, 'INSERT INTO namespaces (name, log_id, n, ts) VALUES (?, ?, 0, 0)')
    for (const row of this.select.all()) this.add(row)
  }

  /** The namespace, made when it is missing; in a transaction of its own. */
  get(name: string): SqliteNamespace {
    return this.byName.get(name) ?? this.make(name)
  }

  private make(name: string): SqliteNamespace {
    const log_id = `${LOG_ID_VERSION}${this.options.random.id(LOG_ID_LENGTH)}`
    const { lastInsertRowid } = this.options.writer.transaction(() => this.insert.run(name, log_id))
    return this.add({ id: Number(lastInsertRowid), name, log_id, n: 0, ts: 0, forgotten_n: 0 })
  }

  private add(row: NamespaceRow): SqliteNamespace {
    const namespace = new SqliteNamespace(row, this.limits, this.options)
    this.byId.set(row.id, namespace)
    this.byName.set(row.name, namespace)
    return namespace
  }
}
