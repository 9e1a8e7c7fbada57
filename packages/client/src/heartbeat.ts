/**
 * Notices that a link is dead although nobody said so. The server's pings are invisible to a browser's WebSocket, so a
 * link on which nothing arrives is asked, and given up when even that brings nothing.
 */
import type { Clock } from './environment.ts'

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly sendPing: () => void
  readonly onDead: () => void
}

/** As told in `welcome`. */
export interface HeartbeatTimes {
  readonly pingIntervalMs: number
  readonly pongTimeoutMs: number
}

/** Until the server's welcome says otherwise. */
const DEFAULT_INTERVAL_MS = 30_000
const DEFAULT_TIMEOUT_MS = 5_000

export class Heartbeat {
  readonly #options: HeartbeatOptions
  #intervalMs = DEFAULT_INTERVAL_MS
  #timeoutMs = DEFAULT_TIMEOUT_MS
  #heardAtMs = 0
  #cancel: (() => void) | undefined
  #isProbing = false

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  /** What the server told. 0 leaves what was. */
  configure({ pingIntervalMs, pongTimeoutMs }: HeartbeatTimes): void {
    this.#intervalMs = pingIntervalMs || this.#intervalMs
    this.#timeoutMs = pongTimeoutMs || this.#timeoutMs
    if (this.#cancel && !this.#isProbing) this.#watch(this.#intervalMs)
  }

  start(): void {
    this.heard()
    this.#isProbing = false
    this.#watch(this.#intervalMs)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#isProbing = false
  }

  /** Something arrived. Costs no timer: the next look at the clock takes it into account. */
  heard(): void {
    this.#heardAtMs = this.#options.clock.monotonic()
  }

  /** Asks now, whatever the time: the network changed, or the page was asleep. */
  probe(): void {
    if (!this.#cancel || this.#isProbing) return
    this.#isProbing = true
    const askedAtMs = this.#options.clock.monotonic()
    this.#options.sendPing()
    this.#rearm(this.#timeoutMs, () => {
      this.#isProbing = false
      if (this.#heardAtMs < askedAtMs) return this.#options.onDead()
      this.#watch(this.#intervalMs - (this.#options.clock.monotonic() - this.#heardAtMs))
    })
  }

  #watch(delayMs: number): void {
    this.#rearm(Math.max(0, delayMs), () => {
      const idleMs = this.#options.clock.monotonic() - this.#heardAtMs
      if (idleMs >= this.#intervalMs) this.probe()
      else this.#watch(this.#intervalMs - idleMs)
    })
  }

  #rearm(delayMs: number, fn: () => void): void {
    this.#cancel?.()
    this.#cancel = this.#options.clock.after(delayMs, fn)
  }
}
