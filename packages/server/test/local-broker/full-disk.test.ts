/** A disk that takes nothing more: refusals, nothing half stored, and everything as before once there is room again. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Append } from '../../src/core/ports/broker.ts'
import { openOnSqlite } from './opening.ts'

const NS = '/'
const entry = (roomId: string, size: number, key?: string): Append => ({
  roomId,
  type: 't',
  argsJson: JSON.stringify(['x'.repeat(size)]),
  userId: 'ann',
  key: key === undefined ? undefined : { scope: 'ann', key, fingerprint: 'f' },
  unit: undefined,
})

describe('a full disk', () => {
  it('refuses the batch with UNAVAILABLE, stores nothing of it, and recovers', async () => {
    const { broker, clock, reopen, dispose } = await openOnSqlite({ dataMaxBytes: 1_000_000 })
    onTestFinished(dispose)
    await broker.open(NS)
    let stored = 0
    const fill = async () => {
      for (; stored < 100; stored++) await broker.append(NS, [entry('a', 50_000)])
    }
    await expect(fill()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(stored).toBeGreaterThan(15)
    expect(broker.healthy()).toBe(false)

    const batch = [entry('new', 10, 'k1'), entry('a', 50_000), entry('a', 50_000)]
    await expect(broker.append(NS, batch)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await broker.heads(NS, ['a', 'new'])).toMatchObject([{ roomId: 'a', seq: stored }])
    expect(await broker.findKey(NS, { scope: 'ann', key: 'k1', fingerprint: 'f' })).toBeUndefined()
    expect((await broker.history(NS, 'a', { limit: 1 })).events).toMatchObject([{ seq: stored }])

    await clock.advance(30_000) // the oldest go
    expect(broker.healthy()).toBe(true)
    expect(await broker.append(NS, batch)).toMatchObject([
      { n: stored + 1, seq: 1 },
      { n: stored + 2, seq: stored + 1 },
      { n: stored + 3, seq: stored + 2 },
    ])
    const again = await reopen()
    expect(await again.heads(NS, ['a', 'new'])).toMatchObject([{ seq: stored + 2 }, { seq: 1 }])
  })
})
