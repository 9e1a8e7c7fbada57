/**
 * The latest transient events of a namespace, for clients whose rooms the server restores (Socket.IO's recovery). No log has
 * them, so missed ones are sent again from here, or the recovery fails. Only events of applications count, and no volatile
 * ones; presence and typing have snapshots of their own. Bounded by count, bytes and time.
 */
import { formatCursor, parseCursor } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import type { Place, RoomEvent } from '../events/event.ts'
import type { SessionRecord, TransientMarks } from '../ports/broker.ts'
import type { Audience } from '../ports/signal.ts'

/** The namespace, as far as its transient events are concerned. */
interface TransientsOwner {
  readonly name: string
  readonly logId: string
  readonly headN: number
}

/** Set once a transport is there whose clients come back for transient events. */
export interface TransientPolicy {
  isKept: boolean
}

/** What a client gives back to resume: a cursor of the log, and where it stood among transient events. */
export interface Offset {
  readonly logId: string
  readonly n: number
  /** `none`: before all. Nothing when the server itself did not know it any more. */
  readonly place: { readonly run: string; readonly serial: number } | 'none' | undefined
}

interface Entry {
  readonly event: RoomEvent
  readonly place: Place
  readonly target: Audience
  readonly at: number
}

const MAX_EVENTS = 4_096
const MAX_BYTES = 4 * 1024 ** 2
const TRIM_AT_LEAST = 16
/** What an entry costs beside its arguments. */
const ENTRY_BYTES = 256
const RUN_LENGTH = 6
/** Stands for a session in the storage: it says that the namespace has transient events. */
const MARK_ID = 'transients'
const MARK_TTL_MS = 30 * 24 * 3_600_000
const MARK_AGAIN_MS = 24 * 3_600_000

const PLACE = /^([a-z0-9]{1,12})\.(0|[1-9][0-9]{0,15})$/

export class Transients {
  /** Distinguishes the serials of this run of the server from those of others. */
  readonly run: string
  /** The latest that was given. */
  serial = 0
  private readonly runtime: Runtime
  private readonly namespace: TransientsOwner
  private readonly policy: TransientPolicy
  private readonly startedAt: number
  private entries: Entry[] = []
  private first = 0
  private bytes = 0
  /** The latest that is no longer here. */
  private gone: Place = { serial: 0, n: -1 }
  private isUsed = false
  /** An earlier run of the server had some. */
  private hadAny = false
  private markedAt = Number.NEGATIVE_INFINITY

  constructor(runtime: Runtime, namespace: TransientsOwner, policy: TransientPolicy) {
    this.runtime = runtime
    this.namespace = namespace
    this.policy = policy
    this.run = runtime.random.id(RUN_LENGTH)
    this.startedAt = runtime.clock.monotonic()
  }

  /** When the log is open: looks whether an earlier run left word of transient events. */
  async open(): Promise<void> {
    if (!this.policy.isKept) return
    this.hadAny = (await this.runtime.broker.findSession(this.namespace.name, MARK_ID)) !== undefined
  }

  /** A session of another run comes back: other nodes may have sent some since this one began. */
  async lookAgain({ transients: marks }: Pick<SessionRecord, 'transients'>): Promise<void> {
    if (this.runtime.broker.otherNodes && !this.hadAny && marks?.run !== this.run) await this.open()
  }

  /** A client is there that may come back for them. */
  use(): void {
    this.isUsed = true
  }

  /** An event is about to be sent: it gets its place among the others. */
  note(event: RoomEvent, target: Audience): void {
    if (target.volatile || !event.isApplications || !this.isWanted) return
    event.place = { serial: ++this.serial, n: this.namespace.headN }
    this.entries.push({ event, place: event.place, target, at: this.runtime.clock.monotonic() })
    this.bytes += event.argsJson.length + ENTRY_BYTES
    this.trim()
    this.mark()
  }

