/** The simulator with what rooms have beside their events. `npm run simulate -- --with facts` runs as many seeds as you like. */
import { type Application, describeFailure, FACTS, STREAMS, simulate } from '@roomful/testkit/simulator'
import { describe, expect, it } from 'vitest'

const CHUNKS = 4
const SEEDS_PER_CHUNK = 20

async function expectWell(application: Application, from: number): Promise<void> {
  for (let seed = from; seed < from + SEEDS_PER_CHUNK; seed++) {
    const run = await simulate({ ...application, seed })
    if (run.violations.length > 0) throw new Error(describeFailure(run))
    expect(run.facts).toBeGreaterThan(50)
  }
}

const FROM = Array.from({ length: CHUNKS }, (_, chunk) => 1 + chunk * SEEDS_PER_CHUNK)

describe('[D14] [D18] [R2] the state of a room, presence data, read positions and flows are as the log has them', () => {
  it.each(FROM)('in the runs from seed %i on', { timeout: 60_000 }, (from) => expectWell(FACTS, from))
})

describe('[D17] [R2] a message in pieces is a prefix while it grows, and whole in the end', () => {
  it.each(FROM)('in the runs from seed %i on', { timeout: 60_000 }, (from) => expectWell(STREAMS, from))
})
