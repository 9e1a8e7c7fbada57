/**
 * What the simulator with several nodes is worth: it finds each of these faults, most within the first few seeds, the others
 * from the seed on that is named with them. With ROOMFUL_SEARCH_FAULTS all are searched from the first of a thousand.
 * `npm run simulate -- --nodes 2 --plant NAME` looks for one by hand.
 */
import { simulate } from '@roomful/testkit/simulator'
import { describe, expect, it } from 'vitest'
import { NODE_FAULTS, nodesOf } from './support/node-faults.ts'

const isSearch = Boolean(process.env.ROOMFUL_SEARCH_FAULTS)
const SEEDS_MAX = isSearch ? 1_000 : 100
const FAULTS = NODE_FAULTS.filter(({ isRare }) => isSearch || !isRare)

describe('[R2] a fault planted between nodes is found:', () => {
  it.each(FAULTS)('$name', { timeout: isSearch ? 3_600_000 : 120_000 }, async ({ plant, foundAt = 1 }) => {
    const first = isSearch ? 1 : foundAt
    const mend = plant()
    let found: string | undefined
    try {
      for (let seed = first; seed < first + SEEDS_MAX && found === undefined; seed++) {
        found = (await simulate({ seed, nodes: nodesOf(seed) })).violations[0]
      }
    } finally {
      mend()
    }
    expect(found).toBeDefined()
  })
})
