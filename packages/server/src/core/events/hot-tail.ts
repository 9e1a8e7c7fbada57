/**
 * The latest events of one room, in memory, so that most resumes never touch the log. Bound: `size` events, and all
 * tails of a hub together `hotBytes`; what does not fit is read from the log instead. V2.
 */
import type { StoredRow } from '../ports/broker.ts'
import { RoomEvent } from './event.ts'

/** What all tails share. */
export interface HotBudget {
  used: number
  readonly limit: number
}

/** Rough cost of an event beside its text: objects, cached bytes of one or two encodings. */
const OVERHEAD_BYTES = 300

export class HotTail {
  private readonly size: number
  private readonly budget: HotBudget
  /** The rows of most, which the log in memory has as well: an event is made of one when it is read. */
  private ring: (RoomEvent | StoredRow | undefined)[] = []
  /** What each of them costs: to ask an event that leaves would fetch it from far memory. */
  private costs: number[] = []
  private count = 0
  private lastSeq = 0
  /** How often it was cleared: what was read before that may have been taken back since. */
  generation = 0

  constructor(size: number, budget: HotBudget) {
    this.size = size
    this.budget = budget
  }

  /** Lowest number that is here; `last + 1` when nothing is. */
  get from(): number {
    return this.lastSeq - this.count + 1
  }

  /** The event must follow the last one, or the tail starts over with it. */
  push(event: RoomEvent | StoredRow, seq: number): void {
    if (seq !== this.lastSeq + 1) this.clear()
    this.lastSeq = seq
    if (this.size === 0) return
    const slot = seq % this.size
    if (this.count === this.size) this.budget.used -= this.costs[slot] ?? 0
    else this.count++
    this.put(slot, event)
    while (this.budget.used > this.budget.limit && this.count > 1) this.dropOldest()
  }

  /** @returns the event, when it is here. */
  get(seq: number): RoomEvent | undefined {
    if (seq < this.from || seq > this.lastSeq) return undefined
    const slot = seq % this.size
    const kept = this.ring[slot]
    if (kept === undefined || kept instanceof RoomEvent) return kept
    const event = RoomEvent.fromRow(kept)
    this.ring[slot] = event
    return event
  }

  /** The event has another content now. */
  replace(event: RoomEvent, seq: number): void {
    if (this.get(seq) === undefined) return
    const slot = seq % this.size
    this.budget.used -= this.costs[slot] ?? 0
    this.put(slot, event)
  }

  /**
   * Takes what was read from the log and lies right before what is here, so that the next reader finds it.
   * @param generation of when the read began
   */
  warm(events: readonly RoomEvent[], generation: number): void {
    if (generation !== this.generation) return
    for (let i = events.length - 1; i >= 0; i--) {
      const event = events[i] as RoomEvent
      const seq = event.stored?.seq ?? 0
      if (seq >= this.from) continue
      const isFull = this.count === this.size || this.budget.used + cost(event) > this.budget.limit
      if (isFull || seq !== this.from - 1) return
      this.put(seq % this.size, event)
      this.count++
    }
  }

  /** Starts over behind `seq`. */
  clear(seq = 0): void {
    this.generation++
    for (let at = this.from; at <= this.lastSeq; at++) this.budget.used -= this.costs[at % this.size] ?? 0
    this.ring = []
    this.costs = []
    this.count = 0
    this.lastSeq = seq
  }

  private put(slot: number, event: RoomEvent | StoredRow): void {
    const bytes = cost(event)
    this.ring[slot] = event
    this.costs[slot] = bytes
    this.budget.used += bytes
  }

  private dropOldest(): void {
    const slot = this.from % this.size
    this.budget.used -= this.costs[slot] ?? 0
    this.ring[slot] = undefined
    this.count--
  }
}

function cost(event: RoomEvent | StoredRow): number {
  return event.argsJson.length * 3 + OVERHEAD_BYTES
}
