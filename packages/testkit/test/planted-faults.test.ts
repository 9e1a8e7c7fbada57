/**
 * What the simulator is worth: each of these faults, planted in a port or in a running part, it finds within a few seeds.
 * A fault that it no longer finds is a hole in what it checks, or the part that was broken has changed its shape.
 */
import { simulate } from '@roomful/testkit/simulator'
import { describe, expect, it } from 'vitest'
import { FACTS_FAULTS } from './support/facts-faults.ts'
import type { Fault } from './support/fault.ts'
import { SDK_FAULTS } from './support/sdk-faults.ts'
import { SERVER_FAULTS } from './support/server-faults.ts'
import { STORAGE_FAULTS } from './support/storage-faults.ts'
import { STREAMS_FAULTS } from './support/streams-faults.ts'

/** Most are found by the first few. */
const SEEDS_MAX = 250

/** @returns how many seeds it took, and what was wrong */
async function find({
  application,
  broker,
  server,
  sdk,
}: Fault): Promise<{ seeds: number; problem: string } | undefined> {
  const mend = sdk?.()
  try {
    for (let seed = 1; seed <= SEEDS_MAX; seed++) {
      const { violations } = await simulate({ ...application, seed, broker, onServer: server })
      if (violations[0] !== undefined) return { seeds: seed, problem: violations[0] }
    }
    return undefined
  } finally {
    mend?.()
  }
}

describe('[R2] a planted fault is found:', () => {
  it.each([...STORAGE_FAULTS, ...SERVER_FAULTS, ...SDK_FAULTS, ...FACTS_FAULTS, ...STREAMS_FAULTS])(
    '$name',
    { timeout: 60_000 },
    async (fault) => {
      const found = await find(fault)
      if (process.env.ROOMFUL_SHOW_FAULTS) console.log(`${found?.seeds} ${fault.name}: ${found?.problem}`)
      expect(found).toBeDefined()
    },
  )
})
