/** Heads, epochs, retention and marks. */
import { describe, expect, it } from 'vitest'
import type { MakeBroker } from '../broker.ts'
import { bench, entry, fill, NS, PLENTY, store } from './bench.ts'

export function roomContract(makeBroker: MakeBroker): void {
  describe('rooms', () => {
    const room = (roomId: string, retention?: number) => ({ roomId, retention })

    it('[C18] gives a room its epoch with the first subscription, and keeps it', async () => {
      const { broker } = await bench(makeBroker)
      const [a, b] = await broker.subscribe(NS, [room('a'), room('b')])
      expect(a).toMatchObject({ roomId: 'a', seq: 0, first: 1 })
      expect(a?.epoch).toMatch(/^[!-~]{4,64}$/)
      expect(b?.epoch).not.toBe(a?.epoch)
      broker.unsubscribe(NS, ['a'])
      await fill(broker, 'a', 2)
      const { n: _, ...head } = { ...a, seq: 2 }
      expect(await broker.subscribe(NS, [room('a')])).toMatchObject([head])
      expect(await broker.heads(NS, ['b', 'nowhere', 'a'])).toMatchObject([b, head])
    })

    it('gives an epoch to a room that is written to before anyone subscribes', async () => {
      const { broker } = await bench(makeBroker)
      await fill(broker, 'user:bob', 1)
      const [head] = await broker.heads(NS, ['user:bob'])
      expect(head).toMatchObject({ seq: 1, first: 1 })
      expect(await broker.subscribe(NS, [room('user:bob')])).toEqual([head])
    })

    it('makes no room for an append that stores nothing', async () => {
      const { broker } = await bench(makeBroker)
      const keyed = { key: { scope: 'ann', key: 'k', fingerprint: 'f' } }
      await broker.append(NS, [entry('a', 1, keyed)])
      await broker.append(NS, [entry('b', 1, keyed), entry('c', 1, { aboutSeq: 1 })])
      expect(await broker.heads(NS, ['b', 'c'])).toEqual([])
    })

    it('[C21] keeps the newest events of a room, as many as it declares', async () => {
      const { broker } = await bench(makeBroker, { retention: 5 })
      await broker.subscribe(NS, [room('a'), room('b', 3), room('c', 50)])
      for (const roomId of ['a', 'b', 'c']) await fill(broker, roomId, 20)
      const heads = await broker.heads(NS, ['a', 'b', 'c'])
      expect(heads.map(({ seq, first }) => [first, seq])).toEqual([[16, 20], [18, 20], [1, 20]]) // biome-ignore format: pairs
      const rows = await broker.read(NS, [{ roomId: 'a', seq: 2 }], PLENTY)
      expect(rows.map((row) => row.seq)).toEqual([16, 17, 18, 19, 20])
      const { events, more } = await broker.history(NS, 'b', { before: 19, limit: 10 })
      expect([events.map((row) => row.seq), more]).toEqual([[18], false])
      expect((await broker.history(NS, 'a', { after: 3, limit: 2 })).events.map((row) => row.seq)).toEqual([16, 17])
      expect(await broker.redact(NS, 'b', 17)).toBe(false)
    })

    it('follows a retention that is declared again', async () => {
      const { broker } = await bench(makeBroker)
      await broker.subscribe(NS, [room('a')])
      await fill(broker, 'a', 10)
      expect(await broker.subscribe(NS, [room('a', 4)])).toMatchObject([{ seq: 10, first: 7 }])
      await fill(broker, 'a', 1)
      expect(await broker.heads(NS, ['a'])).toMatchObject([{ seq: 11, first: 8 }])
    })
  })

  describe('marks', () => {
    it('[B23] remembers how far an inbox was delivered, and never goes back', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, entry('user:bob', 1), entry('user:bob', 2))
      expect(await broker.mark(NS, 'user:bob')).toBe(0)
      expect(await broker.mark(NS, 'user:noone')).toBe(0)
      broker.setMark(NS, 'user:bob', 2)
      broker.setMark(NS, 'user:bob', 1)
      expect(await broker.mark(NS, 'user:bob')).toBe(2)
    })
  })
}