  /** @returns the latest before the event with this commit number; nothing when that is not known any more */
  before(n: number): number | undefined {
    let low = this.first
    let high = this.entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.entries[middle] as Entry).place.n < n) low = middle + 1
      else high = middle
    }
    if (low > this.first) return (this.entries[low - 1] as Entry).place.serial
    return n > this.gone.n ? this.gone.serial : undefined
  }

  /** The position behind an event, as its client gives it back. */
  offset(n: number, serial: number | undefined): string {
    const cursor = formatCursor(this.namespace.logId, n)
    if (serial === undefined) return `${cursor}~`
    return serial === 0 ? cursor : `${cursor}~${this.run}.${serial}`
  }

  /** @param lastTransient the latest that was for the session */
  marks(since: number, lastTransient: number, isFinal: boolean): TransientMarks {
    return { run: this.run, since, last: Math.max(since, lastTransient), at: this.serial, isFinal }
  }

  /**
   * From where on a session missed events.
   * @param offset of the client; nothing when it got nothing since the session began
   * @returns a serial; nothing when something may be missing that cannot be had any more
   */
  resumeFrom(record: Pick<SessionRecord, 'transients'>, offset: Offset | undefined): number | undefined {
    const { transients: marks } = record
    const stood = marks && stoodAt(marks, offset)
    let from: number | undefined = 0
    if (marks?.run === this.run) {
      if (stood === undefined || stood < marks.last) from = stood
      else from = Math.max(marks.at, stood) // it had everything when it was cut off
    } else if (this.hadAny) {
      // Other nodes may have sent some after the one that it was on went down.
      const isLast = marks?.isFinal === true && this.runtime.broker.otherNodes === undefined
      const hadAll = isLast && stood !== undefined && stood >= marks.last
      from = hadAll ? 0 : undefined
    }
    return from !== undefined && this.has(from) ? from : undefined
  }

  /** Whether everything behind this serial is still here. */
  has(from: number): boolean {
    return from >= this.gone.serial
  }

  /** The events after a serial that a session should have received. */
  after(from: number, isFor: (target: Audience, serial: number) => boolean): RoomEvent[] {
    const events: RoomEvent[] = []
    for (let at = this.first; at < this.entries.length; at++) {
      const { event, place, target } = this.entries[at] as Entry
      if (place.serial > from && isFor(target, place.serial)) events.push(event)
    }
    return events
  }

  /** Shortly after the start those may come back who were here before. */
  private get isWanted(): boolean {
    if (!this.policy.isKept) return false
    return this.isUsed || this.runtime.clock.monotonic() - this.startedAt < this.runtime.settings.sessionMs
  }

  private trim(): void {
    const oldestAt = this.runtime.clock.monotonic() - this.runtime.settings.sessionMs
    while (this.first < this.entries.length) {
      const { event, place, at } = this.entries[this.first] as Entry
      const isTooMany = this.entries.length - this.first > MAX_EVENTS || this.bytes > MAX_BYTES
      if (!isTooMany && at >= oldestAt) break
      this.bytes -= event.argsJson.length + ENTRY_BYTES
      this.gone = place
      this.first++
    }
    // Those that went stay in memory until then, so they are never more than those that are kept, or a few.
    if (this.first < TRIM_AT_LEAST || this.first * 2 < this.entries.length) return
    this.entries = this.entries.slice(this.first)
    this.first = 0
  }

  /** The next run of the server has to know that something may have been missed. */
  private mark(): void {
    const now = this.runtime.clock.monotonic()
    if (now - this.markedAt < MARK_AGAIN_MS) return
    this.markedAt = now
    const { name } = this.namespace
    this.runtime.broker.saveSession(
      { id: MARK_ID, namespace: name, connectionId: '', userId: '', rooms: [] },
      MARK_TTL_MS,
    )
  }
}

/** @returns the offset; nothing for what this version did not write */
export function parseOffset(text: string): Offset | undefined {
  const [cursorText = '', placeText] = text.split('~', 2)
  const cursor = parseCursor(cursorText)
  if (!cursor) return undefined
  if (placeText === undefined) return { ...cursor, place: 'none' }
  const match = PLACE.exec(placeText)
  return { ...cursor, place: match ? { run: match[1] as string, serial: Number(match[2]) } : undefined }
}

/** Up to which serial a session had everything; nothing when its client does not know. */
function stoodAt({ run, since, last }: TransientMarks, offset: Offset | undefined): number | undefined {
  if (offset === undefined || offset.place === 'none') return since
  // Read from the log long after it was sent: what came before it is known only where there was nothing.
  if (offset.place === undefined) return last === since ? since : undefined
  return offset.place.run === run ? Math.max(since, offset.place.serial) : since
}
