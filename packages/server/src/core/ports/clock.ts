/** Time, so that tests and the simulator can choose it. The core never reads a clock of its own. */
export interface Clock {
  /** Milliseconds since 1970. May jump. */
  now(): number
  /** Milliseconds that never go back; only differences mean something. */
  monotonic(): number
  /**
   * Calls `fn` once after `ms`.
   * @param mustCome the process stays for it; without it, it does not
   * @returns what cancels it
   */
  after(ms: number, fn: () => void, mustCome?: boolean): () => void
  /** Calls `fn` once when what arrived in this event-loop turn has been read: one flush for many links. */
  turnEnd(fn: () => void): void
}
