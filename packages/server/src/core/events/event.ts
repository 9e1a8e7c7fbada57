/**
 * An event on its way to clients, and its numbers once it is stored. Its JSON is made once, its bytes once per encoding
 * (A3.2). Most events meet a single encoding, so the first one has fields of its own and a map comes only after. Many thousand
 * events stay in memory, so what is kept of one is little more than its row.
 */
import { eventId, fromJson, isSpreadable, mayHoldBinary, toJson, type WireEvent } from '@roomful/protocol'
import type { Appended, StoredRow } from '../ports/broker.ts'
import type { Encoding } from '../ports/dialect.ts'

/** Where a transient event stands: its number among those of the namespace, and the latest commit number before it. */
export interface Place {
  readonly serial: number
  readonly n: number
}

/** What an event says. */
interface Content {
  readonly type: string
  readonly argsJson: string
  /** Who caused it. */
  readonly userId?: string | undefined
}

/** What is derived of an event while it is sent. */
class Derived {
  args: readonly unknown[] | undefined
  spread: boolean | undefined
  firstKey: string | undefined
  firstBytes: Uint8Array | undefined
  traceparent: string | undefined
  others: Map<string, Uint8Array | undefined> | undefined

  constructor(args: readonly unknown[] | undefined, spread: boolean | undefined, traceparent?: string) {
    this.args = args
    this.spread = spread
    this.traceparent = traceparent
  }
}

export class RoomEvent implements WireEvent {
  /** Its row in the log; only durable events have one. */
  readonly stored: StoredRow | undefined
  readonly roomId: string | undefined
  /** The connection that caused it: classic clients do not receive their own messages. */
  readonly origin: string | undefined
  /** What an application sends to those connected now, and no bookkeeping of the room vocabulary. */
  readonly isApplications: boolean
  /** The message that it ended, whole: for those who had less of it. */
  about: RoomEvent | undefined
  /** Among the transient events of its namespace, once it was sent to clients that may come back for it. */
  place: Place | undefined
  private readonly content: Content
  private derived: Derived | undefined

  private constructor(
    content: Content,
    derived: Derived | undefined,
    stored: StoredRow | undefined,
    roomId: string | undefined,
    origin: string | undefined,
    isApplications: boolean,
  ) {
    this.content = content
    this.derived = derived
    this.stored = stored
    this.roomId = roomId
    this.origin = origin
    this.isApplications = isApplications
  }

  /**
   * @param spread true when a contract promises that no reserved field is in the data
   * @param more `roomId`: the one room that it is for
   */
  static transient(
    type: string,
    args: readonly unknown[],
    spread?: boolean,
    more: { readonly roomId?: string | undefined; readonly isApplications?: boolean } = {},
  ): RoomEvent {
    const { roomId, isApplications = false } = more
    const argsJson = toJson(args)
    const derived = new Derived(unlessBinary(args, argsJson), spread)
    return new RoomEvent({ type, argsJson }, derived, undefined, roomId, undefined, isApplications)
  }

  /** A transient event whose one argument, an object, is JSON already. */
  static ofJson(type: string, argsJson: string, roomId: string): RoomEvent {
    return new RoomEvent({ type, argsJson }, new Derived(undefined, true), undefined, roomId, undefined, false)
  }

  static fromRow(row: StoredRow, args?: readonly unknown[], origin?: string, traceparent?: string): RoomEvent {
    const derived =
      args || traceparent ? new Derived(args && unlessBinary(args, row.argsJson), undefined, traceparent) : undefined
    return new RoomEvent(row, derived, row, undefined, origin, false)
  }

  /** The request that caused it, in what is sent at once. */
  get traceparent(): string | undefined {
    return this.derived?.traceparent
  }

  /** Belongs to a request that is followed; before it is encoded. */
  causedBy(traceparent: string): void {
    this.derive().traceparent = traceparent
  }

  get type(): string {
    return this.content.type
  }

  get argsJson(): string {
    return this.content.argsJson
  }

  get userId(): string | undefined {
    return this.content.userId
  }

  /** The same event with other arguments. */
  withArgs(argsJson: string): RoomEvent {
    const { type, userId, derived, stored, origin } = this
    const content = { type, argsJson, userId }
    return new RoomEvent(content, new Derived(undefined, derived?.spread), stored, undefined, origin, false)
  }

  get args(): readonly unknown[] {
    const derived = this.derive()
    derived.args ??= fromJson(this.content.argsJson) as unknown[]
    return derived.args
  }

  /** It was sent. Later readers parse its JSON again: objects that stay for long would cost more in every collection. */
  dropArgs(): void {
    if (this.derived) this.derived.args = undefined
  }

  get spread(): boolean {
    const derived = this.derive()
    derived.spread ??= isSpreadable(this.args[0])
    return derived.spread
  }

  /** The bytes for `encoding`, made at the first call. */
  encoded(encoding: Encoding): Uint8Array | undefined {
    const { key } = encoding
    const derived = this.derive()
    if (key === derived.firstKey) return derived.firstBytes
    if (derived.others?.has(key)) return derived.others.get(key)
    const bytes = encoding.encode(this)
    if (derived.firstKey === undefined) {
      derived.firstKey = key
      derived.firstBytes = bytes
    } else {
      derived.others ??= new Map()
      derived.others.set(key, bytes)
    }
    return bytes
  }

  private derive(): Derived {
    this.derived ??= new Derived(undefined, undefined)
    return this.derived
  }
}

/** Bytes are sent as they were when the event was made, whatever their owner writes into them since. */
function unlessBinary(args: readonly unknown[], argsJson: string): readonly unknown[] | undefined {
  return mayHoldBinary(argsJson) ? undefined : args
}

/** What the log said of a durable event. */
export interface Stored {
  readonly id: string
  readonly roomId: string
  readonly seq: number
  readonly n: number
  readonly ts: number
  /** A repeat: these are the numbers of the first time. */
  readonly duplicate: boolean
}

/** A durable event as listeners of `stored` receive it. */
export interface StoredEvent extends Omit<Stored, 'duplicate'> {
  readonly type: string
  readonly args: readonly unknown[]
  /** The first argument; most events have no other. */
  readonly data: unknown
  /** Who caused it; `undefined` for the server itself. */
  readonly userId: string | undefined
  /** The idempotency key of its request. */
  readonly key: string | undefined
  /** The id of the connection that does not get it. */
  readonly except?: string | undefined
}

export function toStored(roomId: string, result: Extract<Appended, { n: number }>): Stored {
  const { n, seq, ts, status } = result
  return { id: eventId({ roomId, seq }), roomId, seq, n, ts, duplicate: status === 'duplicate' }
}
