/**
 * How full Redis is. Near its bound the oldest events go, a slice at a time, so that there is room for new ones; at the bound
 * Redis refuses what needs memory, and everything else goes on.
 */
import type { RedisNamespace } from './namespace.ts'

/** Of `maxmemory`. */
const FULL = 0.8
const SLICE_ROWS = 200
const SLICES_MAX = 100

const NOTICE =
  'Redis uses more than 80 % of its maxmemory: the oldest events are removed to make room. Give it more memory, or keep less (ROOMFUL_RETENTION, ROOMFUL_RETENTION_DAYS).'
const NOTHING_LEFT =
  'Redis uses more than 80 % of its maxmemory, and Roomful has no events left to remove there. Something else needs the memory; at 100 % new messages are refused.'

export class MemoryBound {
  private readonly report: (message: string, isRisky: boolean) => void
  private readonly onTrimmed: (events: number) => void
  private said = ''

  constructor(report: (message: string, isRisky: boolean) => void, onTrimmed: (events: number) => void) {
    this.report = report
    this.onTrimmed = onTrimmed
  }

  /** @throws (rejects) what Redis answers, and where it does not say how full it is */
  async tend(namespace: RedisNamespace): Promise<void> {
    let trimmed = 0
    for (let slice = 0; slice < SLICES_MAX && (await isFull(namespace)); slice++) {
      const went = await namespace.trimOldest(SLICE_ROWS)
      trimmed += went
      this.say(trimmed > 0 ? NOTICE : NOTHING_LEFT)
      if (went === 0) break
    }
    if (trimmed > 0) this.onTrimmed(trimmed)
    else if (!(await isFull(namespace))) this.said = ''
  }

  /** Once, until it is over. */
  private say(sentence: string): void {
    if (this.said === sentence) return
    this.said = sentence
    this.report(sentence, true)
  }
}

async function isFull(namespace: RedisNamespace): Promise<boolean> {
  const info = await namespace.memory()
  const of = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  const max = of('maxmemory')
  return max > 0 && of('used_memory') > FULL * max
}
