/** Replies that were known only after their commit: notes in memory, the first per key, that the next commit writes down. */
import type { DatabaseSync } from 'node:sqlite'
import type { AppendKey } from '../../../../core/ports/broker.ts'
import { type Command, command } from './statements.ts'

/** Only a disk that fails lets so many wait; a request whose reply was dropped is asked of its handler again. */
const NOTES_MAX = 10_000

interface Note {
  readonly ns: number
  readonly key: AppendKey
  readonly reply: string
}

export class SqliteReplies {
  private readonly notes = new Map<string, Note>()
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
    if (!this.notes.has(name) && this.notes.size < NOTES_MAX) this.notes.set(name, { ns, key, reply })
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
