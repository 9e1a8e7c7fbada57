/**
 * A Prometheus counter that costs an addition when something happens, and everything else when it is read: labels are
 * hashed by prom-client at a scrape, not at each of some hundred thousand facts a second.
 */
import { Counter, type Registry } from 'prom-client'

export class Tally {
  private readonly counts = new Map<string, number>()

  /** @param label the one label that it has, whose values must be few */
  constructor(registry: Registry, name: string, help: string, label?: string) {
    const { counts } = this
    if (label === undefined) counts.set('', 0)
    new Counter({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        this.reset()
        for (const [value, count] of counts) {
          if (label === undefined) this.inc(count)
          else this.inc({ [label]: value }, count)
        }
      },
    })
  }

  add(count = 1, value = ''): void {
    this.counts.set(value, (this.counts.get(value) ?? 0) + count)
  }
}
