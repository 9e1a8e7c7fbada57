/**
 * The heartbeat of one link: it is pinged on time whatever else is going on, and cut when a ping has been without an
 * answer for too long. An answer may take longer than the time between two pings.
 */
import type { Link } from './link.ts'
import type { Timer } from './timer-wheel.ts'

export class Heartbeat {
  private readonly link: Link
  private lastSignOfLife: number
  /** When the next ping is due. */
  private pingAt = 0
  /** When the first ping went out that nothing has answered yet. */
  private unansweredSince = Number.POSITIVE_INFINITY
  private timer: Timer | undefined

  constructor(link: Link) {
    this.link = link
    this.lastSignOfLife = link.hub.clock.monotonic()
  }

  /** Each link in its own phase, so that pings never come in a crowd. */
  start(): void {
    const { hub, dialect } = this.link
    const { pingIntervalMs } = this.form
    if (pingIntervalMs === 0) return
    // A client that is told the heartbeat counts from the opening, so its first ping comes early.
    const phase = dialect.heartbeat ? 0.25 + hub.random.fraction() / 4 : 0.5 + hub.random.fraction() / 2
    this.pingAt = hub.clock.monotonic() + pingIntervalMs * phase
    this.wait()
  }

  /** Anything came from the peer, or went to it. */
  alive(): void {
    this.lastSignOfLife = this.link.hub.clock.monotonic()
  }

  stop(): void {
    this.link.hub.timers.cancel(this.timer)
  }

  private get form(): { readonly pingIntervalMs: number; readonly pongTimeoutMs: number } {
    return this.link.dialect.heartbeat ?? this.link.hub.settings
  }

  private wait(): void {
    const { clock, timers } = this.link.hub
    const dueAt = Math.min(this.pingAt, this.unansweredSince + this.form.pongTimeoutMs)
    this.timer = timers.add(dueAt - clock.monotonic(), () => this.beat())
  }

  private beat(): void {
    const { pingIntervalMs, pongTimeoutMs } = this.form
    const now = this.link.hub.clock.monotonic()
    if (this.lastSignOfLife >= this.unansweredSince) this.unansweredSince = Number.POSITIVE_INFINITY
    if (now >= this.unansweredSince + pongTimeoutMs) return this.link.terminate('heartbeat timeout')
    if (now >= this.pingAt) {
      this.link.wire.ping()
      this.pingAt = now + pingIntervalMs
      this.unansweredSince = Math.min(this.unansweredSince, now)
    }
    this.wait()
  }
}
