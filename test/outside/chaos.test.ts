/** A short chaos run; `npm run chaos` does five rounds of each fault. See test/chaos. */
import { expect, it } from 'vitest'
import { runChaos } from '../chaos/chaos.ts'
import { FAULTS } from '../chaos/faults.ts'

it('[R1] [D2] [D3] through kill -9, SIGTERM, resets, a black hole and a slow line clients of every kind lose nothing, hear nothing twice, and agree on the order', {
  timeout: 120_000,
}, async () => {
  const options = { faults: FAULTS, rounds: 1, calm: 40, perKind: 1 }
  const { violations, story, acknowledged, stored, gaps } = await runChaos(options)
  if (violations.length > 0) throw new Error(`${violations.join('\n')}\n${story}`)
  expect(acknowledged).toBeGreaterThan(200)
  expect(stored).toBe(acknowledged)
  expect(gaps).toBe(0)
})
