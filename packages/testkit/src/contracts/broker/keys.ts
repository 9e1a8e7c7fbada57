/** Appending is idempotent under a key; a unit is stored whole or not at all. G3. */
import type { Append } from '@roomful/server/ports'
import { describe, expect, it } from 'vitest'
import type { MakeBroker } from '../broker.ts'
import { bench, entry, key, NS, PLENTY, statuses, store } from './bench.ts'

export function keyContract(makeBroker: MakeBroker): void {
  describe('keys', () => {
    it('[D2] gives a repeat the first numbers and stores nothing', async () => {
      const { broker, clock } = await bench(makeBroker)
      const keyed = entry('a', 'hello', { key: key('k1') })
      const [first] = await broker.append(NS, [keyed])
      await broker.append(NS, [entry('a', 'between')])
      await clock.advance(1000)
      const [again] = await broker.append(NS, [keyed])
      expect(again).toEqual({ ...first, status: 'duplicate' })
      const rows = await broker.read(NS, [{ roomId: 'a', seq: 0 }], PLENTY)
      expect(rows.map((row) => [row.seq, row.key])).toEqual([[1, 'k1'], [2, undefined]]) // biome-ignore format: pairs
    })

    it('refuses another content under the same key and lets the rest of the batch in', async () => {
      const { broker } = await bench(makeBroker)
      await broker.append(NS, [entry('a', 1, { key: key('k1') })])
      const results = await broker.append(NS, [entry('a', 2, { key: key('k1', 'other') }), entry('a', 3)])
      expect(statuses(results)).toEqual(['CONFLICT', 'stored'])
      expect(results[1]).toMatchObject({ n: 2, seq: 2 })
    })

    it('recognises a repeat within one batch', async () => {
      const { broker } = await bench(makeBroker)
      const results = await broker.append(NS, [
        entry('a', 1, { key: key('k1') }),
        entry('a', 1, { key: key('k1') }),
        entry('a', 2, { key: key('k1', 'other') }),
        entry('a', 3, { key: key('k2') }),
      ])
      expect(statuses(results)).toEqual(['stored', 'duplicate', 'CONFLICT', 'stored'])
      expect(results[1]).toMatchObject({ n: 1, seq: 1 })
      expect(results[3]).toMatchObject({ n: 2, seq: 2 })
    })

    it('keeps the keys of one user from those of another', async () => {
      const { broker } = await bench(makeBroker)
      const results = await broker.append(NS, [
        entry('a', 1, { key: key('k', 'f', 'ann') }),
        entry('a', 2, { key: key('k', 'g', 'bob') }),
        entry('a', 3, { key: key('nk', 'h', 'an') }),
      ])
      expect(statuses(results)).toEqual(['stored', 'stored', 'stored'])
    })

    it('finds a key: its first numbers, a conflict, or nothing', async () => {
      const { broker } = await bench(makeBroker)
      const [first] = await broker.append(NS, [entry('a', 1, { key: key('k1') })])
      expect(await broker.claim(NS, key('k1'))).toEqual({ ...first, status: 'duplicate' })
      expect(await broker.claim(NS, key('k1', 'other'))).toMatchObject({ status: 'refused', code: 'CONFLICT' })
      expect(await broker.claim(NS, key('k2'))).toEqual({ status: 'new' })
    })

    it('[P7] never takes a key that was stored for a new one', async () => {
      const { broker } = await bench(makeBroker)
      for (const name of ['k1', '', 'é👍', '~', 'ffffffff-ffff-7fff-bfff-ffffffffffff']) {
        await broker.append(NS, [entry('a', 1, { key: key(name) })])
        expect(await broker.claim(NS, key(name)), name).toMatchObject({ status: 'duplicate' })
      }
    })

    it('[D2] keeps the reply of the first time with the key', async () => {
      const { broker } = await bench(makeBroker)
      const keyed = entry('a', 1, { key: key('k1'), ack: '["first \n👍"]' })
      const [first] = await broker.append(NS, [keyed])
      expect(first).not.toHaveProperty('ack')
      const again = { ...first, status: 'duplicate', ack: '["first \n👍"]' }
      expect(await broker.append(NS, [{ ...keyed, ack: '["second"]' }])).toEqual([again])
      expect(await broker.claim(NS, key('k1'))).toEqual(again)
      broker.saveAck(NS, key('k1'), '["third"]')
      expect(await broker.claim(NS, key('k1'))).toEqual(again)
    })

    it.each(['', '{}', 'x'.repeat(500)])('[K1] keeps any reply with the key, an empty one too: %j', async (ack) => {
      const { broker } = await bench(makeBroker)
      const timed = '71a1d0e0-5c00-7000-8000-000000000001'
      for (const name of ['k1', timed]) {
        const keyed = entry('a', 1, { key: key(name), ack })
        const [first] = await broker.append(NS, [keyed])
        const again = { ...first, status: 'duplicate', ack }
        expect(await broker.append(NS, [keyed])).toEqual([again])
        broker.saveAck(NS, key(name), '["later"]')
        expect(await broker.claim(NS, key(name))).toEqual(again)
      }
    })

    it('[D2] keeps a reply that is known only afterwards, the first one, for its own request', async () => {
      const { broker } = await bench(makeBroker)
      const keyed = entry('a', 1, { key: key('k1') })
      const [first] = await broker.append(NS, [keyed])
      broker.saveAck(NS, key('k1', 'other'), '["of another request"]')
      broker.saveAck(NS, key('k2'), '["of nothing that was stored"]')
      expect(await broker.claim(NS, key('k1'))).toEqual({ ...first, status: 'duplicate' })
      broker.saveAck(NS, key('k1'), '[]')
      broker.saveAck(NS, key('k1'), '["later"]')
      const again = { ...first, status: 'duplicate', ack: '[]' }
      expect(await broker.claim(NS, key('k1'))).toEqual(again)
      expect(await broker.append(NS, [keyed])).toEqual([again])
      expect(await broker.claim(NS, key('k2'))).toEqual({ status: 'new' })
    })

    it('forgets the reply with the key', async () => {
      const { broker, clock } = await bench(makeBroker, { dedupeWindowMs: 60_000 })
      await broker.append(NS, [entry('a', 1, { key: key('k1'), ack: '["old"]' })])
      await clock.advance(61_000)
      const [renewed] = await broker.append(NS, [entry('a', 1, { key: key('k1'), ack: '["new"]' })])
      expect(renewed).toMatchObject({ status: 'stored', seq: 2 })
      expect(await broker.claim(NS, key('k1'))).toMatchObject({ status: 'duplicate', seq: 2, ack: '["new"]' })
    })

    it('still recognises the key of an event that was redacted or trimmed', async () => {
      const { broker } = await bench(makeBroker, { retention: 2 })
      const keyed = entry('a', 'secret', { key: key('k1') })
      const [first] = await broker.append(NS, [keyed])
      await broker.redact(NS, 'a', 1)
      expect((await broker.append(NS, [keyed]))[0]).toEqual({ ...first, status: 'duplicate' })
      await store(broker, entry('a', 2), entry('a', 3), entry('a', 4))
      expect((await broker.append(NS, [keyed]))[0]).toEqual({ ...first, status: 'duplicate' })
    })

    it('forgets a key when its window has passed', async () => {
      const { broker, clock } = await bench(makeBroker, { dedupeWindowMs: 60_000 })
      const keyed = entry('a', 1, { key: key('k1') })
      await broker.append(NS, [keyed])
      await clock.advance(59_000)
      expect(statuses(await broker.append(NS, [keyed]))).toEqual(['duplicate'])
      await clock.advance(2000)
      expect(await broker.claim(NS, key('k1'))).toEqual({ status: 'new' })
      expect(await broker.append(NS, [keyed])).toMatchObject([{ status: 'stored', seq: 2 }])
      expect(statuses(await broker.append(NS, [keyed]))).toEqual(['duplicate'])
    })
  })

  describe('atomic groups', () => {
    const both = (fingerprint = 'f') => [
      entry('user:ann', 'psst', { key: key('k1', fingerprint), atomicGroup: 0 }),
      entry('user:bob', 'psst', { key: key('k1', fingerprint), atomicGroup: 0 }),
    ]

    it('[B23] stores both rows, and gives a repeat the first numbers of each', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, entry('user:bob', 'before'))
      const [mine, theirs] = both()
      const first = await broker.append(NS, [{ ...mine, ack: '["ok"]' } as Append, theirs as Append])
      expect(first).toMatchObject([{ status: 'stored', n: 2, seq: 1 }, { status: 'stored', n: 3, seq: 2 }]) // biome-ignore format: pairs
      const again = await broker.append(NS, both())
      expect(again).toEqual([{ ...first[0], status: 'duplicate', ack: '["ok"]' }, { ...first[1], status: 'duplicate' }]) // biome-ignore format: pairs
      expect(await broker.claim(NS, key('k1'))).toMatchObject({ status: 'duplicate', n: 2, seq: 1 })
    })

    it('stores none of a unit in conflict', async () => {
      const { broker } = await bench(makeBroker)
      await broker.append(NS, both())
      const results = await broker.append(NS, [...both('other'), entry('a', 'after')])
      expect(statuses(results)).toEqual(['CONFLICT', 'CONFLICT', 'stored'])
      expect(await broker.heads(NS, ['user:ann', 'user:bob'])).toMatchObject([{ seq: 1 }, { seq: 1 }])
    })

    it('tells units of one batch apart, repeats among them included', async () => {
      const { broker } = await bench(makeBroker)
      const second = both().map((each) => ({ ...each, atomicGroup: 1 }))
      const third = both().map((each) => ({ ...each, atomicGroup: 2, key: key('k2') }))
      const results = await broker.append(NS, [...both(), ...second, ...third])
      expect(statuses(results)).toEqual(['stored', 'stored', 'duplicate', 'duplicate', 'stored', 'stored'])
      expect(results.slice(2, 4)).toMatchObject([{ n: 1 }, { n: 2 }])
    })

    it('stores a unit without a key, and one whose rows are of one room', async () => {
      const { broker } = await bench(makeBroker)
      const unkeyed = both().map((each) => ({ ...each, key: undefined }))
      expect(
        statuses(await broker.append(NS, [...unkeyed, ...unkeyed.map((each) => ({ ...each, atomicGroup: 1 }))])),
      ).toEqual(new Array(4).fill('stored'))
      const self = both().map((each) => ({ ...each, roomId: 'user:ann' }))
      expect(await broker.append(NS, self)).toMatchObject([{ seq: 3 }, { seq: 4 }])
      expect(await broker.append(NS, self)).toMatchObject([{ status: 'duplicate', seq: 3 }, { status: 'duplicate', seq: 4 }]) // biome-ignore format: pairs
    })
  })
}
