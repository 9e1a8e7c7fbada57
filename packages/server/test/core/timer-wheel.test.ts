import type { Clock } from '@roomful/server/ports'
import { VirtualClock } from '@roomful/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TimerWheel } from '../../src/core/base/timer-wheel.ts'

const TICK_MS = 50

function clocked(clock: VirtualClock): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, fn) => clock.after(ms, fn),
    turnEnd: (fn) => clock.turnEnd(fn),
  }
}

describe('TimerWheel', () => {
  it('calls once, never early and at most a tick late', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(5_000), { minLength: 1, maxLength: 30 }),
        fc.nat(200),
        async (delays, startMs) => {
          const clock = new VirtualClock()
          await clock.advance(startMs)
          const wheel = new TimerWheel(clock, TICK_MS)
          const late: number[] = []
          for (const delay of delays) {
            const due = clock.monotonic() + delay
            wheel.add(delay, () => late.push(clock.monotonic() - due))
          }
          await clock.advance(5_000 + 2 * TICK_MS)
          expect(late).toHaveLength(delays.length)
          expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
          expect(Math.max(...late)).toBeLessThanOrEqual(2 * TICK_MS)
          expect([wheel.size, clock.pendingTimers]).toEqual([0, 0])
        },
      ),
      { numRuns: 50 },
    )
  })

  it('lets what waits in sockets be read first when the process was suspended', async () => {
    const clock = new VirtualClock()
    let suspendedMs = 0
    const late = { ...clocked(clock), monotonic: () => clock.monotonic() + suspendedMs }
    const wheel = new TimerWheel(late)
    const heard: string[] = []
    const deadline = wheel.add(5_000, () => heard.push('deadline'))
    wheel.add(5_000, () => heard.push('another'))
    await clock.advance(100)
    suspendedMs = 12_000
    clock.after(0, () =>
      clock.turnEnd(() => {
        heard.push('message')
        wheel.cancel(deadline)
      }),
    )
    await clock.advance(2 * TICK_MS)
    expect(heard).toEqual(['message', 'another'])
    expect([wheel.size, clock.pendingTimers]).toEqual([0, 0])
  })

  it('stops while it waits for that', async () => {
    const clock = new VirtualClock()
    let suspendedMs = 0
    const turnEnd = (fn: () => void) => {
      wheel.close()
      clock.turnEnd(fn)
    }
    const wheel = new TimerWheel({ ...clocked(clock), turnEnd, monotonic: () => clock.monotonic() + suspendedMs })
    const heard: string[] = []
    wheel.add(5_000, () => heard.push('deadline'))
    suspendedMs = 12_000
    await clock.advance(10_000)
    expect(heard).toEqual([])
  })

  it('forgets what is cancelled at once, in its slot or out of it, and twice is harmless', async () => {
    const clock = new VirtualClock()
    const wheel = new TimerWheel(clock)
    const ran: string[] = []
    const first = wheel.add(100, () => {
      ran.push('first')
      wheel.cancel(second)
    })
    const second = wheel.add(100, () => ran.push('second'))
    const third = wheel.add(200, () => ran.push('third'))
    wheel.cancel(third)
    wheel.cancel(third)
    wheel.cancel(undefined)
    expect(wheel.size).toBe(2)
    await clock.advance(1_000)
    wheel.cancel(first)
    expect(ran).toEqual(['first'])
    expect([wheel.size, clock.pendingTimers]).toEqual([0, 0])
  })

  it('ticks only while something waits, also after a long rest', async () => {
    const clock = new VirtualClock()
    const wheel = new TimerWheel(clock)
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(10 * 3_600_000)
    let calledAt = 0
    const setAt = clock.monotonic()
    wheel.add(30_000, () => {
      calledAt = clock.monotonic()
    })
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(60_000)
    expect(calledAt - setAt).toBeGreaterThanOrEqual(30_000)
    expect(calledAt - setAt).toBeLessThanOrEqual(30_000 + 2 * TICK_MS)
    expect(clock.pendingTimers).toBe(0)
  })

  it('takes a timer that a timer sets, for now and for later', async () => {
    const clock = new VirtualClock()
    const wheel = new TimerWheel(clock)
    const ran: number[] = []
    const again = (): void => {
      ran.push(clock.monotonic())
      if (ran.length < 5) wheel.add(0, again)
    }
    wheel.add(-5, again)
    await clock.advance(1_000)
    expect(ran).toHaveLength(5)
    expect(new Set(ran).size).toBe(5)
  })

  it('lets go of everything when closed', async () => {
    const clock = new VirtualClock()
    const wheel = new TimerWheel(clock)
    wheel.add(10, () => expect.unreachable())
    wheel.close()
    wheel.cancel(wheel.add(10, () => expect.unreachable())) // what failed meanwhile is to be tried again
    await clock.advance(1_000)
    expect([wheel.size, clock.pendingTimers]).toEqual([0, 0])
  })
})
