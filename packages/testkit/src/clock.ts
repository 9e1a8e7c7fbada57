/**
 * Time that a test decides. Nothing happens by itself: `advance` moves it, runs what falls due in order, and between
 * two timers lets every promise that became ready go as far as it can, turn ends included.
 */
import type { Clock } from '@roomful/server/ports'

interface Timer {
  readonly dueMs: number
  readonly fn: () => void
  cancelled: boolean
}

/** Turns after which a system that keeps asking for one more is taken for an endless loop. */
const MAX_TURNS = 100_000

export class VirtualClock implements Clock {
  /** Ordered by due time, equal ones by the order in which they were set. */
  private readonly timers: Timer[] = []
  private turnEnds: (() => void)[] = []
  private elapsedMs = 0
  private wallMs: number

  /** @param nowMs where `now()` begins, ms since 1970 */
  constructor(nowMs = Date.UTC(2030, 0, 1)) {
    this.wallMs = nowMs
  }

  now(): number {
    return this.wallMs + this.elapsedMs
  }

  monotonic(): number {
    return this.elapsedMs
  }

  after(ms: number, fn: () => void): () => void {
    const timer: Timer = { dueMs: this.elapsedMs + Math.max(0, ms), fn, cancelled: false }
    this.timers.splice(this.placeOf(timer.dueMs), 0, timer)
    return () => {
      timer.cancelled = true
    }
  }

  turnEnd(fn: () => void): void {
    this.turnEnds.push(fn)
  }

  /** Moves the wall clock alone, as an administrator or a time server does; timers do not notice. */
  jump(ms: number): void {
    this.wallMs += ms
  }

  /** How many timers wait: a test for leaks compares it before and after. */
  get pendingTimers(): number {
    return this.timers.filter((timer) => !timer.cancelled).length
  }

  /** Moves time by `ms`, running every timer that falls due on the way. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.elapsedMs + ms
    await this.settle()
    while (this.runNext(targetMs)) await this.settle()
    this.elapsedMs = targetMs
  }

  /** Runs what is ready now, without moving time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      await allMicrotasks()
      if (this.turnEnds.length === 0) return
      const due = this.turnEnds
      this.turnEnds = []
      for (const fn of due) fn()
    }
    throw new Error(`Still not at rest after ${MAX_TURNS} turns: something asks for a turn end in every turn`)
  }

  /** Moves time from timer to timer until `promise` is settled, by `maxMs` at most, and answers as it does. */
  async until<T>(promise: Promise<T>, maxMs = 60_000): Promise<T> {
    const untilMs = this.elapsedMs + maxMs
    let settled = false
    const settles = () => {
      settled = true
    }
    promise.then(settles, settles)
    await this.settle()
    while (!settled && this.runNext(untilMs)) await this.settle()
    if (!settled)
      throw new Error(`Not settled within ${maxMs} ms of virtual time, or nothing left that could settle it`)
    return promise
  }

  /** Moves time from timer to timer until `look` finds something, by `withinMs` at most. */
  async find<T>(look: () => T | undefined, withinMs = 0): Promise<T | undefined> {
    const untilMs = this.elapsedMs + withinMs
    await this.settle()
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (!this.runNext(untilMs)) break
      await this.settle()
    }
    this.elapsedMs = untilMs
    return undefined
  }

  /** @returns false when no timer is due by `untilMs` */
  private runNext(untilMs: number): boolean {
    for (;;) {
      const timer = this.timers[0]
      if (timer === undefined || timer.dueMs > untilMs) return false
      this.timers.shift()
      if (timer.cancelled) continue
      this.elapsedMs = Math.max(this.elapsedMs, timer.dueMs)
      timer.fn()
      return true
    }
  }

  private placeOf(dueMs: number): number {
    let low = 0
    let high = this.timers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.timers[middle] as Timer).dueMs <= dueMs) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** A macrotask of its own comes only after every microtask, however long their chain. */
function allMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
