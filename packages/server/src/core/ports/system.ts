/** What the core takes from the machine: time, randomness, counts over time. Tests and the simulator bring their own. */

/** Time. The core never reads a clock of its own. */
export interface Clock {
  /** Milliseconds since 1970. May jump. */
  now(): number
  /** Milliseconds that never go back; only differences mean something. */
  monotonic(): number
  /** How exact the timers of connections are, in ms. Default 50. */
  readonly tickMs?: number
  /**
   * Calls `fn` once after `ms`.
   * @param mustCome the process stays for it; without it, it does not
   * @returns what cancels it
   */
  after(ms: number, fn: () => void, mustCome?: boolean): () => void
  /** Calls `fn` once when what arrived in this event-loop turn has been read: one flush for many links. */
  turnEnd(fn: () => void): void
}

/** Randomness. */
export interface Random {
  /** A number from 0 (included) to 1 (excluded); not for secrets. */
  fraction(): number
  /** `length` characters of `a-z0-9`, unguessable: ids and tokens. */
  id(length: number): string
}

/** Counts in a sliding window what is done on this node. What all nodes count together is the broker's. B34. */
export interface Limiter {
  /**
   * Takes one of `limit` per `windowMs`. A refusal takes nothing, so it does not extend the wait.
   * @returns 0 when taken, else how many ms until one is free
   */
  take(key: string, limit: number, windowMs: number): number
  /** Gives the latest one back: what it was taken for turned out to be a repeat, or was refused. */
  giveBack(key: string): void
}
