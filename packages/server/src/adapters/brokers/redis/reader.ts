/** Reading the log of a namespace, and emptying rows of it. */
import type {
  Broker,
  GrowingRow,
  HistoryRows,
  ReadLimits,
  StateEntry,
  StoredRow,
  StoredState,
} from '../../../core/ports/broker.ts'
import { type Cursor, type HistoryPage, inOrder, rowBytes, spanOf } from '../common/reading.ts'
import { byName } from '../common/texts.ts'
import { headsOf, inPages, type RedisNamespace } from './namespace.ts'
import { emptied, parseRow } from './rows.ts'

/** Bytes of one answer; at least one row of each room comes with it. */
const BYTES_MAX = 256 * 1024
const ROWS_MAX = 1_000
const ROOM_NAMES = '500'

interface Span {
  readonly roomId: string
  readonly from: number
  /** The head without it. */
  readonly to?: number
}

interface Run {
  /** The latest commit of the namespace when this was read. */
  readonly n: number
  readonly head: number
  /** Number after the last row. */
  readonly next: number
  readonly rows: readonly StoredRow[]
  readonly texts: readonly string[]
}

/** A room's rows, a slice of them at a time. */
class RoomCursor implements Cursor {
  run: Run
  readonly roomId: string
  private at = 0

  constructor(roomId: string, run: Run) {
    this.roomId = roomId
    this.run = run
  }

  get row(): StoredRow | undefined {
    return this.run.rows[this.at]
  }

  get order(): number {
    return this.row?.n ?? Number.POSITIVE_INFINITY
  }

  get isAtEndOfRun(): boolean {
    return this.at >= this.run.rows.length - 1 && this.run.next <= this.run.head
  }

  next(): void {
    this.at++
  }

  refill(run: Run): void {
    const { rows } = this.run
    this.run = { ...run, rows: [...rows.slice(this.at), ...run.rows], head: this.run.head }
    this.at = 0
  }
}

export class LogReader {
  private readonly namespace: RedisNamespace

  constructor(namespace: RedisNamespace) {
    this.namespace = namespace
  }

  async read(after: readonly { roomId: string; seq: number }[], limits: ReadLimits): Promise<StoredRow[]> {
    if (after.length === 0) return []
    const budget = Math.min(ROWS_MAX, limits.events + after.length)
    const pages = inPages(after).map((page) =>
      this.runs(page.map(({ roomId, seq }) => ({ roomId, from: seq + 1 })), budget, Math.min(BYTES_MAX, limits.bytes)),
    ) // biome-ignore format: one call
    const runs = (await Promise.all(pages)).flat()
    // Rooms are read one after another: what was committed after the first of them belongs to the next read.
    const n = Math.min(...runs.map((run) => run.n))
    const cursors = runs.map((run, i) => new RoomCursor((after[i] as { roomId: string }).roomId, run))
    const rows: StoredRow[] = []
    let bytes = 0
    for (;;) {
      let short: RoomCursor | undefined
      for (const cursor of inOrder(cursors)) {
        const row = cursor.row as StoredRow
        if (row.n > n) return rows
        bytes += rowBytes(row)
        if (rows.length > 0 && bytes > limits.bytes) return rows
        rows.push(row)
        if (rows.length >= limits.events) return rows
        if (cursor.isAtEndOfRun) {
          cursor.next()
          short = cursor
          break
        }
      }
      if (!short) return rows
      const [run] = await this.runs([{ roomId: short.roomId, from: short.run.next }], budget, BYTES_MAX)
      short.refill(run as Run)
    }
  }

  /** The epoch is read first: while the room has that one, it had it as well when the rows were read. */
  async history(roomId: string, page: HistoryPage): Promise<HistoryRows> {
    const reply = await this.namespace.ask('heads', [this.namespace.node, roomId])
    const [head] = headsOf(reply, [roomId])
    if (!head) return { events: [], more: false }
    const { from, to, more } = spanOf(page, head.first, head.seq)
    return { events: await this.span(roomId, from, to), more, epoch: head.epoch }
  }

  async growing(roomId: string): Promise<GrowingRow[]> {
    const reply = (await this.namespace.ask('growing', [roomId])).map(String)
    const found: GrowingRow[] = []
    for (let at = 0; at + 3 < reply.length; at += 4) {
      const [text = '', fragment = '', length, ts] = reply.slice(at, at + 4)
      found.push({ row: parseRow(roomId, text).row, fragment, length: Number(length), ts: Number(ts) })
    }
    return found
  }

