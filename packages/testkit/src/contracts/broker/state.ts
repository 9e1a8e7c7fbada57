/** The state of a room, and how far users have read. D18. */
import type { Append, StateChange } from '@roomful/server/ports'
import { describe, expect, it } from 'vitest'
import type { MakeBroker } from '../broker.ts'
import { bench, entry, key, NS, statuses, store } from './bench.ts'

const change = (roomId: string, what: StateChange, more: Partial<Append> = {}): Append =>
  entry(roomId, '', { argsJson: '[]', type: '', change: what, ...more })
const set = (name: string, value: unknown, version?: number): StateChange => ({
  ...{ kind: 'set', name, value: JSON.stringify(value), version },
})

export function stateContract(makeBroker: MakeBroker): void {
  describe('state', () => {
    it('[D18] is the last value of each name, with the version of the room that set it', async () => {
      const { broker } = await bench(makeBroker)
      const answers = await broker.append(NS, [
        change('a', set('topic', 'tea')),
        change('a', set('é👍', { deep: ['"'] })),
        change('a', set('topic', null)),
        change('a', { kind: 'add', name: 'count', by: 5 }),
        change('a', { kind: 'add', name: 'count', by: -7 }),
        change('a', { kind: 'delete', name: 'é👍', version: undefined }),
      ])
      expect(answers.map((each) => each.status === 'changed' && each.version)).toEqual([1, 2, 3, 4, 5, 6])
      expect(answers[4]).toMatchObject({ value: '-2', isRepeat: false })
      expect(await broker.state(NS, 'a')).toEqual({
        fv: 6,
        entries: [
          { name: 'count', value: '-2', version: 5 },
          { name: 'topic', value: 'null', version: 3 },
        ],
      })
      expect((await broker.heads(NS, ['a']))[0]).toMatchObject({ seq: 0, hasState: true })
      expect(await broker.state(NS, 'nowhere')).toEqual({ fv: 0, entries: [] })
    })

    it('[D18] of 100 who compare and set one version exactly one wins', async () => {
      const { broker } = await bench(makeBroker)
      const race = (version: number) => Array.from({ length: 100 }, (_, i) => change('a', set('lock', i, version)))
      const [first, second] = [await broker.append(NS, race(0)), await broker.append(NS, race(1))]
      for (const answers of [first, second])
        expect(answers.filter(({ status }) => status === 'changed')).toHaveLength(1)
      expect(first[1]).toMatchObject({ code: 'CONFLICT', current: { version: 1, value: '0' } })
      const gone = await broker.append(NS, [
        change('b', set('x', 1, 7)),
        change('a', { kind: 'delete', name: 'lock', version: 1 }),
      ])
      expect(statuses(gone)).toEqual(['CONFLICT', 'CONFLICT'])
      expect(await broker.heads(NS, ['b'])).toEqual([])
    })

    it('[D18] a version of another log of the room is another one, and the answer has the value that there is', async () => {
      const { broker } = await bench(makeBroker)
      await broker.append(NS, [change('a', set('topic', 'tea'))])
      const [head] = await broker.heads(NS, ['a'])
      const other = { epoch: 'another.1' }
      const answers = await broker.append(NS, [
        change('a', set('topic', 'milk', 1), other),
        change('a', { kind: 'delete', name: 'topic', version: 1 }, other),
        change('a', { kind: 'read', name: 'ann', seq: 1 }, other),
        change('a', set('topic', 'coffee', 1), { epoch: head?.epoch }),
      ])
      expect(statuses(answers)).toEqual(['CONFLICT', 'CONFLICT', 'NOT_FOUND', 'changed'])
      expect(answers[0]).toMatchObject({ current: { version: 1, value: '"tea"' } })
      expect(await broker.readPositions(NS, 'ann', ['a'])).toEqual([0])
    })

    it('[D18] counters are whole numbers; what is none is refused, and has its value in the answer', async () => {
      const { broker } = await bench(makeBroker)
      await broker.append(NS, [change('a', set('word', 'x')), change('a', set('most', Number.MAX_SAFE_INTEGER))])
      const answers = await broker.append(NS, [
        change('a', { kind: 'add', name: 'word', by: 1 }),
        change('a', { kind: 'add', name: 'most', by: 1 }),
        change('a', { kind: 'add', name: 'most', by: -1 }),
      ])
      expect(answers).toMatchObject([
        { code: 'CONFLICT', current: { value: '"x"', version: 1 } },
        { code: 'CONFLICT', current: { version: 2 } },
        { status: 'changed', value: String(Number.MAX_SAFE_INTEGER - 1) },
      ])
    })

    it('[D18] is stored together with events of its group, or not at all', async () => {
      const { broker } = await bench(makeBroker)
      const group = (version: number) => [
        entry('a', 'moved', { atomicGroup: 0 }),
        change('a', set('turn', 'black', version), { atomicGroup: 0 }),
      ]
      expect(statuses(await broker.append(NS, group(0)))).toEqual(['stored', 'changed'])
      expect(statuses(await broker.append(NS, group(0)))).toEqual(['CONFLICT', 'CONFLICT'])
      expect((await broker.history(NS, 'a', { limit: 9 })).events).toHaveLength(1)
    })

    it('[D18] a repeat under a key changes nothing', async () => {
      const { broker } = await bench(makeBroker)
      const add = change('a', { kind: 'add', name: 'n', by: 1 }, { key: key('k') })
      expect(statuses(await broker.append(NS, [add]))).toEqual(['changed'])
      expect(statuses(await broker.append(NS, [add]))).toEqual(['duplicate'])
      expect((await broker.state(NS, 'a')).entries).toMatchObject([{ value: '1' }])
    })

    it('[D18] has at most 1,000 names', async () => {
      const { broker } = await bench(makeBroker)
      for (let at = 0; at < 1_000; at += 100) {
        await broker.append(
          NS,
          Array.from({ length: 100 }, (_, i) => change('a', set(`n${at + i}`, i))),
        )
      }
      const answers = await broker.append(NS, [
        change('a', set('one more', 1)),
        change('a', set('n5', 2)),
        change('a', { kind: 'delete', name: 'n7', version: undefined }),
        change('a', set('one more', 1)),
      ])
      expect(statuses(answers)).toEqual(['TOO_LARGE', 'changed', 'changed', 'changed'])
    })

    it('[D18] how far a user has read never goes back', async () => {
      const { broker } = await bench(makeBroker)
      await store(broker, entry('a', 1), entry('a', 2), entry('a', 3))
      const read = (name: string, seq: number) => change('a', { kind: 'read', name, seq })
      const answers = await broker.append(NS, [read('ann', 2), read('ann', 1), read('bob', 3)])
      expect(answers).toMatchObject([{ version: 2 }, { version: 2, isRepeat: true }, { version: 3 }])
      expect(await broker.readPositions(NS, 'ann', ['a', 'b'])).toEqual([2, 0])
      expect((await broker.state(NS, 'a')).entries).toEqual([])
    })
  })
}
