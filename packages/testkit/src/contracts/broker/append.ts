/** Numbers, order, and texts that come back as they went in. G1, G2. */
import { describe, expect, it } from 'vitest'
import type { MakeBroker } from '../broker.ts'
import { bench, entry, key, NS, PLENTY, statuses, store } from './bench.ts'

const TEXTS = {
  'a newline': 'one\ntwo\r\n',
  'an emoji': '👩‍👩‍👧 and \u{1F44D}',
  'an empty payload': '',
  'NUL and quotes': '\u0000"\'\\',
  'a lone surrogate': '\ud800',
  '64 KB': 'x'.repeat(65_536),
}

export function appendContract(makeBroker: MakeBroker): void {
  describe('append', () => {
    it('[C21] numbers events 1, 2, 3 per room and per namespace, in the order of entries', async () => {
      const { broker } = await bench(makeBroker)
      const first = await store(broker, entry('a', 1), entry('b', 2), entry('a', 3))
      const second = await store(broker, entry('a', 4), entry('b', 5))
      expect([...first, ...second].map(({ n, seq }) => [n, seq])).toEqual([[1, 1], [2, 1], [3, 2], [4, 3], [5, 2]]) // biome-ignore format: pairs
    })

    it('[C21] keeps the order of calls that are not awaited', async () => {
      const { broker } = await bench(makeBroker)
      const calls = Array.from({ length: 50 }, (_, i) => store(broker, entry('a', i), entry('b', i)))
      const numbers = (await Promise.all(calls)).flat()
      expect(numbers.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
      const { events } = await broker.history(NS, 'a', { limit: 100 })
      expect(events.map((row) => row.argsJson)).toEqual(Array.from({ length: 50 }, (_, i) => `[${i}]`))
    })

    it('keeps namespaces apart: numbers, rooms, keys', async () => {
      const { broker } = await bench(makeBroker)
      await broker.open('/other')
      await store(broker, entry('a', 'here'))
      const key = { scope: 'ann', key: 'k', fingerprint: 'f' }
      const there = await broker.append('/other', [entry('a', 'there', { key })])
      expect(there).toMatchObject([{ status: 'stored', n: 1, seq: 1 }])
      expect(await broker.claim(NS, key)).toEqual({ status: 'new' })
      expect((await broker.history('/other', 'a', { limit: 9 })).events).toHaveLength(1)
    })

    it.for(Object.entries(TEXTS))('gives back %s as it was', async ([, text]) => {
      const { broker } = await bench(makeBroker)
      const argsJson = JSON.stringify([{ content: text }])
      await store(broker, entry('a', null, { argsJson, userId: undefined }))
      const rows = await broker.read(NS, [{ roomId: 'a', seq: 0 }], PLENTY)
      const { events } = await broker.history(NS, 'a', { limit: 1 })
      expect(rows).toEqual(events)
      expect(rows).toMatchObject([{ n: 1, seq: 1, roomId: 'a', type: 'message:new', argsJson, redacted: false }])
      expect([rows[0]?.userId, rows[0]?.key]).toEqual([undefined, undefined])
    })

    it('[M10] stores what is about another event only while that one has its content', async () => {
      const { broker } = await bench(makeBroker, { retention: 3 })
      const about = (seq: number, name: string) => entry('a', name, { aboutSeq: seq, key: key(name) })
      await store(broker, entry('a', 'first'), entry('a', 'second'), entry('b', 'elsewhere'))
      expect(statuses(await broker.append(NS, [about(1, 'k1'), about(9, 'k2')]))).toEqual(['stored', 'NOT_FOUND'])
      await broker.redact(NS, 'a', 2)
      expect(statuses(await broker.append(NS, [about(2, 'k3'), about(3, 'k4')]))).toEqual(['NOT_FOUND', 'stored'])
      expect(statuses(await broker.append(NS, [about(1, 'k5')])), 'trimmed').toEqual(['NOT_FOUND'])
      expect(statuses(await broker.append(NS, [about(1, 'k1')])), 'a repeat').toEqual(['duplicate'])
      expect(await broker.claim(NS, key('k3')), 'its key is free').toEqual({ status: 'new' })
    })

    it('[G4] stores what names a number of another log of its room not at all, and empties nothing there', async () => {
      const { broker } = await bench(makeBroker)
      const heads = await broker.subscribe(NS, [{ roomId: 'a', retention: undefined }])
      const epoch = heads[0]?.epoch ?? ''
      await store(broker, entry('a', 'first'), entry('a', 'second'))
      expect((await broker.history(NS, 'a', { limit: 1 })).epoch).toBe(epoch)
      const about = (name: string, of: string) => entry('a', name, { aboutSeq: 1, epoch: of, key: key(name) })
      const other = 'another.1'
      expect(statuses(await broker.append(NS, [about('k1', epoch), about('k2', other)]))).toEqual([
        'stored',
        'NOT_FOUND',
      ])
      expect(statuses(await broker.append(NS, [about('k1', other)])), 'a repeat').toEqual(['duplicate'])
      expect(statuses(await broker.append(NS, [entry('b', 1, { epoch })])), 'no room').toEqual(['NOT_FOUND'])
      expect(await broker.heads(NS, ['b'])).toEqual([])
      const group = [entry('a', 'x', { atomicGroup: 0 }), entry('a', 'y', { atomicGroup: 0, epoch: other })]
      expect(statuses(await broker.append(NS, group))).toEqual(['NOT_FOUND', 'NOT_FOUND'])
      expect(await broker.redact(NS, 'a', 1, other)).toBe(false)
      expect(await broker.redact(NS, 'a', 1, epoch)).toBe(true)
      broker.setMark(NS, 'a', 2, other)
      broker.setMark(NS, 'a', 1, epoch)
      expect(await broker.mark(NS, 'a')).toBe(1)
    })

    it('[O5] keeps the connection that a row is not for, also once it is redacted', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, entry('a', 1, { except: 'c_ann' }), entry('a', 2))
      const rows = await broker.read(NS, [{ roomId: 'a', seq: 0 }], PLENTY)
      expect(rows.map(({ except }) => except)).toEqual(['c_ann', undefined])
      await broker.redact(NS, 'a', 1)
      const { events } = await broker.history(NS, 'a', { limit: 9 })
      expect(events.map(({ except, redacted }) => [except, redacted])).toEqual([
        ['c_ann', true],
        [undefined, false],
      ])
    })

    it('takes any room name, and no arguments at all', async () => {
      const { broker } = await bench(makeBroker)
      const names = ['__proto__', 'constructor', 'ä ö', '👍', "'; drop table events; --", 'x'.repeat(128)]
      await store(broker, ...names.map((name) => entry(name, 0, { argsJson: '[]' })))
      const rows = await broker.read(NS, names.map((roomId) => ({ roomId, seq: 0 })), PLENTY) // biome-ignore format: one call
      expect(rows.map((row) => [row.roomId, row.argsJson])).toEqual(names.map((name) => [name, '[]']))
    })

    it('stores a large batch at once, and an empty one', async () => {
      const { broker } = await bench(makeBroker)
      expect(await broker.append(NS, [])).toEqual([])
      const results = await broker.append(NS, Array.from({ length: 2000 }, (_, i) => entry(`r${i % 7}`, i))) // biome-ignore format: one call
      expect(new Set(statuses(results))).toEqual(new Set(['stored']))
      expect(results.at(-1)).toMatchObject({ n: 2000 })
    })

    it('never lets time go back within a namespace, however the clock is set', async () => {
      const { broker, clock } = await bench(makeBroker)
      const [before] = await store(broker, entry('a', 1))
      clock.jump(-60_000)
      const [after] = await store(broker, entry('b', 2))
      expect(after?.ts).toBe(before?.ts)
      clock.jump(120_000)
      const [later] = await store(broker, entry('b', 3))
      expect(later?.ts).toBe((before?.ts ?? 0) + 60_000)
    })
  })
}
