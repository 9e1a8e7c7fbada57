/**
 * One direction of a link. Messages come out later, in order, each after a delay of its own. They may be held, as packets
 * are that a network loses and TCP sends again, or lost with the link.
 */
import type { VirtualClock } from '../clock.ts'

interface Parcel {
  readonly dueMs: number
  readonly bytes: number
  readonly arrive: () => void
}

export class Pipe {
  private readonly clock: VirtualClock
  private readonly delayMs: () => number
  private readonly onEmpty: () => void
  private readonly parcels: Parcel[] = []
  private readonly holds = new Set<string>()
  private cancel: (() => void) | undefined
  private lastMs = 0
  private isBroken = false
  /** Bytes under way. */
  bytes = 0

  constructor(clock: VirtualClock, delayMs: () => number, onEmpty: () => void = () => undefined) {
    this.clock = clock
    this.delayMs = delayMs
    this.onEmpty = onEmpty
  }

  get isHeld(): boolean {
    return this.holds.size > 0
  }

  send(bytes: number, arrive: () => void): void {
    if (this.isBroken) return
    this.lastMs = Math.max(this.lastMs, this.clock.monotonic() + this.delayMs())
    this.parcels.push({ dueMs: this.lastMs, bytes, arrive })
    this.bytes += bytes
    this.plan()
  }

  /** Nothing comes out until every reason has been released. */
  hold(reason: string): void {
    this.holds.add(reason)
    this.cancel?.()
    this.cancel = undefined
  }

  release(reason: string): void {
    if (this.holds.delete(reason)) this.plan()
  }

  /** Ends it. @returns what was under way, for a caller that has it arrive in another way */
  take(): (() => void)[] {
    const taken = this.parcels.map(({ arrive }) => arrive)
    this.break()
    return taken
  }

  /** What is under way is lost. */
  break(): void {
    this.isBroken = true
    this.parcels.length = 0
    this.bytes = 0
    this.cancel?.()
    this.cancel = undefined
  }

  private plan(): void {
    const [next] = this.parcels
    if (this.isHeld || this.cancel || !next) return
    this.cancel = this.clock.after(next.dueMs - this.clock.monotonic(), () => {
      this.cancel = undefined
      this.deliver()
    })
  }

  private deliver(): void {
    const now = this.clock.monotonic()
    while (!this.isHeld && (this.parcels[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= now) {
      const parcel = this.parcels.shift() as Parcel
      this.bytes -= parcel.bytes
      parcel.arrive()
    }
    if (this.parcels.length === 0) this.onEmpty()
    this.plan()
  }
}
