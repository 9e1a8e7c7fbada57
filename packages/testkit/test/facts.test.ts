/** The simulator with what rooms have beside their events. `npm run simulate -- --with facts` runs as many seeds as you like. */
import { describeFailure, FACTS, simulate } from '@roomful/testkit/simulator'
import { describe, expect, it } from 'vitest'

const CHUNKS = 5
const SEEDS_PER_CHUNK = 20

describe('[D14] [D18] [R2] the state of a room, presence data, read positions and flows are as the log has them', () => {
  it.each(Array.from({ length: CHUNKS }, (_, chunk) => 1 + chunk * SEEDS_PER_CHUNK))(
    'in the runs from seed %i on',
    { timeout: 60_000 },
    async (from) => {
      for (let seed = from; seed < from + SEEDS_PER_CHUNK; seed++) {
        const run = await simulate({ ...FACTS, seed })
        if (run.violations.length > 0) throw new Error(describeFailure(run))
        expect(run.facts).toBeGreaterThan(50)
      }
    },
  )
})
