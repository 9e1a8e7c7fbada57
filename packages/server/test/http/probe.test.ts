/** A WebSocket that offers to take over and does not get to it: given up in time, and the polls go on. C9. */
import { VirtualClock } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { Probe } from '../../src/adapters/transports/probe.ts'
import type { WebSocketWire } from '../../src/adapters/transports/websocket/wire.ts'
import { TimerWheel } from '../../src/core/base/timer-wheel.ts'

function begin() {
  const clock = new VirtualClock()
  const timers = new TimerWheel(clock)
  const told: string[] = []
  const wire = {
    write: () => told.push('answered'),
    close: () => told.push('closed'),
  } as unknown as WebSocketWire
  const probe = new Probe(
    timers,
    wire,
    { ask: '2probe', answer: new Uint8Array(), takeOver: '5' },
    {
      onProbed: () => told.push('probed'),
      onUpgraded: () => told.push('upgraded'),
      onGivenUp: () => told.push('given up'),
    },
  )
  return { clock, timers, told, probe }
}

describe('[R4] [C9] an upgrade', () => {
  it.each([
    ['never begins', [], ['closed', 'given up']],
    ['never ends', ['2probe'], ['answered', 'probed', 'closed', 'given up']],
  ])('that %s is given up after 10 s', async (_name, says, expected) => {
    const { clock, timers, told, probe } = begin()
    for (const each of says) probe.receive(each)
    await clock.advance(9_900)
    expect(told).not.toContain('given up')
    await clock.advance(200)
    expect(told).toEqual(expected)
    expect(timers.size).toBe(0)
    probe.receive('5')
    expect(told).toEqual(expected)
  })

  it('that ends in time leaves nothing that waits', async () => {
    const { clock, timers, told, probe } = begin()
    probe.receive('2probe')
    probe.receive('5')
    expect([told.at(-1), timers.size]).toEqual(['upgraded', 0])
    await clock.advance(20_000)
    expect(told.at(-1)).toBe('upgraded')
  })
})
