/** Results come through the listener in the order of commits, each once, and never one within another. G1. */
import type { Signal } from '@roomful/server/ports'
import { describe, expect, it } from 'vitest'
import type { BrokerCall, CalledBroker } from '../../broker.ts'
import type { MakeBroker } from '../broker.ts'
import { bench, entry, NS } from './bench.ts'

const everyone = { rooms: undefined, except: [], volatile: false, latestKey: undefined }
const event = { type: 'typing', argsJson: '[]', roomId: 'a', spread: true, isApplications: false }
const signal: Signal = { at: 0, from: 0, to: 0, event, audience: everyone }

/** The numbers that were given, by result, in the order in which results came. */
function numbers({ calls }: CalledBroker): (number | string)[][] {
  return calls.flatMap((call) => (call[0] === 'onCommitted' ? [call[3].map((result) => ('n' in result ? result.n : result.status))] : [])) // biome-ignore format: one call
}

/** The tests of the order in which results come. */
export function orderContract(makeBroker: MakeBroker): void {
  describe('order', () => {
    it('[G1] gives each batch its results once, in the order of commits', async () => {
      const { broker } = await bench(makeBroker)
      const sizes = Array.from({ length: 40 }, (_, i) => 1 + ((i * 7) % 5))
      await Promise.all(sizes.map((size, i) => broker.append(NS, Array.from({ length: size }, () => entry(`r${i % 3}`, i))))) // biome-ignore format: one call
      const total = sizes.reduce((sum, size) => sum + size, 0)
      expect(broker.calls.map((call) => call[0] === 'onCommitted' && call[2])).toEqual(sizes.map((_, i) => i + 1))
      expect(numbers(broker).flat()).toEqual(Array.from({ length: total }, (_, i) => i + 1))
      expect(numbers(broker).map((each) => each.length)).toEqual(sizes)
    })

    it('[G1] keeps the place of what stores nothing: refusals, repeats, signals alone, an empty batch', async () => {
      const { broker } = await bench(makeBroker)
      const key = { scope: 'ann', key: 'k', fingerprint: 'f' }
      await Promise.all([
        broker.append(NS, [entry('a', 1, { key })]),
        broker.append(NS, [], [signal]),
        broker.append(NS, [entry('a', 2, { aboutSeq: 99 })]),
        broker.append(NS, [entry('a', 1, { key }), entry('a', 3)], [{ ...signal, at: 1, from: 0, to: 1 }]),
        broker.append(NS, []),
        broker.append(NS, [entry('a', 4)]),
      ])
      expect(numbers(broker)).toEqual([[1], [], ['refused'], [1, 2], [], [3]])
    })

    it('[G1] finishes one result before it gives the next, also when the listener appends', async () => {
      const { broker } = await bench(makeBroker)
      let depth = 0
      let deepest = 0
      const later: Promise<unknown>[] = []
      broker.onCall = (call: BrokerCall) => {
        deepest = Math.max(deepest, ++depth)
        if (call[0] === 'onCommitted' && later.length < 10) {
          later.push(broker.append(NS, [entry('a', later.length)]), broker.append(NS, [], [signal]))
        }
        depth--
      }
      await Promise.all([broker.append(NS, [entry('a', 'first')]), broker.append(NS, [entry('a', 'second')])])
      while (later.length > 0) await later.pop()
      expect(deepest).toBe(1)
      const given = numbers(broker).flat()
      expect(given).toEqual(given.map((_, i) => i + 1))
      expect(broker.calls.map((call) => call[0] === 'onCommitted' && call[2])).toEqual(broker.calls.map((_, i) => i + 1)) // biome-ignore format: one call
    })

    it('[G2] gives what was handed over before the close its result, and refuses what comes after', async () => {
      const { broker } = await bench(makeBroker)
      const before = broker.append(NS, [entry('a', 1)])
      await broker.close()
      expect(broker.calls).toHaveLength(1)
      expect(await before).toMatchObject([{ status: 'stored', n: 1 }])
      await expect(broker.append(NS, [entry('a', 2)])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      const [, , , results] = broker.calls[1] as Extract<BrokerCall, { 0: 'onCommitted' }>
      expect(results).toMatchObject([{ status: 'refused', code: 'UNAVAILABLE' }])
    })
  })
}
