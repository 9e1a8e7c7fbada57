/**
 * The nodes that are there, as the registry last said. Clients choose which ids they show, so what they make up must not
 * become a question to the registry each: all that come within a moment share one.
 */

import type { NodeAddress, NodeRegistry } from '../../../core/ports/node-registry.ts'
import type { Clock } from '../../../core/ports/system.ts'

/** Between two questions. */
const ASK_EVERY_MS = 250
/** An older list is asked for again, while its addresses are still used. */
const LIST_FRESH_MS = 5_000
/** A registry that lost what it had has a list without nodes that are there, until they join again. */
const FORGOTTEN_AFTER_MS = 60_000
/** The registry may be away; who waits for it is then refused. */
const GIVE_UP_MS = 2_000

export class NodeDirectory {
  private readonly registry: NodeRegistry
  private readonly clock: Clock
  private readonly nodes = new Map<string, { readonly url: string; readonly seenAt: number }>()
  private turn = 0
  private askedAt = Number.NEGATIVE_INFINITY
  /** The question that has not been asked yet. */
  private next: Promise<void> | undefined
  private asking: Promise<void> = Promise.resolve()

  constructor(registry: NodeRegistry, clock: Clock) {
    this.registry = registry
    this.clock = clock
  }

  /**
   * An address stays good however old the list is: at worst nothing listens there any more, or a node that does not know
   * the id. A node joins before it gives out an id, so an unknown one is not there once the registry was asked again.
   */
  async urlOf(tag: string): Promise<string | undefined> {
    const known = this.nodes.get(tag)?.url
    const isFresh = this.clock.monotonic() - this.askedAt < LIST_FRESH_MS
    if (known !== undefined && isFresh) return known
    this.next ??= this.ask()
    if (known !== undefined) return known
    await Promise.race([this.next, this.pause(GIVE_UP_MS)])
    return this.nodes.get(tag)?.url
  }

  /** One of the nodes besides this one, another one each time. */
  async otherThan(tag: string): Promise<string | undefined> {
    if (this.clock.monotonic() - this.askedAt >= LIST_FRESH_MS) {
      this.next ??= this.ask()
      await Promise.race([this.next, this.pause(GIVE_UP_MS)])
    }
    const others = [...this.nodes.keys()].filter((each) => each !== tag)
    return others[this.turn++ % others.length]
  }

  private async ask(): Promise<void> {
    await Promise.all([this.asking, this.pause(this.askedAt + ASK_EVERY_MS - this.clock.monotonic())])
    this.next = undefined
    this.askedAt = this.clock.monotonic()
    this.asking = this.registry.list().then(
      (nodes) => this.take(nodes, this.askedAt),
      () => undefined, // what is known stays: nodes go on while the registry is away
    )
    await this.asking
  }

  private take(nodes: readonly NodeAddress[], now: number): void {
    for (const { tag, url } of nodes) this.nodes.set(tag, { url, seenAt: now })
    for (const [tag, { seenAt }] of this.nodes) if (now - seenAt >= FORGOTTEN_AFTER_MS) this.nodes.delete(tag)
  }

  private pause(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve()
    return new Promise((resolve) => this.clock.after(ms, resolve))
  }
}
