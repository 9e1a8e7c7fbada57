/** How much of a minute is left, over everyone who writes to the log. B34. */
import type { RateLimit } from '@roomful/server/ports'
import { describe, expect, it } from 'vitest'
import type { MakeBroker } from '../broker.ts'
import { bench, entry, key, NS, statuses } from './bench.ts'

const ofAnn = (perMinute: number, scope = 'ann'): RateLimit => ({ counts: 'message', scope, perMinute })
const rooms = (perMinute: number): RateLimit => ({ counts: 'new-room', scope: 'rooms of ann', perMinute })

export function limitContract(makeBroker: MakeBroker): void {
  describe('minutes', () => {
    it('[B34] [L4] [L5] store so many in any minute; what is refused says how long to wait, and does not extend it', async () => {
      const { broker, clock } = await bench(makeBroker)
      const say = () => broker.append(NS, [entry('a', 1, { limits: [ofAnn(2)] })])
      expect(statuses(await say())).toEqual(['stored'])
      await clock.advance(20_000)
      expect(statuses(await say())).toEqual(['stored'])
      for (const waitMs of [40_000, 39_000]) {
        expect(await say()).toEqual([
          {
            status: 'refused',
            code: 'RATE_LIMITED',
            message: 'Rate limit exceeded: 2 messages a minute',
            retryAfterMs: waitMs,
            limit: 'message',
          },
        ])
        await clock.advance(1_000)
      }
      expect(statuses(await broker.append(NS, [entry('a', 1, { limits: [ofAnn(2, 'bob')] })]))).toEqual(['stored'])
      await clock.advance(38_000)
      expect(statuses([...(await say()), ...(await say())])).toEqual(['stored', 'RATE_LIMITED'])
      expect(await broker.heads(NS, ['a'])).toMatchObject([{ seq: 4 }])
    })

    it('[B34] [G3] a repeat costs nothing, also when nothing is left', async () => {
      const { broker } = await bench(makeBroker)
      const say = (name: string) => broker.append(NS, [entry('a', name, { key: key(name), limits: [ofAnn(2)] })])
      for (const name of ['one', 'one', 'one', 'two']) await say(name)
      expect(statuses([...(await say('three')), ...(await say('two'))])).toEqual(['RATE_LIMITED', 'duplicate'])
    })

    it('[B34] what is refused for another reason counts in none of the minutes', async () => {
      const { broker } = await bench(makeBroker)
      const say = (...limits: RateLimit[]) => broker.append(NS, [entry('a', 1, { limits })])
      expect(statuses(await broker.append(NS, [entry('a', 1, { aboutSeq: 9, limits: [ofAnn(1)] })]))).toEqual([
        'NOT_FOUND',
      ])
      expect(statuses(await say(ofAnn(1, 'all')))).toEqual(['stored'])
      expect(statuses(await say(ofAnn(1), ofAnn(1, 'all')))).toEqual(['RATE_LIMITED'])
      expect(statuses(await say(ofAnn(1)))).toEqual(['stored'])
    })

    it('[B34] an atomic group is counted whole, and refused whole; others of the request go with the first', async () => {
      const { broker } = await bench(makeBroker)
      const limits = [ofAnn(3)]
      const pair = [entry('a', 1, { limits, atomicGroup: 0 }), entry('b', 2, { limits, atomicGroup: 0 })]
      expect(statuses(await broker.append(NS, pair))).toEqual(['stored', 'stored'])
      const rest = entry('a', 3, { sharesLimits: true })
      const results = await broker.append(NS, [...pair, rest, entry('a', 4, { limits }), rest, entry('c', 5)])
      expect(statuses(results)).toEqual(['RATE_LIMITED', 'RATE_LIMITED', 'RATE_LIMITED', 'stored', 'stored', 'stored'])
    })

    it('[L15] [L16] count rooms only where an append makes one, together with what is taken otherwise', async () => {
      const { broker, clock } = await bench(makeBroker)
      const say = (roomId: string, ...limits: RateLimit[]) => broker.append(NS, [entry(roomId, 1, { limits })])
      for (const roomId of ['a', 'a', 'b', 'a']) expect(statuses(await say(roomId, rooms(3)))).toEqual(['stored'])
      expect(await broker.take(NS, 'rooms of ann', 3)).toBe(0)
      expect(await broker.take(NS, 'rooms of ann', 3)).toBe(60_000)
      expect(await say('c', rooms(3))).toMatchObject([
        { code: 'RATE_LIMITED', limit: 'new-room', message: 'Rate limit exceeded: 3 new rooms a minute' },
      ])
      expect(statuses(await say('b', rooms(3)))).toEqual(['stored'])
      expect(await broker.heads(NS, ['c'])).toEqual([])
      await clock.advance(60_000)
      const group = ['c', 'c', 'd'].map((roomId) => entry(roomId, 1, { limits: [rooms(2)], atomicGroup: 1 }))
      expect(statuses(await broker.append(NS, group))).toEqual(['stored', 'stored', 'stored'])
      expect(statuses(await say('e', rooms(2)))).toEqual(['RATE_LIMITED'])
    })

    it('have one for all namespaces as well', async () => {
      const { broker } = await bench(makeBroker)
      expect(await broker.take(undefined, 'connect', 1)).toBe(0)
      expect(await broker.take(undefined, 'connect', 1)).toBeGreaterThan(0)
      expect(await broker.take(undefined, 'connect of another', 1)).toBe(0)
    })
  })
}
