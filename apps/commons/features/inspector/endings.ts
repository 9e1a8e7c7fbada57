/** The connections that ended lately, so that one can be asked about that is gone. */
import type { Fact, Observer } from '@roomful/server'
import type { EndedConnection } from './contract.ts'

const KEPT = 100

export class Endings implements Observer {
  private readonly now: () => number
  private readonly ended: EndedConnection[] = []

  /** @param now milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.now = now
  }

  /** The latest first. */
  list(): EndedConnection[] {
    return this.ended.toReversed()
  }

  observe(fact: Fact): void {
    if (fact.type !== 'connection:closed') return
    const { id, namespace, user, ip, userAgent } = fact.connection
    const { sub: userId, name, role } = user
    const ended = { connectionId: id, namespace: namespace.name, userId, name, role, ip, userAgent }
    this.ended.push({ ...ended, endedAt: this.now(), reason: fact.reason })
    if (this.ended.length > KEPT) this.ended.shift()
  }
}

/** Each once, the latest first. A connection that was resumed has ended more than once. */
export function latestOf(ended: readonly EndedConnection[]): EndedConnection[] {
  const all = new Map(ended.map((each) => [`${each.connectionId} ${each.endedAt}`, each]))
  return [...all.values()].sort((a, b) => b.endedAt - a.endedAt).slice(0, KEPT)
}
