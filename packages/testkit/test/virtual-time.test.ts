import { SeededRandom, VirtualClock } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'

describe('VirtualClock', () => {
  it('runs timers in the order in which they fall due, equal ones in the order set', async () => {
    const clock = new VirtualClock(1000)
    const ran: string[] = []
    clock.after(20, () => ran.push(`c@${clock.now()}`))
    clock.after(10, () => ran.push(`a@${clock.now()}`))
    clock.after(10, () => ran.push(`b@${clock.now()}`))
    clock.after(10, () => ran.push('never'))()
    await clock.advance(15)
    expect(ran).toEqual(['a@1010', 'b@1010'])
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(5)
    expect(ran).toEqual(['a@1010', 'b@1010', 'c@1020'])
    expect(clock.monotonic()).toBe(20)
  })

  it('lets promises and turn ends go as far as they can before the next timer', async () => {
    const clock = new VirtualClock()
    const ran: string[] = []
    clock.after(1, () => {
      clock.turnEnd(() => ran.push('turn end'))
      void Promise.resolve()
        .then(() => undefined)
        .then(() => ran.push('microtask'))
    })
    clock.after(2, () => ran.push('second timer'))
    await clock.advance(2)
    expect(ran).toEqual(['microtask', 'turn end', 'second timer'])
  })

  it('moves to whatever a promise waits for, and says when nothing can settle it', async () => {
    const clock = new VirtualClock()
    const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
    await clock.until(sleep(100).then(() => sleep(200)))
    expect(clock.monotonic()).toBe(300)
    await expect(clock.until(new Promise(() => undefined))).rejects.toThrow('Not settled')
  })

  it('keeps timers where they are when the wall clock jumps', async () => {
    const clock = new VirtualClock(5000)
    clock.jump(-1000)
    expect([clock.now(), clock.monotonic()]).toEqual([4000, 0])
  })
})

describe('SeededRandom', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number | string) =>
      Array.from(
        { length: 5 },
        (
          (random) => () =>
            random.fraction()
        )(new SeededRandom(seed)),
      )
    expect(draw(7)).toEqual(draw(7))
    expect(draw('a')).not.toEqual(draw('b'))
    expect(draw(7).every((value) => value >= 0 && value < 1)).toBe(true)
  })

  it('spreads evenly and keeps forks apart', () => {
    const random = new SeededRandom(1)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 10_000; i++) {
      const drawn = random.integer(10)
      counts[drawn] = (counts[drawn] ?? 0) + 1
    }
    expect(Math.min(...counts)).toBeGreaterThan(850)
    expect(random.id(20)).toMatch(/^[a-z0-9]{20}$/)
    expect(random.fork('x').id(8)).not.toBe(random.fork('x').id(8))
  })
})
