/** The simulator with several nodes on one simulated Redis. `npm run simulate -- --nodes 2` runs as many seeds as you like. */
import { describeFailure, simulate } from '@roomful/testkit/simulator'
import { describe, expect, it } from 'vitest'

const SEEDS = 12

describe('[C20] [G1] [G2] [G3] [G6] nothing lost, nothing twice, one order, whatever happens', () => {
  it.each([2, 3, 4])('to %i nodes and their Redis', { timeout: 60_000 }, async (nodes) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = await simulate({ seed, nodes })
      if (run.violations.length > 0) throw new Error(describeFailure(run))
      expect(run.facts).toBeGreaterThan(50)
    }
  })

  it('is the same run for the same seed', async () => {
    const story = async (): Promise<string> => (await simulate({ seed: 3, nodes: 2 })).story()
    expect(await story()).toBe(await story())
  })
})
