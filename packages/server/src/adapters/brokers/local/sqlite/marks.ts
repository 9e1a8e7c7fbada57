/** How far inboxes were told: notes in memory, the highest per inbox, that the next commit writes down. */
import type { DatabaseSync } from 'node:sqlite'
import type { SqliteNamespace } from './namespace.ts'
import { type Command, command } from './statements.ts'

/** Only a disk that fails lets so many wait; an inbox whose mark was dropped is told some messages again. */
const NOTES_MAX = 100_000

interface Note {
  readonly namespace: SqliteNamespace
  readonly roomId: string
  readonly seq: number
}

export class SqliteMarks {
  private readonly notes = new Map<string, Note>()
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
    if (this.notes.size <= NOTES_MAX) return
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
