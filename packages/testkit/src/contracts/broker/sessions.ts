/** Sessions: what survives a link, for as long as it was promised. */
import type { ReturningMember, SessionRecord } from '@roomful/server/ports'
import { describe, expect, it } from 'vitest'
import type { MakeBroker } from '../broker.ts'
import { bench, NS } from './bench.ts'

const session = (id: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  id,
  namespace: NS,
  connectionId: 'c_1',
  userId: 'ann',
  rooms: [{ roomId: 'a\n👍', epoch: 'e.1', seq: 7 }],
  ...more,
})

const returning = (sub: string, untilMs = 1): ReturningMember => ({
  sign: `session of ${sub}`,
  user: { sub, name: '👍', role: 'user' },
  roomIds: ['a\nb', 'c'],
  untilMs,
})

export function sessionContract(makeBroker: MakeBroker): void {
  describe('members who are expected back after a restart', () => {
    it('[G7] are kept until they are taken, each namespace’s by itself', async () => {
      const { broker } = await bench(makeBroker)
      // With several nodes their presence keeps the places.
      if (!broker.saveReturning || !broker.takeReturning) return
      const [save, take] = [broker.saveReturning, broker.takeReturning]
      await broker.open('/other')
      expect(await take(NS)).toEqual([])
      await save(NS, [returning('ann'), returning('bob')])
      await save(NS, [returning('cat', 2)])
      await save('/other', [returning('dan')])
      await save(NS, [])
      expect(await take(NS)).toEqual([returning('ann'), returning('bob'), returning('cat', 2)])
      expect(await take(NS)).toEqual([])
      expect(await take('/other')).toEqual([returning('dan')])
    })
  })

  describe('sessions', () => {
    it('[C18] finds what was saved last, in its own namespace, until it is dropped', async () => {
      const { broker } = await bench(makeBroker)
      broker.saveSession(session('s1'), 120_000)
      broker.saveSession(session('s1', { connectionId: 'c_2' }), 120_000)
      broker.saveSession(session('s2', { rooms: [] }), 120_000)
      expect(await broker.findSession(NS, 's1')).toMatchObject(session('s1', { connectionId: 'c_2' }))
      expect(await broker.findSession(NS, 's2')).toMatchObject(session('s2', { rooms: [] }))
      expect(await broker.findSession('/other', 's1')).toBeUndefined()
      expect(await broker.findSession(NS, 's3')).toBeUndefined()
      broker.dropSession(NS, 's1')
      expect(await broker.findSession(NS, 's1')).toBeUndefined()
    })

    it('[C18] [Z8] gives one to the node that takes it over, and ignores what its former holder saves', async () => {
      const { broker } = await bench(makeBroker)
      expect(await broker.takeSession(NS, 's1')).toBeUndefined()
      broker.saveSession(session('s1', { fence: 1 }), 120_000)
      const first = await broker.takeSession(NS, 's1')
      expect(first).toEqual({ record: session('s1', { fence: 2 }), wasHere: true })
      broker.saveSession(session('s1', { fence: 1, connectionId: 'c_old' }), 120_000)
      broker.dropSession(NS, 's1', 1)
      expect(await broker.findSession(NS, 's1')).toEqual(session('s1', { fence: 2 }))
      broker.saveSession(session('s1', { fence: 2, connectionId: 'c_2' }), 120_000)
      const second = await broker.takeSession(NS, 's1')
      expect(second?.record).toEqual(session('s1', { fence: 3, connectionId: 'c_2' }))
      broker.dropSession(NS, 's1', 3)
      expect(await broker.findSession(NS, 's1')).toBeUndefined()
    })

    it('[C18] [Z8] counts every takeover of several at once', async () => {
      const { broker } = await bench(makeBroker)
      broker.saveSession(session('s1', { fence: 1 }), 120_000)
      const taken = await Promise.all([0, 1, 2].map(() => broker.takeSession(NS, 's1')))
      expect(taken.map((each) => each?.record.fence).toSorted()).toEqual([2, 3, 4])
      expect((await broker.findSession(NS, 's1'))?.fence).toBe(4)
    })

    it('[C18] [Z8] gives one to who has seen its latest holder, and not to who has seen an earlier one', async () => {
      const { broker } = await bench(makeBroker)
      broker.saveSession(session('s1', { fence: 1 }), 120_000)
      expect((await broker.takeSession(NS, 's1', 1))?.record.fence).toBe(2)
      expect(await broker.takeSession(NS, 's1', 1)).toBeUndefined()
      expect((await broker.findSession(NS, 's1'))?.fence).toBe(2)
      expect((await broker.takeSession(NS, 's1', 2))?.record.fence).toBe(3)
    })

    it('forgets one whose time is up, and counts from the last save', async () => {
      const { broker, clock } = await bench(makeBroker)
      broker.saveSession(session('s1'), 1000)
      broker.saveSession(session('s2'), 1000)
      await clock.advance(900)
      broker.saveSession(session('s2'), 1000)
      expect(await broker.findSession(NS, 's1')).toBeDefined()
      await clock.advance(200)
      expect(await broker.findSession(NS, 's1')).toBeUndefined()
      expect(await broker.findSession(NS, 's2')).toBeDefined()
    })
  })
}
