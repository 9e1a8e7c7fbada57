/** Every bound of the local logs, and what goes when it is reached: always the oldest. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { CalledBroker } from '@roomful/testkit'
import type { BrokerBench } from '@roomful/testkit/contracts/broker'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LogLimits } from '../../src/adapters/brokers/local/log.ts'
import type { Append, AppendKey } from '../../src/core/ports/broker.ts'
import { openInMemory, openOnSqlite } from './opening.ts'

const NS = '/'
const HOUR_MS = 3_600_000

const entry = (roomId: string, text = '', key?: AppendKey): Append => {
  return { roomId, type: 't', argsJson: JSON.stringify([text]), userId: 'ann', key, atomicGroup: undefined }
}
const keyed = (name: string) => entry('keys', name, { scope: 'ann', key: name, fingerprint: 'f' })
const times = (count: number, roomId: string, text?: string) => Array.from({ length: count }, () => entry(roomId, text))
const session = (id: string) => ({ id, namespace: NS, connectionId: 'c_1', userId: 'ann', rooms: [] })

async function head(broker: CalledBroker, roomId: string) {
  const [head] = await broker.heads(NS, [roomId])
  return head && [head.first, head.seq]
}

const logs: [string, (limits: Partial<LogLimits>) => Promise<BrokerBench>][] = [
  ['memory', openInMemory],
  ['SQLite', openOnSqlite],
]

describe.each(logs)('bounds of the log, %s', (_name, open) => {
  async function bench(limits: Partial<LogLimits>) {
    const made = await open(limits)
    onTestFinished(() => made.dispose())
    await made.broker.open(NS)
    return made
  }

  it('[G7] waits for no more returning members than it may', async () => {
    const { broker } = await bench({ returningMax: 3 })
    const member = (sub: string) => ({ sign: sub, user: { sub, name: sub, role: 'user' }, roomIds: [], untilMs: 9 })
    await broker.saveReturning?.(NS, ['a', 'b'].map(member))
    await broker.saveReturning?.(NS, ['c', 'd'].map(member))
    expect((await broker.takeReturning?.(NS))?.map(({ sign }) => sign)).toEqual(['a', 'b', 'c'])
  })

  it('drops the oldest of all rooms when there are too many bytes, and goes on', async () => {
    const { broker, clock } = await bench({ dataMaxBytes: 2_000_000 })
    await broker.append(NS, times(50, 'quiet'))
    for (let i = 0; i < 60; i++) {
      await clock.advance(10_000)
      await broker.append(NS, times(40, `r${i % 6}`, 'x'.repeat(2000)))
    }
    await clock.advance(20_000)
    const rows = await broker.history(NS, 'r5', { limit: 1000 })
    expect(rows.events.at(-1)?.seq).toBe(400)
    expect(rows.events.length).toBeGreaterThan(20)
    expect(await head(broker, 'quiet')).toEqual([51, 50])
    expect(await head(broker, 'r5')).not.toEqual([1, 400])
  })

  it('drops events that are too old, whatever their rooms, and then the rooms', async () => {
    const { broker, clock } = await bench({ retentionMs: 2 * HOUR_MS, retention: 1000 })
    await broker.subscribe(NS, [{ roomId: 'held', retention: undefined }])
    await broker.append(NS, [...times(3000, 'busy'), ...times(5, 'quiet'), ...times(5, 'held')])
    await clock.advance(HOUR_MS)
    await broker.append(NS, times(1500, 'busy'))
    await clock.advance(HOUR_MS + 120_000)
    expect(await head(broker, 'busy')).toEqual([3501, 4500])
    expect(await head(broker, 'held')).toEqual([6, 5])
    expect(await broker.read(NS, [{ roomId: 'held', seq: 0 }], { events: 9, bytes: 1000 })).toEqual([])
    expect(await broker.append(NS, [entry('held')])).toMatchObject([{ seq: 6 }])
    await clock.advance(2 * HOUR_MS + 120_000)
    expect(await head(broker, 'quiet')).toBeUndefined()
    expect(await head(broker, 'busy')).toBeUndefined()
    expect(await head(broker, 'held')).toEqual([7, 6])
  })

  it('forgets the oldest keys when there are too many', async () => {
    const { broker, clock } = await bench({ dedupeMax: 10 })
    await broker.append(
      NS,
      Array.from({ length: 30 }, (_, i) => keyed(`k${i}`)),
    )
    await clock.advance(20_000)
    expect(await broker.append(NS, [keyed('k29'), keyed('k20'), keyed('k0')])).toMatchObject([
      { status: 'duplicate', seq: 30 },
      { status: 'duplicate', seq: 21 },
      { status: 'stored', seq: 31 },
    ])
  })

  it('forgets rooms that stayed empty, not those somebody holds or may come back to', async () => {
    const { broker, clock } = await bench({ emptyRoomMs: 600_000 })
    const rooms = (...names: string[]) => names.map((roomId) => ({ roomId, retention: undefined }))
    const [first] = await broker.subscribe(NS, rooms('left', 'held', 'later'))
    broker.unsubscribe(NS, ['left'])
    await clock.advance(590_000)
    broker.unsubscribe(NS, ['later'])
    expect(await broker.heads(NS, ['left'])).toEqual([first])
    await clock.advance(120_000)
    expect((await broker.heads(NS, ['left', 'held', 'later'])).map(({ roomId }) => roomId)).toEqual(['held', 'later'])
    const [again] = await broker.subscribe(NS, rooms('left'))
    expect(again?.epoch).not.toBe(first?.epoch)
  })

  it('keeps the sessions saved last when there are too many', async () => {
    const { broker, clock } = await bench({ sessionsMax: 3 })
    for (let i = 0; i < 6; i++) {
      broker.saveSession(session(`s${i}`), 120_000)
      await clock.advance(1000)
    }
    await clock.advance(10_000)
    const found = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => broker.findSession(NS, `s${i}`)))
    expect(found.map((each) => each !== undefined)).toEqual([false, false, false, true, true, true])
  })

  it('refuses an event that is far too large, the whole of its unit, and nothing else', async () => {
    const { broker } = await bench({ eventMax: 100 })
    const big = entry('a', 'x'.repeat(200))
    const results = await broker.append(NS, [
      big,
      entry('a'),
      { ...entry('a'), atomicGroup: 0 },
      { ...big, atomicGroup: 0 },
    ])
    expect(results.map((result) => (result.status === 'refused' ? result.code : result.status))).toEqual([
      'TOO_LARGE',
      'stored',
      'TOO_LARGE',
      'TOO_LARGE',
    ])
    expect(await head(broker, 'a')).toEqual([1, 1])
  })
})

describe('what trimming leaves in the file', () => {
  it('takes events above the retention out, in slices, and keeps the numbers over a restart', async () => {
    const { broker, clock, folder, reopen, dispose, reports } = await openOnSqlite({ retention: 100 })
    onTestFinished(dispose)
    await broker.subscribe(NS, [{ roomId: 'none', retention: 0 }])
    for (let i = 0; i < 20; i++) await broker.append(NS, [...times(200, 'a'), ...times(10, 'none')])
    await clock.advance(10_000)
    const file = new DatabaseSync(join(folder, 'roomful.db'), { readOnly: true })
    const counts = file.prepare(
      'SELECT name, count(events.id) AS count FROM rooms LEFT JOIN events ON room = rooms.id GROUP BY name',
    )
    expect(counts.all()).toMatchObject([{ name: 'a', count: 100 }, { name: 'none', count: 0 }]) // biome-ignore format: rows
    file.close()
    const again = await reopen()
    expect([await head(again, 'a'), await head(again, 'none')]).toEqual([[3901, 4000], [201, 200]]) // biome-ignore format: pairs
    expect(reports).toEqual([])
  })
})

describe.each(logs)('a full log, %s', (_name, open) => {
  async function bench(limits: Partial<LogLimits>) {
    const made = await open(limits)
    onTestFinished(() => made.dispose())
    await made.broker.open(NS)
    return made
  }
  const of = (userId: string, roomId: string, text = ''): Append => ({ ...entry(roomId, text), userId })
  const texts = async (broker: CalledBroker, roomId: string) => {
    const { events } = await broker.history(NS, roomId, { limit: 1000 })
    return events.map(({ seq, userId, argsJson, redacted }) => [seq, userId, redacted ? 'gone' : argsJson.length])
  }

  it('[D21] [L17] takes from who wrote most: a quiet room keeps everything, and every write succeeds', async () => {
    const { broker, clock } = await bench({ dataMaxBytes: 2_000_000 })
    await broker.append(
      NS,
      Array.from({ length: 20 }, () => of('bob', 'quiet', 'y'.repeat(100))),
    )
    const before = await texts(broker, 'quiet')
    for (let i = 0; i < 200; i++) {
      const flood = Array.from({ length: 10 }, (_, k) => of('eve', `flood${k}`, 'x'.repeat(4000)))
      const results = await broker.append(NS, [...flood, of('ann', 'work', `${i}`)])
      expect(results.every(({ status }) => status === 'stored')).toBe(true)
      await clock.advance(50)
    }
    await clock.advance(20_000)
    expect(await texts(broker, 'quiet')).toEqual(before)
    expect(await head(broker, 'work')).toEqual([1, 200])
    expect((await texts(broker, 'work')).some(([, , text]) => text === 'gone')).toBe(false)
    const [first = 0, last] = (await head(broker, 'flood0')) ?? []
    expect(last).toBe(200)
    expect(first).toBeGreaterThan(100)
    expect(first).toBeLessThan(200)
  })

  it('[D21] [L17] what others wrote in a flooded room stays; the flood is emptied there and leaves no hole', async () => {
    const { broker, clock } = await bench({ dataMaxBytes: 1_000_000 })
    await broker.append(NS, [of('bob', 'lobby', 'first')])
    for (let i = 0; i < 100; i++) {
      await broker.append(NS, [of('eve', 'lobby', 'x'.repeat(30_000)), of('ann', 'lobby', `${i}`)])
      await clock.advance(50)
    }
    await clock.advance(20_000)
    const { events } = await broker.history(NS, 'lobby', { limit: 1000 })
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 201 }, (_, i) => i + 1))
    expect(events.filter(({ userId, redacted }) => userId !== 'eve' && redacted)).toEqual([])
    const left = events.filter(({ userId, redacted }) => userId === 'eve' && !redacted)
    expect(left.length).toBeGreaterThan(10)
    expect(left.length).toBeLessThan(40)
    expect(left.at(-1)?.seq).toBe(200)
  })

  it('[L17] guests of one address are one writer, whatever their ids', async () => {
    const { broker, clock } = await bench({ dataMaxBytes: 1_000_000 })
    await broker.append(NS, [of('bob', 'quiet', 'y'.repeat(30_000))])
    for (let i = 0; i < 200; i++) {
      await broker.append(NS, [{ ...of(`guest:${i}`, `r${i}`, 'x'.repeat(20_000)), writer: 'guests:1' }])
      await clock.advance(50)
    }
    expect(await head(broker, 'quiet')).toEqual([1, 1])
  })

  it('[L17] goes on when the file is opened again, and counts what it had', async () => {
    const { broker, clock, reopen } = await bench({ dataMaxBytes: 1_000_000 })
    await broker.append(NS, [of('bob', 'quiet', 'y'.repeat(100))])
    for (let i = 0; i < 30; i++) await broker.append(NS, [of('eve', 'flood', 'x'.repeat(30_000))])
    const again = await reopen()
    await again.open(NS)
    await again.append(NS, [of('bob', 'quiet', 'more')])
    for (let i = 0; i < 30; i++) {
      await again.append(NS, [of('eve', 'flood', 'x'.repeat(30_000))])
      await clock.advance(50)
    }
    expect((await texts(again, 'quiet')).at(-1)?.[1]).toBe('bob')
    expect((await head(again, 'quiet'))?.[0]).toBe(1)
  })
})
