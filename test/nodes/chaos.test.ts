/** A short run of `npm run chaos -- --nodes 2`: see test/chaos. */
import { expect, it } from 'vitest'
import { runRounds } from '../chaos/nodes/rounds.ts'

it('[R1] [D2] [D3] [D9] [D15] [A2.4] [G7] through a rolling restart, kill -9 of a node and of Redis, and a failover to a copy that is behind, clients of every kind behind nginx lose nothing without a word, and no user flickers', {
  timeout: 180_000,
}, async () => {
  const faults = ['rolling', 'kill', 'redis-kill', 'promote-behind'] as const
  const { violations, story, acknowledged, stored, losses } = await runRounds({ nodes: 2, faults, seed: 1, calm: 5 })
  if (violations.length > 0) throw new Error(`${story}\n${violations.join('\n')}`)
  expect(acknowledged).toBeGreaterThan(100)
  expect(stored).toBeGreaterThan(100)
  expect(losses).toBe(1)
})
