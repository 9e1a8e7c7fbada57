import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SmallMap, SmallSet } from '../../src/core/base/small-collections.ts'

type Step = ['put' | 'delete', number]
const steps = fc.array(fc.tuple(fc.constantFrom<'put' | 'delete'>('put', 'put', 'delete'), fc.nat(4)), {
  maxLength: 30,
})

describe('a small collection', () => {
  it('is a Set, but for its memory', () => {
    fc.assert(
      fc.property(steps, (steps: Step[]) => {
        const [small, set] = [new SmallSet<number>(), new Set<number>()]
        for (const [what, value] of steps) {
          if (what === 'put') {
            small.add(value)
            set.add(value)
          } else expect(small.delete(value)).toBe(set.delete(value))
          expect([...small]).toEqual([...set])
          expect([small.size, small.has(value)]).toEqual([set.size, set.has(value)])
        }
      }),
    )
  })

  it('is a Map, but for its memory', () => {
    fc.assert(
      fc.property(steps, (steps: Step[]) => {
        const [small, map] = [new SmallMap<number, number>(), new Map<number, number>()]
        steps.forEach(([what, key], value) => {
          if (what === 'put') {
            small.set(key, value)
            map.set(key, value)
          } else expect(small.delete(key)).toBe(map.delete(key))
          expect([[...small], [...small.keys()], [...small.values()]]).toEqual([
            [...map],
            [...map.keys()],
            [...map.values()],
          ])
          expect([small.size, small.has(key), small.get(key)]).toEqual([map.size, map.has(key), map.get(key)])
        })
      }),
    )
  })

  it('may be emptied, and added to, by what iterates over it', () => {
    const set = new SmallSet<number>()
    for (const value of [1, 2, 3]) set.add(value)
    const seen: number[] = []
    for (const value of set) {
      seen.push(value)
      set.delete(value)
      if (value === 1) set.add(4)
    }
    expect(seen).toEqual([1, 2, 3, 4])
    expect(set.size).toBe(0)
  })
})
