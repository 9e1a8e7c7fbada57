/**
 * What the simulator with several nodes is worth: it finds each of these faults within a hundred seeds.
 * `npm run simulate -- --nodes 2 --plant NAME` looks for one by hand.
 */
import { simulate } from '@roomful/testkit/simulator'
import { describe, expect, it } from 'vitest'
import { NODE_FAULTS } from './support/node-faults.ts'

const SEEDS_MAX = 100

describe('[R2] a fault planted between nodes is found:', () => {
  it.each(NODE_FAULTS)('$name', { timeout: 120_000 }, async ({ plant }) => {
    const mend = plant()
    let found: string | undefined
    try {
      for (let seed = 1; seed <= SEEDS_MAX && found === undefined; seed++) {
        found = (await simulate({ seed, nodes: 2 + (seed % 2) })).violations[0]
      }
    } finally {
      mend()
    }
    expect(found).toBeDefined()
  })
})
