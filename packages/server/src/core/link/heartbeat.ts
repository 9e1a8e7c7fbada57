/**
 * The heartbeat of one link: it pings on time whatever else is going on, and cuts the link when a ping stays unanswered for
 * too long. A pong may take longer than the time between two pings. It also proves that everything sent before its ping has
 * arrived, so pings confirm deliveries.
 */

import type { Runtime } from '../base/runtime.ts'
import type { Timer } from '../base/timer-wheel.ts'
import type { Dialect } from '../ports/dialect.ts'
import type { Wire } from '../ports/wire.ts'

/** What a ping of an exact heartbeat may be late by. */
const TICK_MS = 10

/** The link, as far as its heartbeat is concerned. */
interface BeatingLink {
  readonly runtime: Runtime
  readonly wire: Wire
  readonly dialect: Dialect
  readonly state: 'open' | 'closing' | 'closed'
  readonly lastActiveAt: number
  terminate(reason: string): void
  confirmation(): (() => void) | undefined
}

/** No such time. Times are whole milliseconds: an object holds them without another object for each. */
const NONE = -1

/** It is its own timer, because every link has one. */
export class Heartbeat implements Timer {
  tick = 0
  private readonly link: BeatingLink
  /** When the next ping is due. */
  private pingAt = NONE
  /** When the first unanswered ping went out. */
  private unansweredSince = NONE
  /** Pings without a pong so far. */
  private pongsDue = 0
  /** Called at the next pong, for what was sent before its ping. */
  private confirm: (() => void) | undefined
  /** Something was sent since, to be confirmed by the next ping. */
  private isConfirmationDue = false

  constructor(link: BeatingLink) {
    this.link = link
  }

  get waiting(): this {
    return this
  }

  /** Each link in its own phase, so that pings never come in a crowd. */
  start(): void {
    const { pingIntervalMs } = this.form
    if (pingIntervalMs === 0) return
    this.pingAt = this.now() + Math.round(pingIntervalMs * this.firstPhase())
    this.wait()
  }

  /** Something was sent whose delivery is to be confirmed soon. See {@link Link.confirmation}. */
  confirmSoon(): void {
    if (this.isConfirmationDue) return
    this.isConfirmationDue = true
    this.pingIfDue()
  }

  private firstPhase(): number {
    const { heartbeat } = this.link.dialect
    if (heartbeat?.needsPong) return 1 // applications that count pings expect a whole interval
    const phase = 0.5 + this.link.runtime.random.fraction() / 2
    // A client that knows the interval counts from the opening, so its first ping comes early.
    return heartbeat ? phase / 2 : phase
  }

  ponged(): void {
    const { confirm } = this
    this.unansweredSince = NONE
    this.confirm = undefined
    this.pongsDue = Math.max(0, this.pongsDue - 1)
    confirm?.()
    if (this.link.dialect.heartbeat?.needsPong) this.countFromNow()
    else this.pingIfDue()
  }

  /** The next ping is due a whole interval from now. */
  private countFromNow(): void {
    this.pingAt = this.now() + this.form.pingIntervalMs
    this.stop()
    this.wait()
  }

  stop(): void {
    this.link.runtime.timers.cancel(this)
  }

  /** A ping that confirms deliveries waits for the pong of the one before. */
  private get mayConfirm(): boolean {
    return this.isConfirmationDue && this.pongsDue === 0
  }

  private pingIfDue(): void {
    if (!this.mayConfirm) return
    this.stop()
    this.wait()
  }

  private get form(): { readonly pingIntervalMs: number; readonly pongTimeoutMs: number } {
    return this.link.dialect.heartbeat ?? this.link.runtime.settings
  }

  private wait(): void {
    if (this.link.state === 'closed') return // a pong that was on its way
    const now = this.now()
    let dueAt = this.mayConfirm ? now : Number.POSITIVE_INFINITY
    if (this.pingAt !== NONE) dueAt = Math.min(dueAt, this.pingAt)
    if (this.unansweredSince !== NONE) dueAt = Math.min(dueAt, this.unansweredSince + this.form.pongTimeoutMs)
    if (dueAt !== Number.POSITIVE_INFINITY) this.link.runtime.timers.put(dueAt - now, this)
  }

  private now(): number {
    return Math.floor(this.link.runtime.clock.monotonic())
  }

  /** From the timer. */
  timeUp(): void {
    const { pingIntervalMs, pongTimeoutMs } = this.form
    const now = this.now()
    const isAnswered = this.link.lastActiveAt >= this.unansweredSince && !this.link.dialect.heartbeat?.needsPong
    if (isAnswered) this.unansweredSince = NONE
    if (this.unansweredSince !== NONE && now >= this.unansweredSince + pongTimeoutMs)
      return this.link.terminate('heartbeat timeout')
    if (this.pingAt !== NONE && now >= this.pingAt) {
      // A client that must answer knows when the ping was due, and not that a tick made it late.
      const since = this.link.dialect.heartbeat?.needsPong ? Math.max(this.pingAt, now - TICK_MS) : now
      this.pingAt = now + pingIntervalMs
      if (this.unansweredSince === NONE) this.unansweredSince = since
      this.ping()
    } else if (this.mayConfirm) this.ping() // however long the answer takes
    this.wait()
  }

  private ping(): void {
    const { wire } = this.link
    if (this.pongsDue === 0) {
      this.isConfirmationDue = false
      if (wire.hasPongs) this.confirm = this.link.confirmation()
    }
    if (wire.hasPongs) this.pongsDue++
    wire.ping()
  }
}
