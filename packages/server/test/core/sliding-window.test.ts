import { SeededRandom, VirtualClock } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { SlidingWindowLimiter } from '../../src/core/base/sliding-window.ts'

describe('[B34] SlidingWindowLimiter', () => {
  it('lets as many pass as the limit says in any window, and tells exactly how long to wait', async () => {
    const clock = new VirtualClock()
    const limiter = new SlidingWindowLimiter(clock)
    const taken: number[] = []
    for (let i = 0; i < 30; i++) {
      taken.push(limiter.take('alice', 30, 60_000))
      await clock.advance(1_000)
    }
    expect(taken).toEqual(new Array(30).fill(0))
    expect(limiter.take('alice', 30, 60_000)).toBe(30_000)
    expect(limiter.take('bob', 30, 60_000)).toBe(0)
    await clock.advance(29_999)
    expect(limiter.take('alice', 30, 60_000)).toBe(1)
    await clock.advance(1)
    expect([limiter.take('alice', 30, 60_000), limiter.take('alice', 30, 60_000)]).toEqual([0, 1_000])
  })

  it('a refusal takes nothing, so trying on does not extend the wait', async () => {
    const clock = new VirtualClock()
    const limiter = new SlidingWindowLimiter(clock)
    limiter.take('alice', 1, 1_000)
    for (let i = 0; i < 9; i++) {
      await clock.advance(100)
      expect(limiter.take('alice', 1, 1_000)).toBe(900 - i * 100)
    }
    await clock.advance(100)
    expect(limiter.take('alice', 1, 1_000)).toBe(0)
  })

  it('gives back the latest', () => {
    const limiter = new SlidingWindowLimiter(new VirtualClock())
    limiter.take('alice', 2, 1_000)
    limiter.take('alice', 2, 1_000)
    expect(limiter.take('alice', 2, 1_000)).toBe(1_000)
    limiter.giveBack('alice')
    expect(limiter.take('alice', 2, 1_000)).toBe(0)
    limiter.giveBack('nobody')
  })

  it('0 is off, and keeps nothing', () => {
    const limiter = new SlidingWindowLimiter(new VirtualClock())
    for (let i = 0; i < 100; i++) expect(limiter.take('alice', 0, 60_000)).toBe(0)
    expect(limiter.size).toBe(0)
  })

  it('forgets keys whose window has passed, and the idlest ones above its bound', async () => {
    const clock = new VirtualClock()
    const limiter = new SlidingWindowLimiter(clock, 100)
    for (let i = 0; i < 150; i++) limiter.take(`user${i}`, 1, 60_000)
    expect(limiter.size).toBe(100)
    expect(limiter.take('user149', 1, 60_000)).toBeGreaterThan(0)
    await clock.advance(60_000)
    limiter.take('late', 1, 60_000)
    expect(limiter.size).toBe(1)
  })

  it('agrees with counting by hand over random times and limits', async () => {
    const random = new SeededRandom('limiter')
    const clock = new VirtualClock()
    const limiter = new SlidingWindowLimiter(clock)
    const log: number[] = []
    for (let i = 0; i < 3_000; i++) {
      await clock.advance(random.integer(40))
      const now = clock.monotonic()
      const live = log.filter((moment) => moment + 1_000 > now)
      const expected = live.length < 100 ? 0 : (live.at(-100) as number) + 1_000 - now
      expect(limiter.take('alice', 100, 1_000)).toBe(expected)
      if (expected === 0) log.push(now)
    }
  })
})
