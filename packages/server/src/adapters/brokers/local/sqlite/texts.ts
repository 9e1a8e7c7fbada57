/** Messages that are being written, as `AppendBatch` changes them; all of it within a transaction of the writer. */
import type { DatabaseSync } from 'node:sqlite'
import type { GrowingRow } from '../../../../core/ports/broker.ts'
import type { Growing, TextStore } from '../../common/texts.ts'
import { type Command, command, type Query, query } from './connection.ts'
import { type EventRow, toStoredRow } from './queries.ts'
import type { SqliteRoom } from './rooms.ts'
import type { SqliteUsage, SqliteWriter } from './writer.ts'

/** What a piece adds to the journal besides its text, roughly. */
const PIECE_JOURNAL_BYTES = 300

interface TextRow {
  readonly seq: number
  readonly length: number
  readonly ts: number
}

export class SqliteTexts implements TextStore<SqliteRoom> {
  /** Added to the journal since it was last set to 0. */
  journalBytes = 0
  private readonly writer: SqliteWriter
  private readonly usage: SqliteUsage
  private readonly event: Query<EventRow & { readonly writer: number }>
  private readonly setArgs: Command
  private readonly text: Query<TextRow>
  private readonly texts: Query<TextRow>
  private readonly insertText: Command
  private readonly grow: Command
  private readonly removeText: Command
  private readonly pieces: Query<{ fragment: string }>
  private readonly insertPiece: Command
  private readonly removePieces: Command

  constructor(db: DatabaseSync, writer: SqliteWriter) {
    this.writer = writer
    this.usage = writer.usage
    this.event = query(db, 'SELECT seq, n, ts, type, args, user, key, writer FROM events WHERE room = ? AND seq = ?')
    this.setArgs = command(db, 'UPDATE events SET args = ? WHERE room = ? AND seq = ?')
    this.text = query(db, 'SELECT seq, length, ts FROM texts WHERE room = ? AND seq = ?')
    this.texts = query(db, 'SELECT seq, length, ts FROM texts WHERE room = ? ORDER BY seq')
    this.insertText = command(db, 'INSERT INTO texts (room, seq, length, ts) VALUES (?, ?, 0, ?)')
    this.grow = command(db, 'UPDATE texts SET length = length + ?, ts = ? WHERE room = ? AND seq = ?')
    this.removeText = command(db, 'DELETE FROM texts WHERE room = ? AND seq = ?')
    this.pieces = query(db, 'SELECT fragment FROM pieces WHERE room = ? AND seq = ? ORDER BY at')
    this.insertPiece = command(db, 'INSERT INTO pieces (room, seq, at, fragment) VALUES (?, ?, ?, ?)')
    this.removePieces = command(db, 'DELETE FROM pieces WHERE room = ? AND seq = ?')
  }

  argsOf(room: SqliteRoom, seq: number): string | undefined {
    const first = Math.max(room.first, room.seq - room.retention + 1)
    return seq < first ? undefined : (this.event.get(room.id, seq)?.args ?? undefined)
  }

  rewrite(room: SqliteRoom, seq: number, argsJson: string): void {
    const event = this.event.get(room.id, seq)
    if (event === undefined) return
    this.setArgs.run(argsJson, room.id, seq)
    const bytes = Buffer.byteLength(argsJson)
    this.usage.count(event.writer, bytes - Buffer.byteLength(event.args ?? ''))
    this.journalBytes += bytes
  }

  growing(room: SqliteRoom, seq: number): Growing | undefined {
    return room.growing === 0 ? undefined : this.text.get(room.id, seq)
  }

  countGrowing(room: SqliteRoom): number {
    return room.growing
  }

  begin(room: SqliteRoom, seq: number, ts: number): void {
    this.insertText.run(room.id, seq, ts)
    this.count(room, room.growing + 1)
  }

  extend(room: SqliteRoom, seq: number, at: number, fragment: string, length: number, ts: number): void {
    this.grow.run(length, ts, room.id, seq)
    if (fragment !== '') this.insertPiece.run(room.id, seq, at, fragment)
    this.journalBytes += PIECE_JOURNAL_BYTES + fragment.length
  }

  fragmentOf(room: SqliteRoom, seq: number): string {
    return this.pieces
      .all(room.id, seq)
      .map(({ fragment }) => fragment)
      .join('')
  }

  end(room: SqliteRoom, seq: number): void {
    this.removePieces.run(room.id, seq)
    this.removeText.run(room.id, seq)
    this.count(room, room.growing - 1)
  }

  /** Outside of a transaction. */
  all(room: SqliteRoom): GrowingRow[] {
    if (room.growing === 0) return []
    return this.texts.all(room.id).flatMap(({ seq, length, ts }) => {
      const event = this.event.get(room.id, seq)
      if (event?.args === undefined || event.args === null) return []
      return [{ row: toStoredRow(room.roomId, event), fragment: this.fragmentOf(room, seq), length, ts }]
    })
  }

  private count(room: SqliteRoom, growing: number): void {
    const before = room.growing
    this.writer.onRollback(() => {
      room.growing = before
    })
    room.growing = growing
  }
}
