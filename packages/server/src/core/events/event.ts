/**
 * An event on its way to clients, its audience, and its numbers once it is stored. Its JSON is made once, its bytes once per encoding (A3.2). Most events meet a single
 * encoding, and many thousand events stay in memory, so the first one has fields of its own and a map comes only after.
 */
import { fromJson, isSpreadable, type StoredFields, toJson, type WireEvent } from '@roomful/protocol'
import type { Appended, StoredRow } from '../ports/broker.ts'
import type { Encoding } from '../ports/dialect.ts'

/** Where a transient event stands: its number among those of the namespace, and the latest commit number before it. */
export interface Place {
  readonly serial: number
  readonly n: number
}

const BINARY_MARK = '"$binary"'

export class RoomEvent implements WireEvent {
  readonly type: string
  readonly argsJson: string
  readonly stored: StoredFields | undefined
  readonly roomId: string | undefined
  /** The connection that caused it: classic clients do not receive their own messages. */
  readonly origin: string | undefined
  /** Who caused it. */
  readonly userId: string | undefined
  /** What an application sends to those connected now, and no bookkeeping of the room vocabulary. */
  readonly isApplications: boolean
  /** The message that it ended, whole: for those who had less of it. */
  about: RoomEvent | undefined
  /** Among the transient events of its namespace, once it was sent to clients that may come back for it. */
  place: Place | undefined
  private parsedArgs: readonly unknown[] | undefined
  private spreadable: boolean | undefined
  private firstKey: string | undefined
  private firstBytes: Uint8Array | undefined
  private others: Map<string, Uint8Array | undefined> | undefined

  private constructor(
    type: string,
    args: readonly unknown[] | undefined,
    argsJson: string,
    spread: boolean | undefined,
    stored: StoredFields | undefined,
    roomId: string | undefined,
    origin: string | undefined,
    userId: string | undefined,
    isApplications: boolean,
  ) {
    this.type = type
    // Bytes are sent as they were when the event was made, whatever their owner writes into them since.
    this.parsedArgs = argsJson.includes(BINARY_MARK) ? undefined : args
    this.argsJson = argsJson
    this.spreadable = spread
    this.stored = stored
    this.roomId = roomId
    this.origin = origin
    this.userId = userId
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
    return new RoomEvent(type, args, toJson(args), spread, undefined, roomId, undefined, undefined, isApplications)
  }

  /** A transient event whose one argument, an object, is JSON already. */
  static ofJson(type: string, argsJson: string, roomId: string): RoomEvent {
    return new RoomEvent(type, undefined, argsJson, true, undefined, roomId, undefined, undefined, false)
  }

  static fromRow(row: StoredRow, args?: readonly unknown[], origin?: string): RoomEvent {
    const { type, argsJson, roomId, seq, n, ts, key, userId, redacted } = row
    const stored = { id: `${roomId}-${seq}`, roomId, seq, n, ts, key, redacted }
    return new RoomEvent(type, args, argsJson, undefined, stored, undefined, origin, userId, false)
  }

  /** The same event with other arguments. */
  withArgs(argsJson: string): RoomEvent {
    const { type, spreadable, stored, origin, userId } = this
    return new RoomEvent(type, undefined, argsJson, spreadable, stored, undefined, origin, userId, false)
  }

  get args(): readonly unknown[] {
    this.parsedArgs ??= fromJson(this.argsJson) as unknown[]
    return this.parsedArgs
  }

  /** It was sent. Later readers parse its JSON again: objects that stay for long would cost more in every collection. */
  dropArgs(): void {
    this.parsedArgs = undefined
  }

  get spread(): boolean {
    this.spreadable ??= isSpreadable(this.args[0])
    return this.spreadable
  }

  /** The bytes for `encoding`, made at the first call. */
  encoded(encoding: Encoding): Uint8Array | undefined {
    const { key } = encoding
    if (key === this.firstKey) return this.firstBytes
    if (this.others?.has(key)) return this.others.get(key)
    const bytes = encoding.encode(this)
    if (this.firstKey === undefined) {
      this.firstKey = key
      this.firstBytes = bytes
    } else {
      this.others ??= new Map()
      this.others.set(key, bytes)
    }
    return bytes
  }
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
}

export function toStored(roomId: string, result: Extract<Appended, { n: number }>): Stored {
  const { n, seq, ts, status } = result
  return { id: `${roomId}-${seq}`, roomId, seq, n, ts, duplicate: status === 'duplicate' }
}
