/** Which node runs what must run once, where several share a log. A server that runs alone has no such port. */

export interface LeadLeases {
  /** How long a lease is, at least, from the moment at which it was asked for. */
  readonly leaseMs: number
  /**
   * Renews the leases that this node has, and takes those that are free. Once a lease is taken, the log stores nothing more
   * that a holder of before publishes, in any namespace that is open here.
   * @returns in the order of the names
   * @throws (rejects) when that cannot be said now
   */
  take(wanted: readonly WantedLead[]): Promise<Held[]>
  /** Others may take it at once. */
  release(name: string, fence: number): Promise<void>
}

export interface WantedLead {
  readonly name: string
  /** What this node has it by; nothing when it has not. */
  readonly fence: number | undefined
}

export interface Held {
  /** Of this node; nothing when it does not lead. Each holder's is higher than those of before. */
  readonly fence: number | undefined
  /** The node that leads; nothing when none does. */
  readonly holder: string | undefined
}

/** Goes with what a lead publishes, and keeps it out of the log once a later lead has begun. */
export interface LeadMark {
  readonly name: string
  readonly fence: number
}
