/**
 * A link's transport in memory. What the core writes arrives at once, until a test stalls the wire: then it is queued, as
 * a kernel queues for a slow peer, and `drain` lets it through. Everything the core asks of it can be seen afterwards.
 */
import type { Clock } from '@roomful/server/ports'
import type { Link, Wire } from '@roomful/server/testing'

export interface Closing {
  readonly code: number
  readonly reason: string
}

/** A peer that does not take the goodbye is cut after this long, as the WebSocket transport does. */
const CLOSE_TIMEOUT_MS = 5_000

export interface WireEnds {
  /** Bytes reach the peer. */
  readonly onBytes: (buffers: readonly Uint8Array[]) => void
  /** The core wants to read again. */
  readonly onResume: () => void
  /** The connection ended, from either side. Called once. */
  readonly onEnd: (closing: Closing) => void
}

export class MemoryWire implements Wire {
  readonly hasPongs = true
  /** Whether the peer answers pings. */
  answersPings = true
  /** How many pings were sent. */
  pings = 0
  /** How many writes the core made: one per turn, whatever the number of events. */
  writes = 0
  /** True while the core does not want to read. */
  isPaused = false
  /** How often the core stopped reading. */
  pauses = 0
  /** What the core said when it closed. */
  closing: Closing | undefined
  isTerminated = false
  private readonly clock: Clock
  private readonly ends: WireEnds
  private link: Link | undefined
  private queue: (readonly Uint8Array[])[] = []
  private isStalled = false
  private isOver = false

  constructor(clock: Clock, ends: WireEnds) {
    this.clock = clock
    this.ends = ends
  }

  /** Ties the wire to its link, once there is one. */
  attach(link: Link): void {
    this.link = link
  }

  get queuedBytes(): number {
    return this.queue.flat().reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.isOver) return
    this.writes++
    if (this.isStalled) this.queue.push(buffers)
    else this.ends.onBytes(buffers)
  }

  pauseReading(): void {
    if (!this.isPaused) this.pauses++
    this.isPaused = true
  }

  resumeReading(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.ends.onResume()
  }

  ping(): void {
    this.pings++
    // An answer takes a way: it is never there before the ping is out.
    if (this.answersPings && !this.isStalled) queueMicrotask(() => this.link?.ponged())
  }

  close(code: number, reason: string): void {
    this.closing = { code, reason }
    if (this.isStalled) this.clock.after(CLOSE_TIMEOUT_MS, () => this.end(code, reason))
    else queueMicrotask(() => this.end(code, reason))
  }

  terminate(): void {
    this.isTerminated = true
    if (this.isOver) return
    this.isOver = true
    this.ends.onEnd({ code: 1006, reason: '' })
  }

  /** From now on nothing reaches the peer. */
  stall(): void {
    this.isStalled = true
  }

  /** Lets the first `writes` queued writes through and goes on stalling, as a peer does that reads slowly. */
  trickle(writes: number): void {
    for (const buffers of this.queue.splice(0, writes)) this.ends.onBytes(buffers)
    if (this.queue.length === 0) this.link?.drained()
    else this.link?.alive()
  }

  /** Lets everything through, for good. */
  drain(): void {
    this.isStalled = false
    const queue = this.queue
    this.queue = []
    for (const buffers of queue) this.ends.onBytes(buffers)
    this.link?.drained()
    if (this.closing) queueMicrotask(() => this.end(this.closing?.code ?? 0, this.closing?.reason ?? ''))
  }

  /** The peer went away: politely with a code, or cut off with 1006. */
  end(code: number, reason: string): void {
    if (this.isOver) return
    this.isOver = true
    this.queue = []
    this.ends.onEnd({ code, reason })
    this.link?.closed(code, reason)
  }
}

/** A WebSocket frame as a server sends it: a whole message, unmasked, uncompressed. RFC 6455 section 5.2. */
export interface Frame {
  readonly opcode: number
  readonly payload: Uint8Array
}

export const TEXT = 0x1

const FIN = 0x80
const MASK = 0x80
const LENGTH_16 = 126
const LENGTH_64 = 127

/** @throws Error for bytes that are not whole frames of this kind: the server wrote something no client would read */
export function* readFrames(bytes: Uint8Array): Generator<Frame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.byteLength; ) {
    const first = view.getUint8(at)
    const second = view.getUint8(at + 1)
    if ((first & FIN) === 0 || (first & 0x70) !== 0 || (second & MASK) !== 0) {
      throw new Error(`No frame that a server may send at byte ${at}: ${first.toString(16)} ${second.toString(16)}`)
    }
    at += 2
    let length = second
    if (second === LENGTH_16) {
      length = view.getUint16(at)
      at += 2
    } else if (second === LENGTH_64) {
      length = Number(view.getBigUint64(at))
      at += 8
    }
    if (at + length > bytes.byteLength) throw new Error(`A frame of ${length} bytes at byte ${at} is cut short`)
    yield { opcode: first & 0x0f, payload: bytes.subarray(at, at + length) }
    at += length
  }
}
