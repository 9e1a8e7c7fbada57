/** What nodes that share a log share of guests, who have no account. With one node there is no such port. */

export interface SharedGuests {
  /**
   * Gives a guest the first of these names that no other guest of the namespace has on any node; one that the guest has
   * already is free. It is this node's from then on, until it is released, or the node ends.
   * @param sub id of the guest @param keys names as they are compared
   * @returns the index of the name; nothing when all are in use
   * @throws (rejects) RoomfulError UNAVAILABLE
   */
  take(namespace: string, sub: string, keys: readonly string[]): Promise<number | undefined>
  /** Soon, also when the broker cannot do it now; nothing happens to a name that another node took over. */
  release(namespace: string, sub: string, keys: readonly string[]): void
  /** Keeps a guest who polls, for a poll that comes to another node. @param key by which the next poll is recognised */
  keepPoller(namespace: string, key: string, poller: Poller, ms: number): void
  /** The guest who was kept longest under this key, who is kept no more. @throws (rejects) RoomfulError UNAVAILABLE */
  takePoller(namespace: string, key: string): Promise<Poller | undefined>
  /** The next poll came to this node. */
  dropPoller(namespace: string, key: string, poller: Poller): void
}

export interface Poller {
  readonly sub: string
  readonly name: string
}
