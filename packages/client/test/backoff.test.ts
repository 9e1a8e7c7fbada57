/** The wait before a reconnect: bounds that hold for every number of failures and every draw. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backoffMs } from '../src/backoff.ts'

const failures = fc.nat({ max: 10_000 })
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

it('[C18] waits up to 1 s, doubling to 30 s, all of it left to chance', () => {
  fc.assert(
    fc.property(failures, chance, (failed, draw) => {
      const ceiling = Math.min(30_000, 1_000 * 2 ** failed)
      const wait = backoffMs(failed, draw)
      expect(wait).toBeGreaterThanOrEqual(0)
      expect(wait).toBeLessThanOrEqual(ceiling)
      expect(wait).toBe(Math.round(ceiling * (1 - draw)))
    }),
  )
})

it('[C2] without jitter the wait is exactly 1000 · 2ⁿ, capped at 30 s', () => {
  const waits = [0, 1, 2, 3, 4, 5, 6].map((n) => backoffMs(n, 0.9, { baseMs: 1_000, maxMs: 30_000, jitter: 0 }))
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

it('with half the jitter, half the wait is certain', () => {
  fc.assert(
    fc.property(failures, chance, (failed, draw) => {
      const ceiling = Math.min(8_000, 500 * 2 ** failed)
      expect(backoffMs(failed, draw, { baseMs: 500, maxMs: 8_000, jitter: 0.5 })).toBeGreaterThanOrEqual(ceiling / 2)
    }),
  )
})
