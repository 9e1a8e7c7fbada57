/** Counts what the server observes, for rates. */
import type { Fact, Observer } from '@roomful/server'

export interface Counts {
  requests: number
  refused: number
  stored: number
  deliveries: number
  /** Opened less closed: as `/health` and `/metrics` have it. */
  links: number
}

export class FactCounter implements Observer {
  readonly counts: Counts = { requests: 0, refused: 0, stored: 0, deliveries: 0, links: 0 }

  observe(fact: Fact): void {
    if (fact.type === 'request') {
      this.counts.requests++
      if (!fact.ok) this.counts.refused++
    } else if (fact.type === 'commit') this.counts.stored += fact.appended
    else if (fact.type === 'fan-out') this.counts.deliveries += fact.deliveries
    else if (fact.type === 'link:opened') this.counts.links++
    else if (fact.type === 'link:closed') this.counts.links--
  }
}
