/** Counts what one user does over all connections (and, on a cluster, over all nodes) in a sliding window. B34. */
export interface Limiter {
  /**
   * Takes one of `limit` per `windowMs`. A refusal takes nothing, so it does not extend the wait.
   * @returns 0 when taken, else how many ms until one is free
   */
  take(key: string, limit: number, windowMs: number): number
  /** Gives the latest one back: what it was taken for turned out to be a repeat, or was refused. */
  giveBack(key: string): void
}
