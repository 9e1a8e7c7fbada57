/** Measures this process: what it used of the processor and of memory, how late it was, and how busy, since the last time. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Stats } from './contract.ts'
import type { Counts, FactCounter } from './fact-counter.ts'

const RESOLUTION_MS = 20

export class Sampler {
  private readonly tally: FactCounter
  private readonly lag: ReturnType<typeof monitorEventLoopDelay>
  private before: { at: number; cpu: NodeJS.CpuUsage; counts: Counts }

  /** @param now milliseconds since 1970 */
  constructor(tally: FactCounter, now: number) {
    this.tally = tally
    this.lag = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.lag.enable()
    this.before = { at: now, cpu: process.cpuUsage(), counts: { ...tally.counts } }
  }

  take(now: number, present: Pick<Stats, 'links' | 'connections' | 'users' | 'rooms'>): Stats {
    const { at, cpu, counts } = this.before
    const seconds = Math.max(0.001, (now - at) / 1_000)
    const used = process.cpuUsage(cpu)
    const { rss, heapUsed } = process.memoryUsage()
    const rate = (name: keyof Counts): number => (this.tally.counts[name] - counts[name]) / seconds
    // The histogram counts from its own timer's interval, which is no lateness.
    const lagMs = Math.max(0, this.lag.percentile(99) / 1e6 - RESOLUTION_MS)
    this.lag.reset()
    this.before = { at: now, cpu: process.cpuUsage(), counts: { ...this.tally.counts } }
    return {
      at: now,
      cpu: (used.user + used.system) / 1e6 / seconds,
      memory: { rssBytes: rss, heapUsedBytes: heapUsed },
      lagMs: Number.isFinite(lagMs) ? lagMs : 0,
      ...present,
      rates: {
        requests: rate('requests'),
        refused: rate('refused'),
        stored: rate('stored'),
        deliveries: rate('deliveries'),
      },
    }
  }

  close(): void {
    this.lag.disable()
  }
}
