/** What a log should answer, said in the plainest way: arrays that are searched from end to end. */
import type { Append, Appended, AppendKey, ReadLimits, StoredRow } from '../../src/core/ports/broker.ts'

interface ModelKey extends AppendKey {
  readonly part: number
  readonly n: number
  readonly seq: number
  readonly ts: number
}

export class LogModel {
  rows: StoredRow[] = []
  readonly retentions = new Map<string, number>()
  private keys: ModelKey[] = []
  private n = 0
  private readonly retention: number
  private readonly windowMs: number

  constructor(retention: number, windowMs: number) {
    this.retention = retention
    this.windowMs = windowMs
  }

  seq(roomId: string): number {
    return Math.max(0, ...this.rows.filter((row) => row.roomId === roomId).map((row) => row.seq))
  }

  first(roomId: string): number {
    return Math.max(1, this.seq(roomId) - (this.retentions.get(roomId) ?? this.retention) + 1)
  }

  append(entries: readonly Append[], ts: number): Appended[] {
    const decided = new Map<number, { result: Appended; part: number }>()
    return entries.map((entry) => {
      const unit = entry.atomicGroup === undefined ? undefined : decided.get(entry.atomicGroup)
      if (unit) return this.member(entry, ++unit.part, unit.result, ts)
      const known = entry.key && this.known(entry.key, 0, ts)
      const result = known ? this.repeat(entry.key as AppendKey, known) : this.begin(entry, ts)
      if (entry.atomicGroup !== undefined) decided.set(entry.atomicGroup, { result, part: 0 })
      return result
    })
  }

  findKey(key: AppendKey, now: number): Appended | undefined {
    const known = this.known(key, 0, now)
    return known && this.repeat(key, known)
  }

  read(after: readonly { roomId: string; seq: number }[], limits: ReadLimits): StoredRow[] {
    const isAsked = (row: StoredRow) => after.some(({ roomId, seq }) => roomId === row.roomId && row.seq > seq)
    return this.visible().filter(isAsked).slice(0, limits.events)
  }

  history(
    roomId: string,
    { before, after, limit }: { before?: number | undefined; after?: number | undefined; limit: number },
  ) {
    const rows = this.visible().filter((row) => {
      return row.roomId === roomId && row.seq > (after ?? 0) && row.seq < (before ?? Number.POSITIVE_INFINITY)
    })
    const events = after === undefined ? rows.slice(-limit) : rows.slice(0, limit)
    return { events, more: events.length < rows.length }
  }

  redact(isMeant: (row: StoredRow) => boolean): number {
    const meant = this.visible().filter((row) => isMeant(row) && !row.redacted)
    this.rows = this.rows.map((row) => (meant.includes(row) ? { ...row, argsJson: '[]', redacted: true } : row))
    return meant.length
  }

  private visible(): StoredRow[] {
    const firsts = new Map(this.rows.map(({ roomId }) => [roomId, 0]))
    for (const roomId of firsts.keys()) firsts.set(roomId, this.first(roomId))
    return this.rows.filter((row) => row.seq >= (firsts.get(row.roomId) ?? 0))
  }

  private begin(entry: Append, ts: number): Appended {
    const { roomId, aboutSeq } = entry
    const isAbout = (row: StoredRow): boolean => row.roomId === roomId && row.seq === aboutSeq && !row.redacted
    if (aboutSeq === undefined || this.visible().some(isAbout)) return this.store(entry, 0, ts)
    return { status: 'refused', code: 'NOT_FOUND', message: 'The event that this is about is there no more' }
  }

  private member(entry: Append, part: number, first: Appended, ts: number): Appended {
    if (first.status === 'stored') return this.store(entry, part, ts)
    if (first.status === 'refused') return first
    return this.repeat(entry.key as AppendKey, this.known(entry.key as AppendKey, part, ts))
  }

  private store(entry: Append, part: number, ts: number): Appended {
    const { roomId, type, argsJson, userId, key } = entry
    const n = ++this.n
    const seq = this.seq(roomId) + 1
    this.rows.push({ n, seq, ts, roomId, type, argsJson, userId, key: key?.key, redacted: false })
    if (key) {
      this.keys = this.keys.filter((known) => !isSame(known, key, part))
      this.keys.push({ ...key, part, n, seq, ts })
    }
    return { status: 'stored', n, seq, ts }
  }

  private known(key: AppendKey, part: number, now: number): ModelKey | undefined {
    return this.keys.find((known) => isSame(known, key, part) && known.ts >= now - this.windowMs)
  }

  private repeat(key: AppendKey, known: ModelKey | undefined): Appended {
    if (known?.fingerprint === key.fingerprint) {
      const { n, seq, ts } = known
      return { status: 'duplicate', n, seq, ts }
    }
    return { status: 'refused', code: 'CONFLICT', message: 'This key was used for something else' }
  }
}

function isSame(known: ModelKey, key: AppendKey, part: number): boolean {
  return known.scope === key.scope && known.key === key.key && known.part === part
}
