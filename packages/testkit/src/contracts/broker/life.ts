/** Opening, closing, and what is still there afterwards. G2, G7. */
import { describe, expect, it } from 'vitest'
import type { MakeBroker } from '../broker.ts'
import { bench, entry, fill, key, NS, PLENTY, store } from './bench.ts'

export function lifeContract(makeBroker: MakeBroker): void {
  describe('life', () => {
    it('opens a namespace under an id of its own, as often as asked', async () => {
      const { broker } = await bench(makeBroker)
      const { logId, n } = await broker.open(NS)
      expect(logId).toMatch(/^1[a-z0-9]{4,32}$/)
      expect(n).toBe(0)
      await fill(broker, 'a', 3)
      expect(await broker.open(NS)).toEqual({ logId, n: 3 })
      expect((await broker.open('/other')).logId).not.toBe(logId)
    })

    it('refuses what comes after the close, and closes twice', async () => {
      const { broker } = await bench(makeBroker)
      const last = store(broker, entry('a', 1))
      expect(broker.healthy()).toBe(true)
      await broker.close()
      await broker.close()
      expect(await last).toMatchObject([{ seq: 1 }])
      expect(broker.healthy()).toBe(false)
      await expect(broker.append(NS, [entry('a', 2)])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      broker.unsubscribe(NS, ['a'])
      broker.setMark(NS, 'a', 1)
      broker.dropSession(NS, 's')
    })
  })
}

const HOUR_MS = 3_600_000

export function restartContract(makeBroker: MakeBroker): void {
  describe('restart', () => {
    it('[D2] keeps all of it', async () => {
      const { broker, reopen } = await bench(makeBroker, { retention: 100 })
      const [head] = await broker.subscribe(NS, [{ roomId: 'a', retention: 3 }])
      const keyed = entry('b', '👍', { key: key('k1'), ack: '["first"]' })
      await fill(broker, 'a', 5)
      const [first] = await broker.append(NS, [keyed])
      const [late] = await broker.append(NS, [entry('c', 1, { key: key('k2') })])
      broker.saveAck(NS, key('k2'), '["late"]')
      broker.setMark(NS, 'b', 1)
      const session = { id: 's1', namespace: NS, connectionId: 'c_1', userId: 'ann', rooms: [], fence: 1 }
      broker.saveSession(session, 120_000)
      await broker.takeSession(NS, 's1')
      broker.saveSession({ ...session, fence: 2 }, 120_000)
      const member = { sign: 's1', user: { sub: 'ann', name: 'Ann', role: 'user' }, roomIds: ['a'], untilMs: 9 }
      await broker.saveReturning?.(NS, [member])
      const before = await broker.open(NS)
      const rows = await broker.read(NS, [{ roomId: 'a', seq: 0 }, { roomId: 'b', seq: 0 }], PLENTY) // biome-ignore format: one call

      const again = await reopen()
      expect(await again.open(NS)).toEqual(before)
      expect(await again.heads(NS, ['a'])).toMatchObject([{ roomId: 'a', epoch: head?.epoch, seq: 5, first: 3 }])
      expect(await again.read(NS, [{ roomId: 'a', seq: 0 }, { roomId: 'b', seq: 0 }], PLENTY)).toEqual(rows) // biome-ignore format: one call
      expect(await again.append(NS, [keyed])).toEqual([{ ...first, status: 'duplicate', ack: '["first"]' }])
      expect(await again.claim(NS, key('k2'))).toEqual({ ...late, status: 'duplicate', ack: '["late"]' })
      expect(await again.mark(NS, 'b')).toBe(1)
      expect((await again.takeSession(NS, 's1'))?.record).toEqual({ ...session, fence: 3 })
      if (again.takeReturning) expect(await again.takeReturning(NS)).toEqual([member])
      expect(await again.append(NS, [entry('a', 6)])).toMatchObject([{ status: 'stored', n: 8, seq: 6 }])
    })

    it('[D2] keeps in mind what is gone', async () => {
      const { broker, clock, reopen } = await bench(makeBroker, { retentionMs: HOUR_MS })
      await store(broker, entry('a', 1), entry('b', 1), entry('b', 2))
      await clock.advance(HOUR_MS / 2)
      await store(broker, entry('b', 3))
      await clock.advance(HOUR_MS)
      const again = await reopen()
      await again.open(NS)
      expect(await again.positions(NS, 3, ['a', 'b'])).toMatchObject({ n: 4, forgottenN: 1, positions: [{ seq: 2 }] })
      expect((await again.positions(NS, 2, ['b'])).positions[0]?.seq).toBeLessThan(2)
    })
  })
}
