/** Reading back: many rooms in the order of commits, one room in pages, and never a hole that is not a trim. G1, G4. */
import type { StoredRow } from '@roomful/server/ports'
import { describe, expect, it } from 'vitest'
import type { CalledBroker } from '../../broker.ts'
import type { MakeBroker } from '../broker.ts'
import { bench, entry, fill, NS, PLENTY, store } from './bench.ts'

const seqs = (rows: readonly StoredRow[]) => rows.map((row) => row.seq)

export function readContract(makeBroker: MakeBroker): void {
  describe('read', () => {
    it('[D2] merges rooms in the order of n, from the position of each', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, ...['a', 'b', 'c', 'b', 'a', 'c', 'c'].map((roomId, i) => entry(roomId, i)))
      const after = [
        { roomId: 'c', seq: 1 },
        { roomId: 'a', seq: 0 },
        { roomId: 'b', seq: 1 },
      ]
      const rows = await broker.read(NS, after, PLENTY)
      expect(rows.map((row) => [row.n, row.roomId, row.seq])).toEqual([[1, 'a', 1], [4, 'b', 2], [5, 'a', 2], [6, 'c', 2], [7, 'c', 3]]) // biome-ignore format: rows
    })

    it('pages through many rooms by events without skipping or repeating', async () => {
      const { broker } = await bench(makeBroker)
      const rooms = ['a', 'b', 'c', 'd', 'e']
      for (let i = 0; i < 40; i++) {
        await store(
          broker,
          ...Array.from({ length: (i % 4) + 1 }, (_, j) => entry(rooms[(i * 3 + j * j) % 5] ?? 'a', i)),
        )
      }
      const positions = new Map(rooms.map((roomId) => [roomId, 0]))
      const ns: number[] = []
      for (let page = 0; page < 100; page++) {
        const after = Array.from(positions, ([roomId, seq]) => ({ roomId, seq }))
        const rows = await broker.read(NS, after, { events: 7, bytes: 1_000_000 })
        if (rows.length === 0) break
        expect(rows.length).toBeLessThanOrEqual(7)
        for (const row of rows) {
          expect(row.seq).toBe((positions.get(row.roomId) ?? 0) + 1)
          positions.set(row.roomId, row.seq)
          ns.push(row.n)
        }
      }
      expect(ns).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    })

    it('pages by bytes, and gives at least one event', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, ...Array.from({ length: 5 }, () => entry('a', 'x'.repeat(10_000))))
      const rows = await broker.read(NS, [{ roomId: 'a', seq: 0 }], { events: 100, bytes: 25_000 })
      expect(seqs(rows)).toEqual([1, 2])
      const one = await broker.read(NS, [{ roomId: 'a', seq: 2 }], { events: 100, bytes: 10 })
      expect(seqs(one)).toEqual([3])
    })

    it('has nothing for a room that it does not know, at the head, or ahead of it', async () => {
      const { broker } = await bench(makeBroker)
      await fill(broker, 'a', 3)
      const after = [
        { roomId: 'a', seq: 3 },
        { roomId: 'nowhere', seq: 0 },
      ]
      expect(await broker.read(NS, after, PLENTY)).toEqual([])
      expect(await broker.read(NS, [{ roomId: 'a', seq: 99 }], PLENTY)).toEqual([])
      expect(await broker.read(NS, [], PLENTY)).toEqual([])
    })

    it('reaches back over a long log', async () => {
      const { broker } = await bench(makeBroker)
      await fill(broker, 'a', 3000)
      await fill(broker, 'b', 10)
      const after = [
        { roomId: 'a', seq: 0 },
        { roomId: 'b', seq: 0 },
      ]
      const rows = await broker.read(NS, after, { events: 3005, bytes: 10_000_000 })
      expect(rows.map((row) => row.n)).toEqual(Array.from({ length: 3005 }, (_, i) => i + 1))
    })
  })

  describe('positions', () => {
    const at = async (broker: CalledBroker, n: number, ...rooms: string[]) => {
      const { positions } = await broker.positions(NS, n, rooms)
      return Object.fromEntries(positions.map(({ roomId, seq }) => [roomId, seq]))
    }

    it('[D1] say where a commit stands in each room, in the log that the rooms are in', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, ...['a', 'b', 'a', 'c', 'b', 'a'].map((roomId, i) => entry(roomId, i)))
      expect(await at(broker, 0, 'a', 'b', 'c')).toEqual({ a: 0, b: 0, c: 0 })
      expect(await at(broker, 3, 'a', 'b', 'c')).toEqual({ a: 2, b: 1, c: 0 })
      expect(await at(broker, 4, 'c', 'a')).toEqual({ c: 1, a: 2 })
      expect(await at(broker, 99, 'a', 'b', 'c', 'nowhere')).toEqual({ a: 3, b: 2, c: 1 })
      const { n, positions } = await broker.positions(NS, 5, ['b'])
      const [head] = await broker.heads(NS, ['b'])
      expect([n, positions[0]?.epoch]).toEqual([6, head?.epoch])
    })

    it('are what a read goes on from, whatever the commit', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, ...Array.from({ length: 60 }, (_, i) => entry(['a', 'b', 'c'][(i * i) % 3] as string, i)))
      for (let n = 0; n <= 60; n++) {
        const { positions } = await broker.positions(NS, n, ['a', 'b', 'c'])
        const rows = await broker.read(NS, positions, PLENTY)
        const total = (await broker.read(NS, [{ roomId: 'a', seq: 0 }, { roomId: 'b', seq: 0 }, { roomId: 'c', seq: 0 }], PLENTY)).length // biome-ignore format: one line
        expect(rows.every((row) => row.n > n)).toBe(true)
        expect(rows.length + positions.reduce((sum, { seq }) => sum + seq, 0)).toBe(total)
      }
    })

    it('[D2] lie before what is readable once they are trimmed, and never promise what is gone', async () => {
      const { broker } = await bench(makeBroker, { retention: 5 })
      await fill(broker, 'a', 20)
      await store(broker, entry('b', 1))
      const [head] = await broker.heads(NS, ['a'])
      expect(head).toMatchObject({ seq: 20, first: 16 })
      expect((await at(broker, 3, 'a')).a).toBeLessThan(15)
      expect(await at(broker, 17, 'a')).toEqual({ a: 17 })
      expect(await at(broker, 15, 'a')).toEqual({ a: 15 })
      expect(await at(broker, 21, 'a', 'b')).toEqual({ a: 20, b: 1 })
    })

    it('[D2] promise everything to who had all that aged out, and nothing to who had not', async () => {
      const { broker, clock } = await bench(makeBroker, { retentionMs: 3_600_000 })
      await broker.subscribe(NS, ['a', 'b'].map((roomId) => ({ roomId, retention: undefined }))) // biome-ignore format: one call
      await store(broker, ...['a', 'b', 'a', 'b', 'b'].map((roomId, i) => entry(roomId, i)))
      await clock.advance(2 * 3_600_000)
      await store(broker, entry('c', 1))
      expect(await broker.heads(NS, ['a', 'b'])).toMatchObject([
        { seq: 2, first: 3 },
        { seq: 3, first: 4 },
      ])
      expect(await at(broker, 3, 'a')).toEqual({ a: 2 })
      expect(await at(broker, 5, 'a', 'b')).toEqual({ a: 2, b: 3 })
      const early = await at(broker, 2, 'a', 'b')
      expect([(early.a ?? 0) < 2, (early.b ?? 0) < 3]).toEqual([true, true])
    })

    it('[D2] say up to which commit a room was forgotten', async () => {
      const { broker, clock } = await bench(makeBroker, { retentionMs: 3_600_000 })
      await broker.subscribe(NS, [{ roomId: 'b', retention: undefined }])
      await store(broker, ...['a', 'a', 'b'].map((roomId, i) => entry(roomId, i)))
      expect(await broker.positions(NS, 1, ['a'])).toMatchObject({ n: 3, forgottenN: 0 })
      await clock.advance(2 * 3_600_000)
      await store(broker, entry('b', 'stays'))
      await clock.advance(1_800_000)
      expect(await broker.heads(NS, ['a'])).toEqual([])
      expect(await broker.positions(NS, 1, ['a', 'b'])).toMatchObject({ n: 4, forgottenN: 2 })
    })
  })

  describe('history', () => {
    it('gives the newest, those before, those after, oldest first, and says whether there is more', async () => {
      const { broker } = await bench(makeBroker)
      await fill(broker, 'a', 10)
      const page = async (options: { before?: number; after?: number; limit: number }) => {
        const { events, more } = await broker.history(NS, 'a', options)
        return [...seqs(events), more]
      }
      expect(await page({ limit: 3 })).toEqual([8, 9, 10, true])
      expect(await page({ limit: 10 })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, false])
      expect(await page({ before: 4, limit: 2 })).toEqual([2, 3, true])
      expect(await page({ before: 3, limit: 2 })).toEqual([1, 2, false])
      expect(await page({ before: 1, limit: 2 })).toEqual([false])
      expect(await page({ after: 7, limit: 2 })).toEqual([8, 9, true])
      expect(await page({ after: 8, limit: 2 })).toEqual([9, 10, false])
      expect(await page({ after: 10, limit: 2 })).toEqual([false])
      expect(await page({ after: 2, before: 6, limit: 2 })).toEqual([3, 4, true])
      expect(await page({ after: 2, before: 6, limit: 9 })).toEqual([3, 4, 5, false])
    })

    it('is empty for a room without events', async () => {
      const { broker } = await bench(makeBroker)
      expect(await broker.history(NS, 'nowhere', { limit: 10 })).toEqual({ events: [], more: false })
    })
  })

  describe('redact', () => {
    it('empties one event and keeps its number', async () => {
      const { broker } = await bench(makeBroker)
      await fill(broker, 'a', 3)
      expect(await broker.redact(NS, 'a', 2)).toBe(true)
      expect(await broker.redact(NS, 'a', 2)).toBe(false)
      expect(await broker.redact(NS, 'a', 9)).toBe(false)
      expect(await broker.redact(NS, 'nowhere', 1)).toBe(false)
      const rows = await broker.read(NS, [{ roomId: 'a', seq: 0 }], PLENTY)
      expect(rows.map((row) => [row.seq, row.argsJson, row.redacted])).toEqual([[1, '[1]', false], [2, '[]', true], [3, '[3]', false]]) // biome-ignore format: rows
      expect(rows[1]).toMatchObject({ type: 'message:new', userId: 'ann' })
    })

    it('empties everything that a user said in the namespace, and nothing else', async () => {
      const { broker } = await bench(makeBroker)
      const bob = { userId: 'bob' }
      await store(broker, entry('a', 1), entry('a', 2, bob), entry('b', 3, bob), entry('b', 4, { userId: undefined }))
      await broker.append('/other', [entry('a', 5, bob)])
      await broker.redact(NS, 'b', 1)
      expect(await broker.redactUser(NS, 'bob')).toBe(1)
      expect(await broker.redactUser(NS, 'bob')).toBe(0)
      const after = [
        { roomId: 'a', seq: 0 },
        { roomId: 'b', seq: 0 },
      ]
      const rows = await broker.read(NS, after, PLENTY)
      expect(rows.map((row) => row.redacted)).toEqual([false, true, true, false])
      expect((await broker.history('/other', 'a', { limit: 1 })).events[0]?.redacted).toBe(false)
    })
  })
}