  async state(roomId: string): Promise<StoredState> {
    const [fv, ...reply] = (await this.namespace.ask('state', [roomId])).map(String)
    const entries: StateEntry[] = []
    for (let at = 0; at + 2 < reply.length; at += 3) {
      const [name = '', version, value = ''] = reply.slice(at, at + 3)
      entries.push({ name, value, version: Number(version) })
    }
    return { fv: Number(fv), entries: entries.sort(byName) }
  }

  async readPositions(userId: string, roomIds: readonly string[]): Promise<number[]> {
    const pages = inPages(roomIds).map((page) => this.namespace.ask('readPositions', [userId, ...page]))
    return (await Promise.all(pages)).flat().map(Number)
  }

  async positions(n: number, roomIds: readonly string[]): ReturnType<Broker['positions']> {
    const pages = roomIds.length === 0 ? [[]] : inPages(roomIds)
    const positions: { roomId: string; epoch: string; seq: number }[] = []
    let latest = Number.POSITIVE_INFINITY
    let forgottenN = 0
    for (const page of pages) {
      const reply = await this.namespace.ask('positions', [String(n), ...page])
      latest = Math.min(latest, Number(reply[0]))
      forgottenN = Math.max(forgottenN, Number(reply[1]))
      page.forEach((roomId, i) => {
        const epoch = String(reply[2 + 2 * i])
        if (epoch !== '') positions.push({ roomId, epoch, seq: Number(reply[3 + 2 * i]) })
      })
    }
    return { n: latest, forgottenN, positions }
  }

  /**
   * Empties rows of a room between two numbers.
   * @param epoch of the log that the numbers are of; `''` for whatever log the room has
   * @returns how many it were
   */
  async redact(
    roomId: string,
    { from, to, epoch = '' }: { readonly from: number; readonly to: number; readonly epoch?: string | undefined },
    isMeant: (row: StoredRow) => boolean,
  ): Promise<number> {
    let count = 0
    for (let next = Math.max(1, from); next <= to; ) {
      const [run] = (await this.runs([{ roomId, from: next, to }], ROWS_MAX, BYTES_MAX)) as [Run]
      if (run.rows.length === 0) break
      const changes = run.rows.flatMap((row, i) => {
        if (row.redacted || !isMeant(row)) return []
        return [[String(row.seq), run.texts[i] as string, emptied(row)]]
      })
      for (const slice of inPages(changes)) {
        const reply = await this.namespace.change('redact', [roomId, epoch, ...slice.flat()])
        count += reply.length - 2
      }
      next = run.next
    }
    return count
  }

  async redactUser(userId: string): Promise<number> {
    let count = 0
    let cursor = '0'
    do {
      const [next, ...roomIds] = (await this.namespace.ask('roomNames', [cursor, ROOM_NAMES])).map(String)
      for (const roomId of roomIds) {
        count += await this.redact(roomId, { from: 1, to: Number.MAX_SAFE_INTEGER }, (row) => row.userId === userId)
      }
      cursor = next ?? '0'
    } while (cursor !== '0')
    return count
  }

  private async span(roomId: string, from: number, to: number): Promise<StoredRow[]> {
    const rows: StoredRow[] = []
    for (let next = from; next <= to; ) {
      const [run] = (await this.runs([{ roomId, from: next, to }], ROWS_MAX, BYTES_MAX)) as [Run]
      if (run.rows.length === 0) break
      rows.push(...run.rows)
      next = run.next
    }
    return rows
  }

  private async runs(spans: readonly Span[], rows: number, bytes: number): Promise<Run[]> {
    const wanted = spans.flatMap(({ roomId, from, to }) => [roomId, String(from), to === undefined ? '' : String(to)])
    const reply = await this.namespace.ask('range', [String(rows), String(bytes), ...wanted])
    const n = Number(reply[0])
    let at = 1
    return spans.map(({ roomId }) => {
      const head = Number(reply[at])
      const from = Number(reply[at + 1])
      const count = Number(reply[at + 2])
      const texts = reply.slice(at + 3, at + 3 + count).map(String)
      at += 3 + count
      return { n, head, next: from + count, texts, rows: texts.map((text) => parseRow(roomId, text).row) }
    })
  }
}
