/** The latest events that are in no log, for clients that come back for them. Bounded by time, count and bytes. */
import type { BroadcastOptions, Room } from '../adapter.ts'
import type { SharedPacket } from '../frames.ts'

export interface RingEvent {
  /** The latest commit before it. */
  readonly n: number
  readonly k: number
  readonly packet: SharedPacket
  readonly rooms: ReadonlySet<Room>
  readonly except: ReadonlySet<Room>
}

interface Kept extends RingEvent {
  readonly at: number
  readonly bytes: number
}

const MAX = 10_000
const MAX_BYTES = 4 * 1024 * 1024
const EVENT_BYTES = 256

export class Ring {
  /** The latest one that was counted. */
  k = 0
  private readonly durationMs: number
  private events: Kept[] = []
  private bytes = 0

  constructor(durationMs: number) {
    this.durationMs = durationMs
  }

  /** @returns its number */
  add(n: number, packet: SharedPacket, { rooms, except = new Set() }: BroadcastOptions): number {
    const bytes = packet.packets.reduce((sum, part) => sum + part.length, EVENT_BYTES)
    this.events.push({ n, k: ++this.k, packet, rooms, except, at: Date.now(), bytes })
    this.bytes += bytes
    this.dropOld()
    return this.k
  }

  /** Those after `k`. `isWhole`: none of them is gone. */
  after(k: number): { readonly events: readonly RingEvent[]; readonly isWhole: boolean } {
    this.dropOld()
    const events = this.events.filter((event) => event.k > k)
    return { events, isWhole: events.length === this.k - k }
  }

  private dropOld(): void {
    const oldest = Date.now() - this.durationMs
    let gone = 0
    while (gone < this.events.length) {
      const { at, bytes } = this.events[gone] as Kept
      if (at >= oldest && this.bytes <= MAX_BYTES && this.events.length - gone <= MAX) break
      this.bytes -= bytes
      gone++
    }
    if (gone > 0) this.events = this.events.slice(gone)
  }
}

/** Whether a member of these rooms gets what is sent to others of them. */
export function isFor(own: Iterable<Room>, rooms: ReadonlySet<Room>, except: ReadonlySet<Room>): boolean {
  let isIn = rooms.size === 0
  for (const room of own) {
    if (except.has(room)) return false
    isIn ||= rooms.has(room)
  }
  return isIn
}
