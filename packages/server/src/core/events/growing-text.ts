/**
 * A message that is being written, as a room has it in memory. Members that read along were sent `sent` of it, in pieces;
 * who comes later gets what there is so far as one event, and pieces from there. D17.
 */
import { type StoredFields, storedJson, toJson } from '@roomful/protocol'
import type { GrowingRow } from '../ports/broker.ts'
import { GROWING_TAIL, withText, withWholeText } from '../ports/facts.ts'
import { RoomEvent } from './event.ts'

/** The event that ends a message. */
export const ENDED = 'message:ended'

/** How a message ended. */
export type EndState = 'complete' | 'cancelled' | 'interrupted'

/** What the event that ends a message carries. */
export interface Ending {
  readonly target: number
  readonly state: EndState
  /** Of the whole text, in UTF-16 units. */
  readonly length: number
  /** Who ended it, where it was not its writer. */
  readonly userId?: string
  readonly reason?: string
  /** What the writer has to say at the end. */
  readonly extra?: unknown
}

/** What follows the text in the row of a message that has ended. */
export function tailOf({ state, reason, extra }: Ending): string {
  const more = `${reason === undefined ? '' : `,"reason":${toJson(reason)}`}${extra === undefined ? '' : `,"extra":${toJson(extra)}`}`
  return `"state":"${state}"${more}}]`
}

/** An event that begins a message, as it was stored. */
export function isGrowing({ argsJson, stored }: RoomEvent): boolean {
  return stored !== undefined && argsJson.endsWith(GROWING_TAIL)
}

export class GrowingText {
  readonly start: RoomEvent
  /** Of what is stored. */
  length = 0
  /** Of what members that read along were sent; a place between two pieces. */
  sent = 0
  /** When it was last added to, ms since 1970. */
  ts: number
  /** It is to be sent at the end of the turn. */
  isDue = false
  /** Where each fragment begins. */
  private readonly places: number[] = []
  private readonly fragments: string[] = []
  private replayed: { readonly sent: number; readonly event: RoomEvent } | undefined
  private repeated: { readonly sent: number; readonly event: RoomEvent } | undefined

  constructor(start: RoomEvent, ts: number) {
    this.start = start
    this.ts = ts
  }

  static of({ row, fragment, length, ts }: GrowingRow): GrowingText {
    const text = new GrowingText(RoomEvent.fromRow(row), ts)
    text.add(0, fragment, length, ts)
    text.sent = length
    return text
  }

  get stored(): StoredFields {
    return this.start.stored as StoredFields
  }

  /** @returns false when something before it is missing */
  add(at: number, fragment: string, length: number, ts: number): boolean {
    if (at > this.length) return false
    this.ts = Math.max(this.ts, ts)
    if (at < this.length || length === 0) return true
    this.places.push(at)
    this.fragments.push(fragment)
    this.length += length
    return true
  }

  /** It was read again: what is missing here is in it. */
  catchUp({ fragment, length, ts }: GrowingRow): void {
    if (length <= this.length) return
    // The places of before are gone, and so are those who stand at them: they get it whole.
    this.places.length = 0
    this.fragments.length = 0
    this.length = 0
    this.add(0, fragment, length, ts)
  }

  /** Whether a piece begins here. */
  hasPlace(at: number): boolean {
    return at === this.length || this.indexOf(at) >= 0
  }

  /** What follows `from`, up to what members that read along have, or with `isAll` up to the end. */
  pieceFrom(from: number, isAll = false): RoomEvent {
    const to = isAll ? this.length : this.end
    const { roomId, seq } = this.stored
    const argsJson = `[{"roomId":${JSON.stringify(roomId)},"seq":${seq},"at":${from},"text":"${this.between(from, to)}"}]`
    return RoomEvent.ofJson('message:piece', argsJson, roomId)
  }

  /** The event that began it with the text so far, in its place among others. */
  replay(): RoomEvent {
    if (this.replayed?.sent !== this.sent) {
      this.replayed = { sent: this.sent, event: this.start.withArgs(withText(this.start.argsJson, this.soFar())) }
    }
    return this.replayed.event
  }

  /** The same out of its place: it moves no position. */
  tell(): RoomEvent {
    if (this.repeated?.sent !== this.sent) this.repeated = { sent: this.sent, event: repeatOf(this.replay()) }
    return this.repeated.event
  }

  /** The event that began it with the whole text, now that it has ended. */
  whole(ending: Ending): RoomEvent {
    const fragment = this.between(0, this.length)
    return this.start.withArgs(withWholeText(this.start.argsJson, fragment, tailOf(ending)))
  }

  private soFar(): string {
    return this.between(0, this.end)
  }

  /** What members that read along were sent; all of it once it was read again and that is between two pieces. */
  private get end(): number {
    return this.hasPlace(this.sent) ? this.sent : this.length
  }

  private between(from: number, to: number): string {
    if (from === 0 && to === this.length) return this.fragments.join('')
    const first = this.indexOf(from)
    const last = to === this.length ? this.fragments.length : this.indexOf(to)
    return first < 0 ? '' : this.fragments.slice(first, last).join('')
  }

  private indexOf(at: number): number {
    const { places } = this
    let low = 0
    let high = places.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const place = places[middle] as number
      if (place === at) return middle
      if (place < at) low = middle + 1
      else high = middle - 1
    }
    return -1
  }
}

/** A durable event out of its place: once more, or late. Where its one argument is an object, that has the numbers. */
export function repeatOf(event: RoomEvent): RoomEvent {
  const { type, argsJson, stored } = event
  const { roomId } = stored as StoredFields
  if (!event.spread) return RoomEvent.transient(type, event.args, undefined, { roomId })
  const comma = argsJson === '[{}]' ? '' : ','
  return RoomEvent.ofJson(type, `${argsJson.slice(0, -2)}${comma}${storedJson(stored as StoredFields)}}]`, roomId)
}
