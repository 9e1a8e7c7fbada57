/** Cursors that several nodes state: whose counts, and how one that was taken for gone comes back. */
import { describe, expect, it } from 'vitest'
import { Awareness, type AwarenessHolder } from '../src/awareness.ts'

const HERE = '{"user":{}}'
const holder = (userId: string): AwarenessHolder => ({ userId, clients: new Set() })
const state = (clientId: number, clock: number, userId: string, json = HERE) => ({ clientId, clock, json, userId })
const ids = (awareness: Awareness): number[] => awareness.all().map(({ clientId }) => clientId)

describe('[Y24] cursors of several nodes', () => {
  it('are those that each node states, until it states others or is gone', () => {
    const awareness = new Awareness('b')
    awareness.applyRemote('a', [state(1, 1, 'ann'), state(2, 1, 'ben')], true)
    awareness.applyRemote('c', [state(3, 1, 'cem')], true)
    expect(ids(awareness)).toEqual([1, 2, 3])
    expect(awareness.applyRemote('a', [state(2, 2, 'ben')], true).changed).toEqual([1, 2])
    expect(ids(awareness).toSorted()).toEqual([2, 3])
    expect(awareness.keepNodes(['a'])).toEqual([3])
    expect(awareness.expire(1e12)).toEqual([]) // the node that has the link looks for silence
    expect(ids(awareness)).toEqual([2])
  })

  it('move with their user from node to node, and an old statement does not bring them back', () => {
    const awareness = new Awareness('c')
    awareness.applyRemote('a', [state(1, 5, 'ann')], false)
    awareness.applyRemote('b', [state(1, 6, 'ann')], false)
    expect(awareness.applyRemote('a', [state(1, 5, 'ann')], false).changed).toEqual([])
    expect(awareness.applyRemote('a', [state(1, 5, 'ann', 'null')], false).changed).toEqual([])
    expect(awareness.keepNodes(['b'])).toEqual([])
    expect(awareness.applyRemote('b', [state(1, 6, 'ann', 'null')], false).changed).toEqual([1])
  })

  it('belong to the node with the lower name where two users claim the same one', () => {
    for (const order of [
      ['a', 'c'],
      ['c', 'a'],
    ]) {
      const awareness = new Awareness('b')
      for (const node of order) awareness.applyRemote(node, [state(1, 1, `user of ${node}`)], false)
      expect(awareness.statements([1])).toEqual([state(1, 1, 'user of a')])
    }
    const own = new Awareness('b')
    own.apply([{ clientId: 1, clock: 1, json: HERE }], holder('user of b'), 0)
    expect(own.applyRemote('c', [state(1, 1, 'user of c')], false).changed).toEqual([])
    expect(own.applyRemote('a', [state(1, 1, 'user of a')], false).changed).toEqual([1])
  })

  it('that another node took for gone are sent back to their link, so that it announces itself again', () => {
    const awareness = new Awareness('b')
    const link = holder('ann')
    awareness.apply([{ clientId: 1, clock: 3, json: HERE }], link, 0)
    const gone = awareness.applyRemote('a', [state(1, 3, 'ann', 'null')], true)
    expect(gone).toEqual({ changed: [], contested: [[link, { clientId: 1, clock: 3, json: 'null' }]] })
    expect(ids(awareness)).toEqual([1])
    const late = new Awareness('b')
    late.applyRemote('a', [state(1, 3, 'ann', 'null')], true)
    expect(late.apply([{ clientId: 1, clock: 3, json: HERE }], holder('ann'), 0).returned).toEqual([1])
    expect(late.apply([{ clientId: 1, clock: 4, json: HERE }], holder('ann'), 0).changed).toEqual([1])
    expect(late.allStatements()).toEqual([state(1, 4, 'ann')])
  })
})
