/**
 * One timer for everything that waits: heartbeats, deadlines, token expiry, presence. Due times are rounded up to a tick;
 * cancelling forgets at once, so that a closed connection leaves nothing behind. It ticks only while something waits. After the
 * process was suspended, or busy for long, what has arrived meanwhile is looked at before anything is taken for missing.
 */
import type { Clock } from '../ports/system.ts'

/** A tick that comes so late was held up by more than work. */
const LATE_MS = 1_000

/** What waits: a function, or an object that many have one of, which spares each a closure. */
export type Waiting = (() => void) | { timeUp(): void }

export interface Timer {
  /** Kept by the wheel. */
  tick: number
  readonly waiting: Waiting
}

export class TimerWheel {
  private readonly slots = new Map<number, Set<Timer>>()
  private readonly clock: Clock
  private readonly tickMs: number
  private stopTicking: (() => void) | undefined
  private done: number
  private waiting = 0
  private isClosed = false

  constructor(clock: Clock, tickMs = 50) {
    this.clock = clock
    this.tickMs = tickMs
    this.done = Math.floor(clock.monotonic() / tickMs)
  }

  /** Number of timers that wait, for the metrics and for tests that look for what was left behind. */
  get size(): number {
    return this.waiting
  }

  /** Once the wheel is closed nothing waits: what would be tried again then never is. */
  add(delayMs: number, waiting: Waiting): Timer {
    const timer: Timer = { tick: 0, waiting }
    this.put(delayMs, timer)
    return timer
  }

  /** For what waits again and again with one object. It must not wait already. */
  put(delayMs: number, timer: Timer): void {
    if (this.isClosed) return
    if (this.waiting === 0) this.done = this.now()
    const due = Math.ceil((this.clock.monotonic() + Math.max(0, delayMs)) / this.tickMs)
    timer.tick = Math.max(due, this.done + 1)
    const slot = this.slots.get(timer.tick)
    if (slot) slot.add(timer)
    else this.slots.set(timer.tick, new Set([timer]))
    this.waiting++
    this.stopTicking ??= this.clock.after(this.tickMs, this.onTick)
  }

  /** Harmless for a timer that fired or was cancelled. */
  cancel(timer: Timer | undefined): void {
    if (timer === undefined) return
    const slot = this.slots.get(timer.tick)
    if (!slot?.delete(timer)) return
    this.waiting--
    if (slot.size === 0) this.slots.delete(timer.tick)
  }

  close(): void {
    this.isClosed = true
    this.stopTicking?.()
    this.stopTicking = undefined
    this.slots.clear()
    this.waiting = 0
  }

  private now(): number {
    return Math.floor(this.clock.monotonic() / this.tickMs)
  }

  private readonly onTick = (): void => {
    if ((this.now() - this.done) * this.tickMs < LATE_MS) return this.tick()
    let isStopped = false
    this.stopTicking = () => {
      isStopped = true
    }
    // Messages and pongs that wait in sockets are read before a turn ends.
    this.clock.turnEnd(() => isStopped || this.tick())
  }

  private tick(): void {
    this.stopTicking = undefined
    const now = this.now()
    try {
      this.runUntil(now)
      this.done = Math.max(this.done, now)
    } finally {
      // Also when a callback threw: an application that survives that must not lose every heartbeat to it.
      if (this.waiting > 0) this.stopTicking ??= this.clock.after(this.tickMs, this.onTick)
    }
  }

  private runUntil(now: number): void {
    while (this.done < now && this.waiting > 0) {
      this.done++
      const slot = this.slots.get(this.done)
      if (!slot) continue
      // One by one, and off the wheel first: a callback may cancel another timer of this slot.
      try {
        for (const timer of slot) {
          slot.delete(timer)
          this.waiting--
          if (typeof timer.waiting === 'function') timer.waiting()
          else timer.waiting.timeUp()
        }
      } finally {
        if (slot.size === 0) this.slots.delete(this.done)
        else this.done-- // one threw: the others are still due
      }
    }
  }
}
