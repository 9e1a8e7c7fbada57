/** Messages that are being written, as `AppendBatch` changes them; all of it within a transaction of the writer. */
import type { DatabaseSync } from 'node:sqlite'
import type { FactStand, GrowingRow, StoredState } from '../../../../core/ports/broker.ts'
import { byName, type Growing, type TextStore } from '../../common/texts.ts'
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
  private readonly selectFact: Query<{ value: string; version: number }>
  private readonly selectState: Query<{ key: string; value: string; version: number }>
  private readonly countNames: Query<{ names: number }>
  private readonly insertFact: Command
  private readonly removeFact: Command
  private readonly saveFv: Command

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
    this.selectFact = query(db, 'SELECT value, version FROM facts WHERE room = ? AND key = ?')
    const ofState = "room = ? AND key >= 's' AND key < 't'"
    this.selectState = query(db, `SELECT key, value, version FROM facts WHERE ${ofState}`)
    this.countNames = query(db, `SELECT count(*) AS names FROM facts WHERE ${ofState}`)
    this.insertFact = command(db, 'INSERT OR REPLACE INTO facts (room, key, value, version) VALUES (?, ?, ?, ?)')
    this.removeFact = command(db, 'DELETE FROM facts WHERE room = ? AND key = ?')
    this.saveFv = command(db, 'UPDATE rooms SET fv = ? WHERE id = ?')
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

  fact(room: SqliteRoom, key: string): FactStand | undefined {
    return this.selectFact.get(room.id, key)
  }

  putFact(room: SqliteRoom, key: string, value: string, version: number): void {
    this.insertFact.run(room.id, key, value, version)
    this.journalBytes += PIECE_JOURNAL_BYTES + value.length
  }

  deleteFact(room: SqliteRoom, key: string): void {
    this.removeFact.run(room.id, key)
  }

  countState(room: SqliteRoom): number {
    return this.countNames.get(room.id)?.names ?? 0
  }

  fv(room: SqliteRoom): number {
    return room.fv
  }

  setFv(room: SqliteRoom, fv: number): void {
    const before = room.fv
    this.writer.onRollback(() => {
      room.fv = before
    })
    room.fv = fv
    this.saveFv.run(fv, room.id)
  }

  /** Outside of a transaction. */
  state(room: SqliteRoom): StoredState {
    const facts = room.fv === 0 ? [] : this.selectState.all(room.id)
    const entries = facts.map(({ key, value, version }) => ({ name: key.slice(1), value, version }))
    return { fv: room.fv, entries: entries.sort(byName) }
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
