/**
 * The outbox of one namespace as the events that its backend is sent: read from behind what was delivered last, in the order
 * of commits. docs/webhooks.md.
 */
import { inboxOf, isInbox, toJson } from '@roomful/protocol'
import { ENDED, type Ending } from '../../core/events/growing-text.ts'
import { OUTBOX, type OutboxNote, STORED_NOTE } from '../../core/log/outbox.ts'
import type { Namespace } from '../../core/namespace.ts'
import type { Broker, Head, StoredRow } from '../../core/ports/broker.ts'
import type { Wanted, WebhookEvent, WebhookEventType } from './events.ts'
import { Occupancy } from './occupancy.ts'

/** Rows of one look at the log. */
const PAGE = 100
const BATCH_MAX_BYTES = 256 * 1024
/** After a loss of the log's tail, rows that may have been sent already and are sent again rather than left out. */
const OVERLAP = 1_000
/** Rows from which who is in a room is built when a node begins to deliver. */
const LOOK_BACK = 20_000
const MENTION = /(?:^|[\s(])@([\p{L}\p{N}_.-]{1,128})/gu
const MENTIONS_MAX = 10

/** What one delivery carries. */
export interface FeedBatch {
  readonly events: readonly WebhookEvent[]
  /** The outbox is delivered up to here once this is. */
  readonly upTo: number
}

interface FeedParts {
  readonly namespace: Namespace
  readonly broker: Broker
  readonly wanted: Wanted
  /** Whether there is such a user at all. */
  readonly isKnownUser: (userId: string) => Promise<boolean>
  /** So many rows went before they were delivered. */
  readonly onLost: (rows: number) => void
}

type WholeMessage = Pick<StoredRow, 'seq' | 'ts' | 'type' | 'userId' | 'key'> & {
  readonly id: string
  readonly args: readonly unknown[]
}
type Row = StoredRow & { readonly args: readonly unknown[] }

export class Feed {
  readonly namespace: Namespace
  readonly occupancy = new Occupancy()
  private readonly parts: FeedParts
  private cursor = 0
  private epoch = ''
  private head = 0

  constructor(parts: FeedParts) {
    this.parts = parts
    this.namespace = parts.namespace
  }

  /** Rows that are not delivered yet, as of the last look. */
  get pending(): number {
    return Math.max(0, this.head - this.cursor)
  }

  /** Another node may have delivered since this one did. @throws what the broker throws (rejects) */
  async begin(): Promise<void> {
    this.epoch = ''
    this.cursor = 0
    this.occupancy.clear()
    const head = await this.look()
    if (!head || !this.parts.wanted.ofPresence) return
    for (let at = Math.max(head.first - 1, this.cursor - LOOK_BACK); at < this.cursor; ) {
      const { events } = await this.parts.broker.history(this.namespace.name, OUTBOX, { after: at, limit: PAGE })
      if (events.length === 0) return
      for (const row of events) if (row.seq <= this.cursor) this.fold(row)
      at = events.at(-1)?.seq ?? this.cursor
    }
  }

  /** Counts what waits, and moves nothing. @throws what the broker throws (rejects) */
  async refresh(): Promise<void> {
    const [head] = await this.parts.broker.heads(this.namespace.name, [OUTBOX])
    if (head?.epoch === this.epoch) this.head = Math.max(this.head, head.seq)
  }

  /** What comes next; nothing when everything is delivered. @throws what the broker throws (rejects) */
  async next(): Promise<FeedBatch | undefined> {
    const head = await this.look()
    if (!head || head.seq <= this.cursor) return undefined
    if (head.first > this.cursor + 1) {
      this.parts.onLost(head.first - 1 - this.cursor)
      this.done(head.first - 1)
    }
    return this.read(this.cursor, head.seq)
  }

  /** @param upTo as of the batch that was delivered */
  done(upTo: number): void {
    this.cursor = Math.max(this.cursor, upTo)
    this.parts.broker.setMark(this.namespace.name, this.markName, this.cursor)
    this.parts.broker.setMark(this.namespace.name, OUTBOX, this.cursor)
  }

  /**
   * What was stored since, again: with the ids that it had.
   * @throws what the broker throws (rejects)
   */
  async *again(sinceMs: number): AsyncGenerator<FeedBatch> {
    const { broker } = this.parts
    const end = this.cursor
    const replayed = new Feed({ ...this.parts, onLost: () => undefined })
    replayed.epoch = this.epoch
    const [head] = await broker.heads(this.namespace.name, [OUTBOX])
    for (let at = (head?.first ?? 1) - 1; at < end; ) {
      const { events: rows } = await broker.history(this.namespace.name, OUTBOX, { after: at, limit: PAGE })
      const last = rows.at(-1)
      if (!last) return
      const events: WebhookEvent[] = []
      for (const row of rows) {
        if (row.seq > end) break
        const made = await replayed.eventsOf(row)
        if (row.ts >= sinceMs) events.push(...made)
      }
      at = last.seq
      if (events.length > 0) yield { events, upTo: at }
    }
  }

  /** Notes what happened in the outbox, so that it is sent. Rejects with UNAVAILABLE where it could not be stored. */
  note(type: WebhookEventType, data: Readonly<Record<string, unknown>>, userId?: string): Promise<void> {
    const args = [data]
    return new Promise((resolve, reject) => {
      this.namespace.requests.commit.submit({
        effects: [{ kind: 'append', roomId: OUTBOX, type, args, argsJson: toJson(args), userId, atomicGroup: undefined, aboutSeq: undefined }], // biome-ignore format: one effect
        key: undefined,
        firstKey: 0,
        ack: undefined,
        origin: undefined,
        apply: () => undefined,
        settle: (_, error) => (error ? reject(error) : resolve()),
      })
    })
  }

  private get markName(): string {
    return `${OUTBOX} ${this.epoch}`
  }

  private async look(): Promise<Head | undefined> {
    const { broker } = this.parts
    const { name } = this.namespace
    const [head] = await broker.heads(name, [OUTBOX])
    if (!head) return undefined
    if (head.epoch !== this.epoch) {
      const before = this.epoch === '' ? await broker.mark(name, OUTBOX) : this.cursor
      this.epoch = head.epoch
      const known = await broker.mark(name, this.markName)
      // Numbers of another log say only about where it was.
      this.cursor = known > 0 ? Math.min(known, head.seq) : Math.max(0, Math.min(before, head.seq) - OVERLAP)
    }
    this.head = head.seq
    return head
  }

  private async read(after: number, head: number): Promise<FeedBatch | undefined> {
    const { broker } = this.parts
    const { events: rows } = await broker.history(this.namespace.name, OUTBOX, { after, limit: PAGE })
    const fitting: StoredRow[] = []
    let bytes = 0
    for (const row of rows) {
      if (bytes > BATCH_MAX_BYTES) break
      fitting.push(row)
      bytes += row.argsJson.length
    }
    // Who is in a room changes in the order of the rows; what the log is asked may come in any.
    const events = (await Promise.all(fitting.map((row) => this.eventsOf(row)))).flat()
    return { events, upTo: fitting.at(-1)?.seq ?? head }
  }

  /** Those of events that wait whose content is still in the log, or was trimmed: not what was redacted meanwhile. */
  async unredacted(events: readonly WebhookEvent[]): Promise<readonly WebhookEvent[]> {
    const isRedacted = await Promise.all(
      events.map(async ({ data }) => {
        const { roomId, seq, message } = data as { roomId?: string; seq?: number; message?: { seq: number } }
        const numbers = [seq, message?.seq].filter((number) => number !== undefined)
        const rows = await Promise.all(numbers.map((number) => this.find(String(roomId), number)))
        return rows.some((row) => row?.redacted)
      }),
    )
    return events.filter((_, at) => !isRedacted[at])
  }

  /** As a row that was delivered before. */
  private fold({ type, argsJson }: StoredRow): void {
    const [data] = JSON.parse(argsJson) as [{ roomId: string; userId: string }?]
    if (!data) return
    if (type === 'member.entered') this.occupancy.enter(data.roomId, data.userId)
    else if (type === 'member.exited') this.occupancy.exit(data.roomId, data.userId)
  }

  private async eventsOf(stored: StoredRow): Promise<WebhookEvent[]> {
    const row: Row = { ...stored, args: JSON.parse(stored.argsJson) as unknown[] }
    if (row.args.length === 0) return [] // redacted
    const events = row.type === STORED_NOTE ? await this.ofStored(row) : this.ofNote(row)
    return events.filter(({ type }) => this.parts.wanted.has(type))
  }

  private ofNote(row: Row): WebhookEvent[] {
    const [data] = row.args as [{ readonly roomId: string; readonly userId: string }]
    const make = (type: WebhookEventType, about: Readonly<Record<string, unknown>>, part?: string): WebhookEvent =>
      this.event(row, type, about, part)
    const { roomId, userId } = data
    if (row.type === 'member.entered') {
      const { isNew, isFirst } = this.occupancy.enter(roomId, userId)
      const occupied = isFirst ? [make('room.occupied', { roomId }, 'room')] : []
      return isNew ? [...occupied, make('member.entered', data)] : []
    }
    if (row.type === 'member.exited') {
      const { wasIn, isLast } = this.occupancy.exit(roomId, userId)
      const vacated = isLast ? [make('room.vacated', { roomId }, 'room')] : []
      return wasIn ? [make('member.exited', data), ...vacated] : []
    }
    return [make(row.type as WebhookEventType, data)]
  }

  private async ofStored(row: Row): Promise<WebhookEvent[]> {
    const [{ back, roomId, type }, args] = row.args as [OutboxNote, unknown[]]
    const [first] = args as [Record<string, unknown>?]
    const { broker } = this.parts
    const { positions } = await broker.positions(this.namespace.name, row.n - back, [roomId])
    const seq = positions[0]?.seq ?? -1
    const place = seq > 0 ? { id: `${roomId}-${seq}`, seq } : {} // it was trimmed already
    if (seq > 0 && (await this.find(roomId, seq))?.redacted) return [] // while it waited
    const ended = type === ENDED ? await this.messageOf(roomId, first as unknown as Ending) : undefined
    if (ended === 'redacted') return []
    const { userId, key } = row
    const about = { roomId, ...place, ts: row.ts, type, userId, key, args, ...(ended && { message: ended }) }
    if (isInbox(roomId)) {
      // Both users have a copy; the recipient's counts.
      if (type !== 'message:private' || roomId !== inboxOf(String(first?.to))) return []
      return [this.event(row, 'message.private', { ...about, ...first, isAway: await this.isAway(String(first?.to)) })]
    }
    const said = ended?.type === 'message:new' ? ended : { args, userId }
    const [content] = said.args as [Record<string, unknown>?]
    // A message in pieces names users once it is whole.
    const isWhole = (type === 'message:new' && content?.streaming !== true) || said === ended
    const mentioned = isWhole ? await this.mentionsIn(String(content?.content ?? ''), said.userId) : []
    return [
      this.event(row, 'event.stored', about),
      ...mentioned.map((user) => this.event(row, 'user.mentioned', { ...about, mentioned: user }, user)),
    ]
  }

  /** A row that is still in its log. */
  private async find(roomId: string, seq: number): Promise<StoredRow | undefined> {
    const { events } = await this.parts.broker.history(this.namespace.name, roomId, { after: seq - 1, limit: 1 })
    return events[0]?.seq === seq ? events[0] : undefined
  }

  /** The message that has ended, whole; nothing once it was trimmed. */
  private async messageOf(roomId: string, { target }: Ending): Promise<WholeMessage | 'redacted' | undefined> {
    const row = await this.find(roomId, target)
    if (row?.redacted) return 'redacted'
    if (!row) return undefined
    const { seq, ts, type, userId, key } = row
    return { id: `${roomId}-${seq}`, seq, ts, type, userId, key, args: JSON.parse(row.argsJson) as unknown[] }
  }

  /** Users who are named in a message and away. */
  private async mentionsIn(content: string, author: string | undefined): Promise<string[]> {
    if (!this.parts.wanted.has('user.mentioned') || !content.includes('@')) return []
    const names = new Set(Array.from(content.matchAll(MENTION), ([, name = '']) => name.replace(/[.-]+$/, '')))
    const away: string[] = []
    for (const name of [...names].slice(0, MENTIONS_MAX)) {
      if (name !== author && (await this.parts.isKnownUser(name)) && (await this.isAway(name))) away.push(name)
    }
    return away
  }

  /** Also no connection is expected back. */
  private async isAway(userId: string): Promise<boolean> {
    const { presence } = this.parts.broker
    if (!presence) return !this.namespace.state.users.has(userId)
    return !(await presence.whoIsOnline(this.namespace.name, [userId])).has(userId)
  }

  private event(row: Row, type: WebhookEventType, data: Readonly<Record<string, unknown>>, part = ''): WebhookEvent {
    const id = `evt_${this.epoch}_${row.seq}${part === '' ? '' : `_${part}`}`
    return { id, type, timestamp: new Date(row.ts).toISOString(), namespace: this.namespace.name, data }
  }
}
